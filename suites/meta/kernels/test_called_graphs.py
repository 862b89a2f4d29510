"""Operators in loops, branches and all signatures are tested, with recorded values as inputs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.backends.kernel_coverage import texts_of
from models.errors import EdgeproofError
from models.flatbuffers.writing import Scalar, u32
from models.input_roles import LENGTH
from models.kernels.asking import Answer, AskedBackend
from models.kernels.choices import RandomChoices
from models.kernels.coverage import coverage
from models.kernels.families.all_families import FAMILIES
from models.kernels.graph import Drawing, Graph, Tensor
from models.kernels.reading import Instances
from models.kernels.recording import Recorder
from models.kernels.writing import write
from models.runtime.binding import Binding, BoundInput
from models.runtime.transports import LocalTransport
from suites.meta.flatbuffer_writer import Model
from suites.meta.kernels.planted import WRONG, Kernels

ROW, COUNTER = Tensor((2, 3)), Tensor((), "int32")
GIVEN = np.array([[1.0, -2.0, 3.0], [0.5, -0.25, 7.0]], np.float32)


@pytest.fixture(scope="module")
def backend():
    """Return a backend with the built-in kernels of ai-edge-litert."""
    with AskedBackend(LocalTransport(), "ai_edge_litert-builtin") as asked:
        yield asked


@pytest.fixture
def instances(tmp_path):
    """Return `instances(graph)`, which writes a graph, or bytes, to a file and reads the file."""

    def written(graph):
        file = tmp_path / "file.tflite"
        file.write_bytes(write(graph) if isinstance(graph, Graph) else graph)
        return Instances(file)

    return written


def below(limit):
    """Return the graph of a condition: whether a counter is below a limit."""
    drawing = Drawing()
    counter, _ = drawing.input(COUNTER), drawing.input(ROW)
    most = drawing.constant(np.array(limit, np.int32))
    return drawing.graph(drawing.node("LESS", [counter, most], [Tensor((), "bool")]))


def doubling():
    """Return the graph of a loop's body, which adds 1 to a counter and doubles a row."""
    drawing = Drawing()
    counter, row = drawing.input(COUNTER), drawing.input(ROW)
    step = drawing.constant(np.array(1, np.int32))
    after = drawing.node("ADD", [counter, step], [COUNTER])
    twice = drawing.node("MUL", [row, drawing.constant(np.array(2.0, np.float32))], [ROW])
    return drawing.graph(after, twice)


def loop(*bodies, condition=1, body=2):
    """Return a graph with a WHILE operator whose counter starts at 0."""
    drawing = Drawing()
    row, start = drawing.input(ROW), drawing.constant(np.array(0, np.int32))
    first = drawing.node("WHILE", [start, row], [COUNTER, ROW], condition=condition, body=body)
    return drawing.graph(first + 1, bodies=bodies or (below(3), doubling()))


def single(operator):
    """Return a graph of one operator on a row."""
    drawing = Drawing()
    return drawing.graph(drawing.node(operator, [drawing.input(ROW)], [ROW]))


def branching():
    """Return a graph with an IF operator that takes its first branch if the first input is true."""
    drawing = Drawing()
    chosen, row = drawing.input(Tensor((), "bool")), drawing.input(ROW)
    out = drawing.node("IF", [chosen, row], [ROW], taken=1, otherwise=2)
    return drawing.graph(out, bodies=(single("TANH"), single("ABS")))


def states(covered):
    """Return the state of each covered operator, by its name and the number of its graph."""
    return {(operator.name, operator.graph): operator.state for operator in covered.operators}


def recorded(recorder):
    """Return the recorded outputs of the first operator of each graph, by number of the graph."""
    recorded = {}
    for operators, values in recorder.parts():
        first = operators[0]
        recorded[first.subgraph] = [
            array.tolist() for array in values.get(first.outputs[0].index, [])
        ]
    return recorded


def lstm_loop():
    """Return a loop whose body is a step of an LSTM."""
    return FAMILIES["WHILE-lstm"].draw(RandomChoices(22)).flatbuffer()


def test_operators_in_a_loop_are_tested_with_random_values(instances):
    covered = coverage(instances(lstm_loop()), Kernels())
    states_found = states(covered)
    assert states_found.pop(("WHILE", 0)) == "not covered"
    assert {("LESS", 1), ("FULLY_CONNECTED", 2), ("SPLIT", 2), ("TANH", 2)} < set(states_found)
    assert set(states_found.values()) == {"proven"}
    assert covered.multiply_accumulates == 1.0
    told = covered.describe()
    assert (told["graphs"], told["asked_graphs"]) == (3, 3)
    assert told["not_proven"] == [
        "WHILE (0): not covered; it calls graphs 1 and 2, whose operators are tested in its place"
    ]


