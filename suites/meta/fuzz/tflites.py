"""Write FlatBuffers for fuzzing: small good ones, and handmade bad ones."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks import tflite_file
from models.networks.parameters import parameters
from models.paper_recipe import SHAPE as PUBLISHED
from suites.meta.fuzz.mutations import INTEGERS
from suites.meta.fuzz.shapes import later, no_files
from suites.meta.tiny_models import make_tiny_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class CODES:
    """Numbers of operators in TFLite's schema."""

    ADD, CONCATENATION, FULLY_CONNECTED, MUL, RELU, SOFTMAX = 0, 2, 9, 18, 19, 25
    GATHER, DIV, BATCH_MATMUL = 36, 42, 126


FLOAT32, INT32 = 0, 2
TOKENS, VOCABULARY, HIDDEN, WIDE, CLASSES = 4, 6, 4, 8, 3
# The published network, reduced to one small layer.
SHAPE = replace(
    PUBLISHED,
    vocabulary=VOCABULARY,
    classes=CLASSES,
    positions=TOKENS,
    layers=1,
    hidden=HIDDEN,
    heads=1,
    intermediate=WIDE,
    initializer_range=None,
    embedding=HIDDEN,
    bottleneck=None,
    attention_input="hidden",
    feedforward_networks=1,
    trigram_embedding=False,
)


class Graph:
    """Builds a FlatBuffer of one graph, one operator at a time."""

    def __init__(self) -> None:
        # The schema is a Python module of several megabytes, which would slow down the collection.
        from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - slow to import

        self._schema = schema
        self._model, self._graph = schema.ModelT(), schema.SubGraphT()
        self._model.version, self._model.subgraphs = 3, [self._graph]
        self._model.buffers, self._model.operatorCodes = [schema.BufferT()], []
        self._graph.tensors, self._graph.operators = [], []
        self._graph.inputs, self._graph.outputs = [], []
        self._random = np.random.default_rng(0)

    def tensor(self, shape: tuple[int, ...], kind: int = FLOAT32, values: Any = None) -> int:
        """Add a tensor; return its number."""
        added, number = self._schema.TensorT(), len(self._graph.tensors)
        added.name, added.shape, added.type = f"t{number}".encode(), list(shape), kind
        if values is not None:
            buffer = self._schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            added.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(added)
        return number

    def input(self, *shape: int) -> int:
        """Add an input of ids."""
        number = self.tensor(shape, INT32)
        self._graph.inputs.append(number)
        return number

    def weights(self, *shape: int) -> int:
        """Add a constant of random values."""
        return self.constant(self._random.normal(1, 0.1, shape).astype(np.float32))

    def constant(self, values: Any) -> int:
        """Add a constant."""
        kind = FLOAT32 if values.dtype == np.float32 else INT32
        return self.tensor(values.shape, kind, values)

    def apply(self, code: int, *inputs: int, shape: tuple[int, ...] = (1, TOKENS, HIDDEN)) -> int:
        """Add an operator; return its output."""
        codes = [operator_code.builtinCode for operator_code in self._model.operatorCodes]
        if code not in codes:
            added = self._schema.OperatorCodeT()
            added.builtinCode, added.deprecatedBuiltinCode, added.version = code, min(code, 127), 1
            self._model.operatorCodes.append(added)
            codes.append(code)
        operator, output = self._schema.OperatorT(), self.tensor(shape)
        operator.opcodeIndex = codes.index(code)
        operator.inputs, operator.outputs = list(inputs), [output]
        self._graph.operators.append(operator)
        return output

    def packed(self) -> bytes:
        """Return the file; the last tensor is its output."""
        self._graph.outputs = [len(self._graph.tensors) - 1]
        from models.flatbuffers.packing import pack  # noqa: PLC0415 - it imports that module

        return pack(self._model)


def good_files() -> Iterator[bytes]:
    """Yield good FlatBuffers of several schemes."""
    models = make_tiny_models()
    for name in ("flex", "dynamic_wi8_afp32", "static_wi8_ai8", "quantizer_dynamic_wi4_afp32"):
        yield models[name].read_bytes()
    yield from networks()


def networks() -> Iterator[bytes]:
    """Yield a network of one layer, whose weights can be read."""
    graph = _embedded()
    yield _layered(*graph).packed()


def _embedded() -> tuple[Graph, int]:
    graph = Graph()
    ids, types = graph.input(1, TOKENS), graph.input(1, TOKENS)
    words = graph.apply(CODES.GATHER, graph.weights(VOCABULARY, HIDDEN), ids)
    kinds = graph.apply(CODES.GATHER, graph.weights(2, HIDDEN), types)
    placed = graph.apply(CODES.ADD, words, graph.weights(TOKENS, HIDDEN))
    return graph, graph.apply(CODES.ADD, placed, kinds)


