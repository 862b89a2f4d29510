"""`inspect` reads FlatBuffers of every scheme."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from models.flatbuffers.dtypes import FLOAT_DTYPES
from suites.meta.tiny_models import CLASSES, HIDDEN, INPUTS, TOKENS, VOCABULARY

if TYPE_CHECKING:
    from pathlib import Path

    from models.flatbuffers.structure import FlatBufferReport

    Reports = dict[str, FlatBufferReport]

DENSE_MACS = TOKENS * (3 * HIDDEN * HIDDEN + 2 * 2 * HIDDEN * HIDDEN)
HEAD_MACS = HIDDEN * CLASSES
ATTENTION_MACS = 2 * TOKENS * TOKENS * HIDDEN
ALL_MACS = DENSE_MACS + HEAD_MACS + ATTENTION_MACS


@pytest.mark.parametrize("name", ["float32", "static_wi8_ai8", "quantizer_dynamic_wi8_afp32"])
def test_inspection_lists_the_inputs_of_a_signature_by_name(reports: Reports, name: str) -> None:
    (signature,) = reports[name].signatures
    assert set(signature.inputs) == set(INPUTS)
    assert {port.shape for port in signature.inputs.values()} == {(1, TOKENS)}
    assert {port.dtype for port in signature.inputs.values()} == {"int32"}
    assert signature.outputs["logits"].shape == (1, CLASSES)
    assert signature.outputs["logits"].dtype == "float32"
    assert len({port.index for port in signature.inputs.values()}) == 3


def test_inspection_reports_the_size_hash_and_zipped_size_of_the_file(
    reports: Reports, tiny_models: dict[str, Path]
) -> None:
    data = tiny_models["float32"].read_bytes()
    report = reports["float32"]
    assert report.flatbuffer_bytes == len(data)
    assert report.sha256 == hashlib.sha256(data).hexdigest()
    assert report.flatbuffer_zipped == len(zlib.compress(data, 9))
    assert (report.identifier, report.schema_version) == ("TFL3", 3)


@pytest.mark.parametrize(
    ("name", "operators", "weights"),
    [
        ("float32", 0.0, (0.0, 0.0)),
        ("float16", 0.0, (0.0, 0.0)),
        ("dynamic_wi8_afp32", 6 / 18, (0.9, 1.0)),
        ("static_wi8_ai8", 1.0, (1.0, 1.0)),
        ("quantizer_dynamic_wi8_afp32", 6 / 18, (0.4, 0.5)),
        ("quantizer_dynamic_wi4_afp32", 6 / 18, (0.2, 0.4)),
        ("quantizer_static_wi8_ai8", 1.0, (1.0, 1.0)),
        ("quantizer_static_wi8_ai16", 1.0, (1.0, 1.0)),
    ],
)
def test_inspection_reports_the_shares_of_quantized_operators_and_weights(
    reports: Reports, name: str, operators: float, weights: tuple[float, float]
) -> None:
    low, high = weights
    assert reports[name].quantized_operator_share == pytest.approx(operators)
    assert low <= reports[name].quantized_weight_share <= high


@pytest.mark.parametrize(
    ("name", "integer", "hybrid"),
    [
        ("float32", 0, 0),
        ("float16", 0, 0),
        ("dynamic_wi8_afp32", 0, DENSE_MACS),  # the head is below the converter's 1,024 elements
        ("quantizer_dynamic_wi8_afp32", 0, DENSE_MACS + HEAD_MACS),
        ("static_wi8_ai8", ALL_MACS, 0),
        ("quantizer_static_wi8_ai16", ALL_MACS, 0),
    ],
)
def test_inspection_counts_integer_hybrid_and_float_multiplications(
    reports: Reports, name: str, integer: int, hybrid: int
) -> None:
    report = reports[name]
    assert (report.integer_macs, report.hybrid_macs) == (integer, hybrid)
    assert report.float_macs == ALL_MACS - integer - hybrid
    assert report.integer_mac_share == pytest.approx(integer / ALL_MACS)
    assert report.uncounted_operators == ()


def test_inspection_counts_every_weight_exactly_once(reports: Reports) -> None:
    parameters = VOCABULARY * HIDDEN + 2 * HIDDEN + 7 * HIDDEN * HIDDEN + HIDDEN * CLASSES
    (share,) = reports["float32"].weight_census
    scalars = 3  # constants of the attention's scale and of the mask
    assert share.bytes == 4 * (parameters + scalars)
    (half,) = reports["float16"].weight_census
    assert half.bytes * 2 == share.bytes


def test_inspection_reports_the_dtypes_of_activations(reports: Reports) -> None:
    static = {share.dtype for share in reports["static_wi8_ai8"].activation_census}
    wide = {share.dtype for share in reports["quantizer_static_wi8_ai16"].activation_census}
    assert static - FLOAT_DTYPES == {"int8"}
    assert wide - FLOAT_DTYPES == {"int16"}


@pytest.mark.parametrize("name", ["dynamic_wi8_afp32", "quantizer_static_wi8_ai8"])
def test_inspection_reads_symmetric_per_channel_scales_of_dense_weights(
    reports: Reports, name: str
) -> None:
    dense = [
        operator.inputs[1]
        for operator in reports[name].operators
        if operator.name == "FULLY_CONNECTED" and operator.inputs[1].dtype == "int8"
    ]
    assert dense
    for weights in dense:
        assert weights.quantization.axis == 0
        assert len(weights.quantization.scales) == weights.shape[0]
        assert set(weights.quantization.zero_points) == {0}


def test_inspection_reads_integer_and_float_outputs_of_static_files(reports: Reports) -> None:
    # litert-quantizer quantizes the output too; the TFLite converter adds a DEQUANTIZE.
    logits = reports["quantizer_static_wi8_ai8"].signatures[0].outputs["logits"]
    assert logits.dtype == "int8"
    assert len(logits.quantization.scales) == 1
    assert reports["static_wi8_ai8"].signatures[0].outputs["logits"].dtype == "float32"


def test_quantize_operator_without_a_deprecated_code_is_not_read_as_add(reports: Reports) -> None:
    # litert-quantizer leaves the deprecated code of the QUANTIZE it inserts at 0, which is ADD.
    operators = reports["quantizer_static_wi8_ai8"].operators
    assert "QUANTIZE" in {operator.name for operator in operators}


def test_inspection_names_flex_operators(reports: Reports) -> None:
    report = reports["flex"]
    assert report.custom_operators == ("FlexMatrixInverse",)
    assert [operator.flex for operator in report.operators] == [True]
    assert report.uncounted_operators == ("FlexMatrixInverse",)
    assert not reports["float32"].custom_operators


def test_inspection_imports_no_runtime(tiny_models: dict[str, Path]) -> None:
    code = (
        "import sys; from pathlib import Path; from models.flatbuffers.inspect import inspect;"
        "assert 'tflite' not in sys.modules, 'the schema is read lazily';"
        f"inspect(Path({str(tiny_models['float32'])!r}));"
        "print([name for name in sys.modules if name.split('.')[0] in"
        " ('tensorflow', 'ai_edge_litert', 'tflite_runtime', 'keras')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