def test_coverage_report_names_a_wrong_kernel_in_a_loop(instances):
    covered = coverage(instances(lstm_loop()), WRONG["drops the last column"])
    deviating = {where for where, state in states(covered).items() if state == "deviates"}
    assert deviating == {("FULLY_CONNECTED", 2)}
    assert covered.multiply_accumulates == 0.0
    assert any(
        line.startswith("FULLY_CONNECTED (1 of graph 2): deviates")
        for line in covered.describe()["not_proven"]
    )


def test_loop_variables_are_recorded_at_each_iteration(instances, backend):
    recorder = Recorder(instances(loop()), {0: [[GIVEN]]}, backend)
    assert recorded(recorder) == {0: [3], 1: [True, True, True, False], 2: [1, 2, 3]}
    assert (recorder.recorded, recorder.why_not) == (1, {})


class WrongOnARound:
    """A backend whose products are wrong only for 28, a value of the third iteration."""

    def answer(self, case):
        """Return right answers to a case, except for products of 28."""
        right = Kernels().answer(case)
        if case.graph.nodes[0].operator != "MUL":
            return right
        spoiled = [
            [np.where(operand == 28.0, 0.0, output).astype(output.dtype) for output in run]
            for (operand,), run in zip(case.runs, right.runs, strict=True)
        ]
        return Answer("computed", spoiled)


def test_coverage_names_a_kernel_that_is_wrong_only_in_a_later_iteration(instances, backend):
    file = instances(loop())
    covered = coverage(file, WrongOnARound(), recorder=Recorder(file, {0: [[GIVEN]]}, backend))
    assert states(covered)["MUL", 2] == "deviates"
    assert states(coverage(file, WrongOnARound()))["MUL", 2] == "proven"


def test_values_in_a_nested_loop_are_recorded(instances, backend):
    """The outer body runs the inner loop, whose graphs are the third and the fourth."""
    drawing = Drawing()
    counter, row = drawing.input(COUNTER), drawing.input(ROW)
    after = drawing.node("ADD", [counter, drawing.constant(np.array(1, np.int32))], [COUNTER])
    start = drawing.constant(np.array(0, np.int32))
    inner = drawing.node("WHILE", [start, row], [COUNTER, ROW], condition=3, body=4)
    outer = drawing.graph(after, inner + 1)
    file = instances(loop(below(2), outer, below(1), doubling()))
    recorder = Recorder(file, {0: [[GIVEN]]}, backend)
    covered = coverage(file, backend, recorder=recorder)
    states_found = states(covered)
    assert {where for where, state in states_found.items() if state != "proven"} == {
        ("WHILE", 0),
        ("WHILE", 2),
    }
    assert covered.not_recorded == {}


def test_values_in_the_executed_branch_are_recorded(instances, backend):
    file = instances(branching())
    recorder = Recorder(file, {0: [[np.array(True), GIVEN]]}, backend)
    covered = coverage(file, backend, recorder=recorder)
    assert states(covered) == {
        ("IF", 0): "not covered",
        ("TANH", 1): "proven",
        ("ABS", 2): "proven",
    }
    assert covered.describe()["drawn_alone"] == [
        "graph 2 (graph_2): only random values were fed; no recorded operator calls it"
    ]
    values = recorded(Recorder(file, {0: [[np.array(True), GIVEN]]}, backend))
    np.testing.assert_allclose(values[1], [np.tanh(GIVEN)], rtol=1e-6)
    assert values[2] == []


def two_signatures(*, called=True):
    """Return a file with a NEG in its first graph and an ABS in its second."""
    model = Model()
    for number, (name, width) in enumerate((("NEG", 4), ("ABS", 2))):
        ids, out = model.tensor("ids", (1, width)), model.tensor("out", (1, width))
        model.operator(name, [ids], [out])
        if called or not number:
            model.sign({"ids": ids}, {"logits": out}, f"tokens_{width}", graph=number)
        model.end_graph([ids], [out], f"of_{width}")
    return model.pack()


def test_operators_of_every_signature_are_tested(instances, backend):
    file = instances(two_signatures())
    texts = {0: [[np.ones((1, 4), np.float32)]], 1: [[-np.ones((1, 2), np.float32)]] * 2}
    recorder = Recorder(file, texts, backend)
    covered = coverage(file, backend, recorder=recorder)
    assert states(covered) == {("NEG", 0): "proven", ("ABS", 1): "proven"}
    assert (covered.texts, covered.not_recorded) == (3, {})
    assert recorded(Recorder(file, texts, backend)) == {0: [[[-1.0] * 4]], 1: [[[1.0] * 2]] * 2}


def test_signature_without_texts_is_tested_with_random_values(instances, backend):
    file = instances(two_signatures())
    texts = [[np.ones((1, 4), np.float32)]]
    recorder = Recorder(file, {0: texts}, backend, reason="no text is answered by it")
    covered = coverage(file, backend, recorder=recorder)
    assert covered.share == 1.0
    assert covered.not_recorded == {"graph 1 (of_2)": "no text is answered by it"}