def _layered(graph: Graph, states: int) -> Graph:
    def dense(source: int, inputs: int, outputs: int) -> int:
        kernel, bias = graph.weights(outputs, inputs), graph.weights(outputs)
        return graph.apply(CODES.FULLY_CONNECTED, source, kernel, bias, shape=(1, TOKENS, outputs))

    def norm(source: int) -> int:
        scaled = graph.apply(CODES.MUL, source, graph.weights(HIDDEN))
        return graph.apply(CODES.ADD, scaled, graph.weights(HIDDEN))

    stream = norm(states)
    query, key, value = (dense(stream, HIDDEN, HIDDEN) for _ in range(3))
    scores = graph.apply(CODES.BATCH_MATMUL, query, key, shape=(1, TOKENS, TOKENS))
    shares = graph.apply(CODES.SOFTMAX, scores, shape=(1, TOKENS, TOKENS))
    context = graph.apply(CODES.BATCH_MATMUL, shares, value)
    stream = norm(graph.apply(CODES.ADD, dense(context, HIDDEN, HIDDEN), stream))
    widened = graph.apply(CODES.RELU, dense(stream, HIDDEN, WIDE), shape=(1, TOKENS, WIDE))
    stream = norm(graph.apply(CODES.ADD, dense(widened, WIDE, HIDDEN), stream))
    dense(stream, HIDDEN, CLASSES)
    return graph


def read_weights(path: Path) -> object:
    """Read the weights of the network."""
    names = [parameter.name for parameter in parameters(SHAPE)]
    return tflite_file.read(path, names, SHAPE)


def bad_files() -> Iterator[tuple[str, Any]]:
    """Yield bad FlatBuffers."""
    yield from no_files()
    yield from _shared()
    yield from _bad_words(next(iter(good_files())), step=1)
    for rank in (8, 9, 33, 1000, 100_000):
        for size in (0, 1, 2, 2**31 - 1, -1):
            yield f"{rank} dimensions of {size}", later(_ranked, rank, size)


def _ranked(rank: int, size: int) -> bytes:
    graph = Graph()
    graph.apply(CODES.RELU, graph.tensor((size,) * rank), shape=(size,) * rank)
    return graph.packed()


def bad_networks() -> Iterator[tuple[str, Any]]:
    """Yield bad FlatBuffers of networks."""
    yield from no_files()
    for name, build in _BAD_GRAPHS.items():
        yield name, later(_with, build, between=False)
        yield f"{name}, in between", later(_with, build, between=True)
    yield from _bad_words(next(iter(networks())), step=2)
    yield from _shared()


def _with(build: Callable[[Graph, int], int], *, between: bool) -> bytes:
    """Return a network with additional operators, which its layer reads only if `between`."""
    graph, states = _embedded()
    built = build(graph, states)
    return _layered(graph, built if between else states).packed()


def _bad_words(intact: bytes, step: int) -> Iterator[tuple[str, bytes]]:
    """Yield copies of a file in which one 32-bit word has another value."""
    words = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4)
    for at, word in itertools.product(range(0, min(len(intact), 4096) - 3, 4 * step), words):
        changed = bytearray(intact)
        changed[at : at + 4] = word.to_bytes(4, "little")
        yield f"{word} at {at}", bytes(changed)


def _ladder(graph: Graph, states: int, code: int = CODES.ADD, steps: int = 200) -> int:
    """Add operators that each combine the last two results, for exponentially many paths."""
    before, last = states, graph.apply(CODES.RELU, states)
    for _ in range(steps):
        before, last = last, graph.apply(code, before, last)
    return last


def _long_chain(graph: Graph, states: int) -> int:
    for _ in range(5000):
        states = graph.apply(CODES.ADD, states, graph.apply(CODES.RELU, states))
    return states


def _joined(graph: Graph, states: int) -> int:
    for _ in range(60):
        states = graph.apply(CODES.CONCATENATION, states, states, states)
    return states


def _gathered(graph: Graph, states: int) -> int:
    """Gather rows from a table, then rows from the result, and so on, six times."""
    rows = graph.constant(np.ones((1000, 100), np.float32))
    ids = graph.constant(np.zeros((300, 300), np.int32))
    for _ in range(6):
        rows = graph.apply(CODES.GATHER, rows, ids)
    return graph.apply(CODES.ADD, states, rows)


def _stretched(graph: Graph, states: int) -> int:
    """Combine a long column with a long row, which would give a huge tensor."""
    column = graph.constant(np.ones((40_000, 1), np.float32))
    row = graph.constant(np.ones((1, 40_000), np.float32))
    return graph.apply(CODES.MUL, graph.apply(CODES.ADD, states, column), row)


def _scaled_over_and_over(graph: Graph, states: int) -> int:
    row = graph.constant(np.ones(100_000, np.float32))
    for _ in range(3000):
        states = graph.apply(CODES.MUL, states, row)
    return states


