"""What is written is read back, and a file's operators are judged one by one."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.choices import RandomChoices
from models.kernels.coverage import coverage
from models.kernels.families.all_families import FAMILIES
from models.kernels.reading import Instances
from models.store import PROJECT
from suites.meta.kernels.planted import WRONG, Kernels

# Of one operator each, in every way a constant is stored.
WRITTEN = (
    *("FULLY_CONNECTED-hybrid_int4_block", "FULLY_CONNECTED-hybrid_int4_channel"),
    *("FULLY_CONNECTED-int8_channel", "BATCH_MATMUL-int8", "STRIDED_SLICE-float32"),
    *("SQUEEZE-float32", "SOFTMAX-float32", "EMBEDDING_LOOKUP-int4_row"),
)
EXAMPLE = PROJECT / "docs" / "example" / "sentiment.tflite"


@pytest.mark.parametrize("name", WRITTEN)
def test_written_operator_is_read_back(name, tmp_path):
    case = FAMILIES[name].draw(RandomChoices(7))
    file = tmp_path / "one.tflite"
    file.write_bytes(case.flatbuffer())
    ((_, graph),) = Instances(file)
    (wrote,), (read,) = case.graph.nodes, graph.nodes
    assert {key: float(np.sum(value)) for key, value in read.options.items()} == {
        key: float(np.sum(np.float32(value))) for key, value in wrote.options.items()
    }
    for before, after in zip(wrote.inputs, read.inputs, strict=True):
        if before < 0 or case.graph.tensors[before].data is None:
            continue
        kept, found = case.graph.tensors[before], graph.tensors[after]
        np.testing.assert_array_equal(kept.data.reshape(-1), found.data.reshape(-1))
        if kept.quantization is not None:
            scales = kept.quantization.scales, found.quantization.scales
            np.testing.assert_array_equal(*scales)


def test_right_kernels_cover_a_file():
    covered = coverage(Instances(EXAMPLE), Kernels())
    assert covered.operators > 0.8
    assert {one.state for one in covered.instances} <= {"proven", "not covered"}


def test_wrong_kernel_is_named():
    wrong = WRONG["drops the last column"]
    covered = coverage(Instances(EXAMPLE), wrong)
    deviating = {one.operator for one in covered.instances if one.state == "deviates"}
    assert deviating == {"FULLY_CONNECTED"}
    assert covered.multiplications < 1.0
    assert any("FULLY_CONNECTED" in line for line in covered.describe()["not_proven"])