def test_graph_that_nothing_calls_is_not_counted(instances):
    told = coverage(instances(two_signatures(called=False)), Kernels()).describe()
    assert (told["operators"], told["graphs"], told["asked_graphs"]) == (1, 2, 1)


def test_graph_of_each_row_length_is_tested_with_the_texts_of_that_length(instances):
    """The first and third texts are short; the other two are run by the longer graph."""
    contents = instances(two_signatures()).contents

    def bound(key, graph, shorter=()):
        inputs = (BoundInput("ids", "ids"),)
        return Binding(inputs, signature=key, graph=graph, shorter=shorter)

    rows = np.arange(16).reshape(4, 4)
    variant = SimpleNamespace(
        fed=SimpleNamespace(
            binding=bound("tokens_4", 0, (bound("tokens_2", 1),)),
            spec=SimpleNamespace(graphs=2),
        ),
        lengths=(2, 4),
        inputs=lambda: {"ids": rows, LENGTH: np.array([2, 4, 2, 4])},
    )
    texts_of_graph = texts_of(variant, contents)
    shown = {
        graph: [array.tolist() for (array,) in arrays] for graph, arrays in texts_of_graph.items()
    }
    assert shown == {1: [[[0, 1]], [[8, 9]]], 0: [[[4, 5, 6, 7]], [[12, 13, 14, 15]]]}


# ------------------------------------------------------------------------------- hostile files


@pytest.mark.parametrize("body", [0, 2])
def test_loop_that_calls_itself_is_not_executed(instances, backend, body):
    """The body of the loop is the main graph, or a loop whose body is itself."""
    graphs = (below(3), loop() if body else doubling())
    file = instances(loop(*graphs, body=body))
    covered = coverage(file, backend, recorder=Recorder(file, {0: [[GIVEN]]}, backend))
    told = covered.describe()
    assert "calls itself endlessly" in told["not_recorded"]
    assert states(covered)["LESS", 1] == "proven"
    assert states(covered)["WHILE", 0] == "not covered"


def test_rejects_loop_whose_body_does_not_exist(instances):
    with pytest.raises(EdgeproofError, match=r"operator 0 calls graph 7 of 3") as error:
        instances(loop(body=7))
    assert "file.tflite" in str(error.value)


def test_rejects_loop_with_a_negative_graph_index(instances):
    with pytest.raises(EdgeproofError, match=r"operator 0 calls graph -1 of 3"):
        instances(loop(condition=-1))


def test_operator_with_a_constant_of_unknown_type_is_reported_as_not_covered(instances):
    """A constant of strings cannot be read as numbers."""
    model = Model()
    ids, out = model.tensor("ids", (1,), "int32"), model.tensor("out", (1,), "string")
    words = model.tensor("words", (2,), "string")
    model.buffers.append(b"1234567")
    model.tensors[words].fields[2] = u32(len(model.buffers) - 1)
    model.operator("GATHER", [words, ids], [out], options=("GatherOptions", {}))
    model.end_graph([ids], [out])
    (line,) = coverage(instances(model.pack()), Kernels()).describe()["not_proven"]
    assert line.startswith("GATHER (0): not covered; its options, shapes or the type of a constant")


def test_loop_that_names_no_graphs_is_reported_as_not_covered(instances):
    model = Model()
    row, out = model.tensor("row", (1, 4)), model.tensor("out", (1, 4))
    # These options belong to another operator and name no graph.
    model.operator("WHILE", [row], [out], options=("AddOptions", {0: Scalar("Int8", 1)}))
    model.end_graph([row], [out])
    (line,) = coverage(instances(model.pack()), Kernels()).describe()["not_proven"]
    assert line == "WHILE (0): not covered; it calls no graph"


@pytest.mark.parametrize(
    ("graphs", "said"),
    [
        ((single("ABS"), doubling()), "graph 1 has 1 inputs, but 2 were given"),
        ((doubling(), doubling()), "graph 1 is a condition, but returns 2 tensors"),
    ],
    ids=["too few inputs", "two answers"],
)
def test_loop_with_an_invalid_condition_is_reported(instances, graphs, said):
    """Values inside the loop are not recorded, even if a backend computes the main graph."""
    file = instances(loop(*graphs))

    class Lenient:
        """A backend that computes any graph."""

        def compute(self, flatbuffer, runs, threads):
            """Return zeros in the shape of each output."""
            del runs, threads
            outputs = instances(flatbuffer).contents.subgraphs[0].outputs
            zeros = [np.zeros(output.shape, output.dtype) for output in outputs]
            return Answer("computed", [zeros])

    recorder = Recorder(file, {0: [[GIVEN]]}, Lenient())
    covered = coverage(file, Kernels(), recorder=recorder)
    assert covered.not_recorded["graph 2 (graph_2)"] == said