def _not_finite(graph: Graph, states: int) -> int:
    bad = graph.constant(np.array([np.nan, np.inf, -np.inf, 0.0], np.float32))
    states = graph.apply(CODES.MUL, states, bad)
    states = graph.apply(CODES.DIV, states, graph.constant(np.zeros(HIDDEN, np.float32)))
    return graph.apply(CODES.GATHER, graph.weights(4, HIDDEN), bad)


def _of_nothing(graph: Graph, states: int) -> int:
    for code in (*range(160), 199, 205):
        graph.apply(code)
        graph.apply(code, states)
        graph.apply(code, graph.weights(3), states)
        graph.apply(code, graph.weights(), graph.weights(0, 3))
        graph.apply(code, states, graph.weights(3, 3), states)
    return states


_BAD_GRAPHS: dict[str, Callable[[Graph, int], int]] = {
    "a ladder of sums": _ladder,
    "a ladder of products": lambda graph, states: _ladder(graph, states, CODES.BATCH_MATMUL),
    "a ladder of others": lambda graph, states: _ladder(graph, states, CODES.CONCATENATION),
    "a long chain": _long_chain,
    "one thing joined with itself": _joined,
    "gathered over and over": _gathered,
    "a column by a row": _stretched,
    "scaled over and over": _scaled_over_and_over,
    "NaN and infinity": _not_finite,
    "operators of nothing": _of_nothing,
}


def _shared() -> Iterator[tuple[str, Any]]:
    """Yield files whose tables share one large part: a name, a shape, a table, a buffer."""
    for name, count in itertools.product((10, 1_000_000), (10, 10_000, 200_000)):
        yield f"{count} tensors, one name of {name}", later(_repeated, tensors=count, name=name)
    for count in (10_000, 200_000):
        yield f"{count} operators", later(_repeated, operators=count, inputs=10)
        yield f"{count} operators of many inputs", later(_repeated, operators=count, inputs=5000)
        yield f"{count} operator codes", later(_repeated, codes=count)
        yield f"{count} subgraphs", later(_repeated, subgraphs=count)
        yield f"{count} buffers", later(_repeated, buffers=count)
    for at, value in itertools.product(range(6), INTEGERS):
        yield f"dimension {at} of {value}", later(_repeated, shape=(1,) * at + (value % 2**31,))


def _repeated(  # noqa: PLR0913, PLR0917 - one parameter per kind of table
    tensors: int = 1,
    operators: int = 1,
    codes: int = 1,
    subgraphs: int = 1,
    buffers: int = 1,
    name: int = 10,
    inputs: int = 1,
    shape: tuple[int, ...] = (1, 4),
) -> bytes:
    """Return a file whose vectors repeat one table many times."""
    import flatbuffers  # noqa: PLC0415 - only needed to make files
    import tflite  # noqa: PLC0415 - likewise

    build = flatbuffers.Builder(1024)

    def vector(start: Any, offset: int, count: int) -> int:
        start(build, count)
        for _ in range(count):
            build.PrependUOffsetTRelative(offset)
        return int(build.EndVector())

    tflite.BufferStart(build)
    buffers_vector = vector(tflite.ModelStartBuffersVector, tflite.BufferEnd(build), buffers)
    text = build.CreateString("x" * name)
    sizes = build.CreateNumpyVector(np.array(shape, np.int32))
    tflite.TensorStart(build)
    tflite.TensorAddName(build, text)
    tflite.TensorAddShape(build, sizes)
    held_tensors = vector(tflite.SubGraphStartTensorsVector, tflite.TensorEnd(build), tensors)
    read = build.CreateNumpyVector(np.zeros(inputs, np.int32))
    tflite.OperatorStart(build)
    tflite.OperatorAddInputs(build, read)
    tflite.OperatorAddOutputs(build, read)
    held_operators = vector(
        tflite.SubGraphStartOperatorsVector, tflite.OperatorEnd(build), operators
    )
    tflite.SubGraphStart(build)
    tflite.SubGraphAddTensors(build, held_tensors)
    tflite.SubGraphAddOperators(build, held_operators)
    graphs = vector(tflite.ModelStartSubgraphsVector, tflite.SubGraphEnd(build), subgraphs)
    tflite.OperatorCodeStart(build)
    held_codes = vector(tflite.ModelStartOperatorCodesVector, tflite.OperatorCodeEnd(build), codes)
    tflite.ModelStart(build)
    tflite.ModelAddVersion(build, 3)
    tflite.ModelAddSubgraphs(build, graphs)
    tflite.ModelAddBuffers(build, buffers_vector)
    tflite.ModelAddOperatorCodes(build, held_codes)
    build.Finish(tflite.ModelEnd(build), file_identifier=b"TFL3")
    return bytes(build.Output())
