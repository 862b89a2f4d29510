"""Written operators are read back, and a file's operators are judged one by one."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.asking import Answer, AskedBackend
from models.kernels.choices import RandomChoices
from models.kernels.coverage import coverage
from models.kernels.families.all_families import FAMILIES
from models.kernels.graph import Drawing, Tensor
from models.kernels.inner_tensors import with_outputs
from models.kernels.reading import Instances
from models.kernels.recording import Recorder, by_position
from models.kernels.writing import write
from models.runtime.binding import Binding, BoundInput
from models.runtime.transports import LocalTransport
from models.store import PROJECT
from suites.meta.kernels.planted import WRONG, Kernels

# Families with one operator each. Together they cover every way to store constants in a file.
WRITTEN = (
    *("FULLY_CONNECTED-hybrid_int4_block", "FULLY_CONNECTED-hybrid_int4_channel"),
    *("FULLY_CONNECTED-int8_channel", "BATCH_MATMUL-int8", "STRIDED_SLICE-float32"),
    *("SQUEEZE-float32", "SOFTMAX-float32", "EMBEDDING_LOOKUP-int4_row"),
)
EXAMPLE = PROJECT / "docs" / "example" / "sentiment.tflite"


@pytest.mark.parametrize("name", WRITTEN)
def test_operator_read_from_a_flatbuffer_equals_the_written_one(name, tmp_path):
    case = FAMILIES[name].draw(RandomChoices(7))
    file = tmp_path / "one.tflite"
    file.write_bytes(case.flatbuffer())
    (instance,) = Instances(file)
    graph = instance.graph
    (wrote,), (read,) = case.graph.nodes, graph.nodes
    assert {key: float(np.sum(value)) for key, value in read.options.items()} == {
        key: float(np.sum(np.float32(value))) for key, value in wrote.options.items()
    }
    for before, after in zip(wrote.inputs, read.inputs, strict=True):
        if before < 0 or case.graph.tensors[before].data is None:
            continue
        expected, actual = case.graph.tensors[before], graph.tensors[after]
        np.testing.assert_array_equal(expected.data.reshape(-1), actual.data.reshape(-1))
        if expected.quantization is not None:
            scales = expected.quantization.scales, actual.quantization.scales
            np.testing.assert_array_equal(*scales)


def test_coverage_of_correct_kernels_includes_most_operators_of_a_file():
    covered = coverage(Instances(EXAMPLE), Kernels())
    assert covered.share > 0.8
    assert {operator.state for operator in covered.operators} <= {"proven", "not covered"}


def test_coverage_report_names_the_operator_with_a_wrong_kernel():
    wrong = WRONG["drops the last column"]
    covered = coverage(Instances(EXAMPLE), wrong)
    deviating = {operator.name for operator in covered.operators if operator.state == "deviates"}
    assert deviating == {"FULLY_CONNECTED"}
    assert covered.multiply_accumulates < 1.0
    assert any("FULLY_CONNECTED" in line for line in covered.describe()["not_proven"])


@pytest.fixture
def chain(tmp_path):
    """Return a file that negates, adds 1 and takes the square root."""
    drawing = Drawing()
    place = drawing.input(Tensor((2, 3)))
    negated = drawing.node("NEG", [place], [Tensor((2, 3))])
    constant = drawing.constant(np.array(1.0, np.float32))
    above = drawing.node("ADD", [negated, constant], [Tensor((2, 3))], activation=0)
    root = drawing.node("SQRT", [above], [Tensor((2, 3))])
    file = tmp_path / "chain.tflite"
    file.write_bytes(write(drawing.graph(root)))
    return file


def test_activations_are_recorded_from_real_inputs(chain):
    rows = np.array([[-3.0, -8.0, 0.0], [-15.0, -24.0, -35.0]], np.float32)
    with AskedBackend(LocalTransport(), "ai_edge_litert-builtin") as backend:
        instances = Instances(chain)
        recorder = Recorder(instances, {0: [[rows]]}, backend)
        ((operators, values),) = recorder.parts()
        covered = coverage(instances, backend, recorder=recorder)
    assert [operator.name for operator in operators] == ["NEG", "ADD", "SQRT"]
    assert [values[operator.outputs[0].index][0].tolist() for operator in operators] == [
        (-rows).tolist(),
        (1.0 - rows).tolist(),
        np.sqrt(1.0 - rows).tolist(),
    ]
    assert (covered.share, covered.texts, covered.not_recorded) == (1.0, 1, {})


class WrongOnText:
    """A backend whose square root is wrong only for 4, a value that is never drawn."""

    def answer(self, case):
        """Return right answers to a case, except for the square root of 4."""
        right = Kernels().answer(case)
        if case.graph.nodes[0].operator != "SQRT":
            return right
        spoiled = [
            [np.where(operand == 4.0, 3.0, output).astype(output.dtype) for output in run]
            for (operand,), run in zip(case.runs, right.runs, strict=True)
        ]
        return Answer("computed", spoiled)


def test_coverage_names_a_kernel_that_is_wrong_only_on_recorded_activations(chain):
    rows = np.full((2, 3), -3.0, np.float32)
    instances = Instances(chain)
    with AskedBackend(LocalTransport(), "ai_edge_litert-builtin") as backend:
        recorder = Recorder(instances, {0: [[rows]]}, backend)
        covered = coverage(instances, WrongOnText(), recorder=recorder)
    assert [operator.name for operator in covered.operators if operator.state == "deviates"] == [
        "SQRT"
    ]
    assert coverage(instances, WrongOnText()).share == 1.0


def test_reason_for_unrecorded_activations_is_reported(chain):
    class Refusing:
        """A backend that rejects every file."""

        def compute(self, *_):
            """Return a refusal."""
            return Answer("refused", said="it takes no file")

    instances = Instances(chain)
    recorder = Recorder(instances, {0: [[np.zeros((2, 3), np.float32)]]}, Refusing())
    covered = coverage(instances, Kernels(), recorder=recorder)
    assert (covered.share, covered.texts) == (1.0, 0)
    assert covered.describe()["not_recorded"] == "it takes no file"


def test_input_arrays_are_ordered_by_graph_position():
    instances = Instances(EXAMPLE)
    names = [tensor.name for tensor in instances.contents.subgraphs[0].inputs]
    bound = tuple(BoundInput(name, place) for place, name in enumerate(names))
    rows = {name: np.full((3, 512), place) for place, name in enumerate(names)}
    (first, _) = by_position(instances.contents, Binding(bound), rows, 2)
    shapes = [tensor.shape for tensor in instances.contents.subgraphs[0].inputs]
    assert [array.shape for array in first] == shapes
    assert [array.reshape(-1)[0] for array in first] == list(range(len(names)))


def test_chosen_inner_tensors_become_outputs_of_the_file(tmp_path):
    instances = Instances(EXAMPLE)
    tensors = [operator.outputs[0].index for operator in instances.operators]
    file = tmp_path / "showing.tflite"
    file.write_bytes(with_outputs(EXAMPLE.read_bytes(), tensors))
    shown = Instances(file).contents
    assert [tensor.index for tensor in shown.subgraphs[0].outputs] == tensors
    assert shown.signatures == ()


def test_operator_with_many_tensors_is_tested_in_runs_that_fit_one_message(tmp_path):
    """A message of the runner holds 64 arrays."""
    shape, many = (2, 3), 40
    drawing = Drawing()
    places = [drawing.input(Tensor(shape)) for _ in range(many)]
    out = drawing.node("PACK", places, [Tensor((many, *shape))], count=many, axis=0)
    file = tmp_path / "many.tflite"
    file.write_bytes(write(drawing.graph(out)))
    texts = [[np.full(shape, place, np.float32) for place in range(many)]]
    with AskedBackend(LocalTransport(), "ai_edge_litert-builtin") as backend:
        instances = Instances(file)
        covered = coverage(instances, backend, recorder=Recorder(instances, {0: texts}, backend))
    assert (covered.share, covered.texts) == (1.0, 1)


def test_operator_with_tensors_too_large_for_memory_is_reported_as_not_covered(tmp_path):
    drawing = Drawing()
    large = Tensor((1 << 28, 2))
    file = tmp_path / "large.tflite"
    negated = drawing.node("NEG", [drawing.input(large)], [large])
    file.write_bytes(write(drawing.graph(negated)))
    (line,) = coverage(Instances(file), Kernels()).describe()["not_proven"]
    assert line == "NEG (0): not covered; its tensors contain more than 268,435,456 numbers"
