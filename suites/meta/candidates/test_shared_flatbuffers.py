"""Inputs and output of each file in ../shared are recognized, or it is rejected with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.candidates.candidate import read_candidate
from models.candidates.declaration import Declaration, InputsTable
from models.errors import UsageMistake
from models.flatbuffers.describing import inspect_file
from models.flatbuffers.findings import findings_of

FOLDER = Path(__file__).parents[4] / "shared" / "flatbuffers"
THREE = {"ids": 0, "mask": 1, "segments": 2}
# By file: the positions of its inputs by role, the meaning of its output, and the findings.
BOUND = {
    "as_edgeproof": (THREE, "logits", set()),
    "no_signature_model_maker": (THREE, "logits", {"no-signature"}),
    "model_maker_names": (THREE, "probabilities", set()),
    "google_names": (THREE, "logits", set()),
    "distilbert_two_inputs": ({"ids": 0, "mask": 1}, "logits", set()),
    "ids_only_average_word_vec": ({"ids": 0}, "logits", set()),
    "litert_torch_int64": (THREE, "logits", {"int64-input"}),
    "dynamic_tokens": (THREE, "logits", {"open-length"}),
    "graph_order_mask_first": (
        {"mask": 0, "segments": 1, "ids": 2},
        "logits",
        {"input-order"},
    ),
    "probabilities_not_logits": (THREE, "probabilities", {"probabilities-called-logits"}),
    "int8_output": (THREE, "logits", set()),
    "int8_output_scale_too_small": (THREE, "logits", {"output-saturates"}),
    "fp16_mask_overflow": (THREE, "logits", {"half-overflow"}),
    "fp16_table": (THREE, "logits", set()),
    "fully_connected_v12": ({"ids": 0}, "logits", {"needs-newer-runtime"}),
    "real/sms-int64-sigmoid/model": (
        {"ids": 0},
        "sigmoid",
        {"int64-input", "no-signature", "one-scale-for-a-table", "open-batch", "sigmoid"},
    ),
    "real/toco-hybrid-uint8/model": (
        {"ids": 0},
        "probabilities",
        {"float-input", "no-signature", "old-uint8"},
    ),
}
REFUSED = {
    "litert_torch_args": ("uncertain", set()),
    "two_signatures": ("has 2 signatures", {"several-signatures"}),
    "real/zh-spam-string-flex/model": (
        "FlexUnicodeEncode, and its input 'x' takes text itself",
        {"flex-operator", "flex-placeholder", "no-signature", "sigmoid", "string-input"},
    ),
}


def shared(name):
    """Return the path of a file; skip the test if it is missing."""
    path = FOLDER / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"needs ../shared/flatbuffers/{name}.tflite")
    return path


@pytest.mark.parametrize("name", BOUND)
def test_roles_and_meaning_of_a_shared_file_are_recognized(name):
    roles, meaning, _ = BOUND[name]
    spec = read_candidate(shared(name))
    assert {port.role: port.position for port in spec.inputs} == roles
    assert spec.output.meaning == meaning


@pytest.mark.parametrize("name", REFUSED)
def test_shared_file_is_rejected_with_a_reason_and_a_remedy(name):
    message, _ = REFUSED[name]
    with pytest.raises(UsageMistake, match=message) as caught:
        read_candidate(shared(name))
    assert caught.value.remedy


@pytest.mark.parametrize("name", [*BOUND, *REFUSED])
def test_inspection_of_a_shared_file_finds_its_documented_properties(name):
    _, *_, expected = {**BOUND, **REFUSED}[name]
    assert {finding.id for finding in findings_of(inspect_file(shared(name)))} == expected


def test_declaration_resolves_uncertain_inputs_and_signatures():
    declared = Declaration(inputs=InputsTable(ids="args_0", mask="args_1", segments="args_2"))
    spec = read_candidate(shared("litert_torch_args"), declared)
    assert {port.role: port.position for port in spec.inputs} == THREE
    spec = read_candidate(shared("two_signatures"), Declaration(signature="other1"))
    assert spec.signature == "other1"


def test_rows_of_the_embedding_table_are_found_in_shared_files():
    assert read_candidate(shared("real/sms-int64-sigmoid/model")).input("ids").rows == 10_000
    assert read_candidate(shared("as_edgeproof")).input("ids").rows == 64
