"""The scheme of a file is recognized by the grammar, whatever the file is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.flatbuffers.inspect import inspect
from models.flatbuffers.recognizing import recognized
from suites.meta.flatbuffer_writer import Model
from suites.meta.flatbuffers.finding_files import SCALES, WIDE, dense

if TYPE_CHECKING:
    from models.flatbuffers.structure import FlatBufferReport

INTEGERS = np.ones((WIDE, WIDE))
OWN = {
    "float32": {},
    "dynamic_wi8_afp32": {"dtype": "int8", "scale": SCALES},
    "dynamic_wi8t_afp32": {"dtype": "int8", "scale": 0.1},
    "static_wi8_ai8_integer": {"dtype": "int8", "scale": SCALES, "input_dtype": "int8"},
    "static_wi8_ai16_integer": {"dtype": "int8", "scale": SCALES, "input_dtype": "int16"},
}


@pytest.mark.parametrize("name", OWN)
def test_scheme_of_a_single_dense_layer_is_recognized(tmp_path, name):
    path = tmp_path / "given.tflite"
    path.write_bytes(dense(weights=INTEGERS, **OWN[name]))
    assert recognized(inspect(path)).name == name


@pytest.mark.parametrize(
    ("dtype", "scale", "name"),
    [
        ("float16", None, "float16"),
        ("int8", SCALES, "weight_only_wi8_afp32"),
        ("int8", 0.1, "weight_only_wi8t_afp32"),
    ],
)
def test_scheme_of_weights_that_are_dequantized_before_use_is_recognized(
    tmp_path, dtype, scale, name
):
    model = Model()
    ids, real = model.tensor("ids", (1, WIDE), "int32"), model.tensor("real", (1, WIDE))
    weights = model.tensor("w", (WIDE, WIDE), dtype, values=INTEGERS, scale=scale)
    plain, out = model.tensor("plain", (WIDE, WIDE)), model.tensor("out", (1, WIDE))
    model.operator("CAST", [ids], [real])
    model.operator("DEQUANTIZE", [weights], [plain])
    model.operator("FULLY_CONNECTED", [real, plain, -1], [out])
    model.end_graph([ids], [out])
    path = tmp_path / "given.tflite"
    path.write_bytes(model.pack())
    assert recognized(inspect(path)).name == name


def test_embedding_table_does_not_decide_the_recognized_granularity(tmp_path):
    model = Model()
    ids, row = model.tensor("ids", (1, 8), "int32"), model.tensor("row", (1, WIDE))
    words = model.tensor("words", (512, WIDE), "int8", values=np.ones((512, WIDE)), scale=0.1)
    weights = model.tensor("w", (WIDE, WIDE), "int8", values=INTEGERS, scale=SCALES)
    out = model.tensor("out", (1, WIDE))
    model.operator("GATHER", [words, ids], [row])
    model.operator("FULLY_CONNECTED", [row, weights, -1], [out], version=12)
    model.end_graph([ids], [out])
    path = tmp_path / "given.tflite"
    path.write_bytes(model.pack())
    assert recognized(inspect(path)).name == "dynamic_wi8_afp32"


def test_no_scheme_is_recognized_in_a_file_without_weights(tmp_path):
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 8))
    model.operator("CAST", [ids], [out])
    model.end_graph([ids], [out])
    path = tmp_path / "given.tflite"
    path.write_bytes(model.pack())
    assert recognized(inspect(path)).name == "none"


CONVERTERS = {
    "float32": "float32",
    "float16": "float16",
    "dynamic_wi8_afp32": "dynamic_wi8_afp32",
    # The logits of this file stay floats.
    "static_wi8_ai8": "static_wi8_ai8_dense",
    # The table of words, most of this small file, stays float32. The other weights show the scheme.
    "quantizer_dynamic_wi8_afp32": "dynamic_wi8_afp32",
    "quantizer_dynamic_wi4_afp32": "dynamic_wi4_afp32",
    "quantizer_static_wi8_ai8": "static_wi8_ai8_integer",
    "quantizer_static_wi8_ai16": "static_wi8_ai16_integer",
    "flex": "none",
}


@pytest.mark.parametrize("name", CONVERTERS)
def test_scheme_of_each_converters_files_is_recognized(
    reports: dict[str, FlatBufferReport], name: str
) -> None:
    assert recognized(reports[name]).name == CONVERTERS[name]
