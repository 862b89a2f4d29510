"""Files of common shapes are judged end to end; the measurements equal those of numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suites.meta.door.judged import BEHAVIOR, FIGURES, judge, options
from suites.meta.door.texts import LABELS, WRONG, distance, logits, softmax, write_texts
from suites.meta.small_classifiers import classifier

SHARED = Path(__file__).parents[4] / "shared" / "flatbuffers"
REFERENCE = "as_edgeproof"
# Files from other converters with the same answers as the reference.
ALIKE = (
    *("no_signature_model_maker", "model_maker_names", "google_names", "litert_torch_int64"),
    *("distilbert_two_inputs", "dynamic_tokens", "graph_order_mask_first"),
    *("probabilities_not_logits", "fp16_table"),
)
NOT_ALIKE = ("ids_only_average_word_vec", "int8_output", "int8_output_scale_too_small")
BROKEN = "fp16_mask_overflow"
EXACT = pytest.approx
RIGHT = 1 - 1 / WRONG


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return write_texts(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="module")
def shared(texts, tmp_path_factory):
    """Judge all files of ../shared that need no declaration."""
    names = (REFERENCE, *ALIKE, *NOT_ALIKE, BROKEN)
    files = [SHARED / f"{name}.tflite" for name in names]
    if not all(file.exists() for file in files):
        pytest.skip("needs ../shared/flatbuffers")
    arguments = [f"--edge-flatbuffer={file}" for file in files]
    arguments += options(texts, LABELS, reference=REFERENCE)
    return judge(tmp_path_factory.mktemp("shared"), arguments, (*FIGURES, BEHAVIOR))


@pytest.mark.parametrize("name", [REFERENCE, *ALIKE])
def test_accuracy_of_a_file_equals_the_accuracy_computed_by_numpy(shared, name):
    assert shared.figure("accuracy", name) == EXACT(RIGHT)
    assert not shared.red(name), shared.outcome.output


@pytest.mark.parametrize("name", ALIKE)
def test_equivalent_files_agree_with_the_reference_on_every_text(shared, name):
    assert shared.figure("agreement", name) == 1.0
    # Half precision changes probabilities slightly; a second softmax would change them by a tenth.
    assert shared.figure("total_variation", name) == EXACT(0.0, abs=2e-3)


def test_files_with_uncertain_properties_are_judged_after_a_declaration(texts, tmp_path):
    """Two files of ../shared are judged once inputs and signature are declared."""
    declared = {
        REFERENCE: "",
        "litert_torch_args": 'inputs = { ids = "args_0", mask = "args_1", segments = "args_2" }',
        "two_signatures": 'signature = "other1"',
    }
    if not all((SHARED / f"{name}.tflite").exists() for name in declared):
        pytest.skip("needs ../shared/flatbuffers")
    lines = [
        f'labels = {list(LABELS)}\nreference = "{REFERENCE}"',
        f'tokenizer = "text_vectorization:{texts.vocabulary}"',
        f'[corpus]\nfile = "{texts.corpus}"\ntext = "review"\nlabel = "mood"',
    ]
    for name, more in declared.items():
        file = SHARED / f"{name}.tflite"
        lines.append(f'[[candidates]]\nname = "{name}"\nflatbuffer = "{file}"\n{more}')
    toml = tmp_path / "mine.toml"
    toml.write_text("\n".join(lines) + "\n", encoding="utf-8")
    judged = judge(tmp_path, [f"--edge-subject={toml}"])
    assert judged.figures("accuracy") == dict.fromkeys(declared, EXACT(RIGHT))
    assert set(judged.figures("agreement").values()) == {1.0}


def test_average_word_vector_without_a_mask_includes_padding(shared, texts):
    answers = logits(texts.ids, masked=False).argmax(axis=1)
    measured = shared.figure("accuracy", "ids_only_average_word_vec")
    assert measured == EXACT((answers == texts.labels).mean())


def test_integer_output_is_dequantized_with_its_scale(shared, texts):
    real = logits(texts.ids)
    rounded = 0.03 * np.clip(np.rint(real / 0.03), -128 - 5, 127 - 5)
    assert shared.figure("total_variation", "int8_output") == EXACT(
        distance(softmax(real), softmax(rounded)), abs=1e-3
    )


def test_file_with_a_saturated_output_turns_gates_red(shared):
    red = shared.red("int8_output_scale_too_small")
    assert {"test_labels_agree_with_float32", "test_probabilities_stay_close_to_float32"} <= red


def test_file_with_an_overflowing_constant_fails_and_the_constant_is_named(shared):
    assert shared.red(BROKEN)
    assert BROKEN not in shared.figures("accuracy")
    assert "'C_half', which MUL 6 reads, are infinite" in shared.outcome.output


def test_graph_that_orders_inputs_unlike_its_signature_causes_a_warning(shared):
    assert (
        "graph_order_mask_first: The graph takes its inputs in the order" in shared.outcome.output
    )


def test_output_called_logits_that_contains_probabilities_causes_a_warning(shared):
    warning = "Its output is called 'logits', but contains probabilities"
    assert f"probabilities_not_logits: {warning}" in shared.outcome.output


def test_softmax_is_not_applied_to_an_output_of_probabilities(texts, tmp_path):
    """The measured distance between two files equals the distance of their probabilities."""
    files = {"one": classifier(end=("SOFTMAX",)), "other": classifier(end=("SOFTMAX",), seed=1)}
    for name, data in files.items():
        (tmp_path / f"{name}.tflite").write_bytes(data)
    arguments = [f"--edge-flatbuffer={tmp_path / name}.tflite" for name in files]
    judged = judge(tmp_path, [*arguments, *options(texts, LABELS, reference="one")])
    first, second = softmax(logits(texts.ids)), softmax(logits(texts.ids, seed=1))
    expected, twice = distance(first, second), distance(softmax(first), softmax(second))
    assert expected > 2 * twice
    assert judged.figure("total_variation", "other") == EXACT(expected, abs=1e-4)


def test_declared_threshold_and_positive_label_of_a_sigmoid_are_applied(tmp_path):
    """One file is judged with three thresholds and both positive labels; numpy is the oracle."""
    names = ("no", "yes")
    texts = write_texts(tmp_path, names=names)
    (tmp_path / "one.tflite").write_bytes(classifier(classes=1, end=("LOGISTIC",)))
    ways = {"low": (0.35, "yes"), "half": (0.5, "yes"), "high": (0.7, "yes"), "first": (0.7, "no")}
    tables = "".join(
        f'[[candidates]]\nname = "{name}"\nflatbuffer = "one.tflite"\n'
        f'output = {{ threshold = {threshold}, positive = "{side}" }}\n'
        for name, (threshold, side) in ways.items()
    )
    toml = tmp_path / "mine.toml"
    toml.write_text(
        'labels = ["no", "yes"]\ntokenizer = "text_vectorization:vocab.txt"\n'
        f'{tables}[corpus]\nfile = "texts.csv"\ntext = "review"\nlabel = "mood"\n',
        encoding="utf-8",
    )
    judged = judge(tmp_path, [f"--edge-subject={toml}"])
    shares = 1 / (1 + np.exp(-logits(texts.ids, 1)[:, 0]))
    for name, (threshold, side) in ways.items():
        answers = np.where(shares > threshold, names.index(side), 1 - names.index(side))
        assert judged.figure("accuracy", name) == EXACT((answers == texts.labels).mean()), name
    assert len(set(judged.figures("accuracy").values())) == len(ways), "each way gives others"


def test_token_ids_from_the_corpus_are_passed_on_unchanged(texts, tmp_path):
    """The files have float32 ids, a dynamic batch, no signature, or two outputs."""
    shapes = {
        "reals": classifier(dtype="float32"),
        "batch": classifier(signature=(-1, 8), output_signature=(-1, 3)),
        "two": classifier(outputs=2),
        "unnamed": classifier(keys=(), tensor_prefix="", names=("ids", "mask", "segment_ids")),
    }
    for name, data in shapes.items():
        (tmp_path / f"{name}.tflite").write_bytes(data)
    arguments = [f"--edge-flatbuffer={tmp_path / name}.tflite" for name in shapes]
    arguments += options(texts, LABELS, tokenizer="", columns="text=review,label=mood,ids=numbers")
    judged = judge(tmp_path, [*arguments, "--edge-output=name=0"])
    assert judged.figures("accuracy") == dict.fromkeys(shapes, EXACT(RIGHT))
