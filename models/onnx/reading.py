"""Read an ONNX file without onnxruntime: its inputs, outputs and operators.

The graph is returned in the types of `models.flatbuffers.structure`, so that the code that finds
the roles of inputs and the meaning of outputs works for ONNX files too. The file is a protocol
buffer (onnx.proto).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.protocol_buffers import Message, Value, fields, integers, signed
from models.files.regular_files import read_regular, remedy_for
from models.flatbuffers.opening import IDENTIFIER, foreign
from models.flatbuffers.structure import Operator, Tensor
from models.onnx.weights import External, external_of, hash_external

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".onnx"
KEY = "--edge-reference"
# Largest file in bytes, the limit of a protocol buffer; larger models store their weights beside
# it.
LARGEST_FILE = 1 << 31
# Limits far above the largest published text classifiers.
MOST_FIELDS = 4_000_000
MOST_DEPTH = 32
_AGAIN = "Fetch it again as a binary file, or give the .onnx file that the export wrote"
_INSTEAD = "Give the .onnx file that the export wrote"

# Field numbers in ONNX's messages.
_MODEL_GRAPH, _MODEL_FUNCTION = 7, 25
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _SPARSE = 1, 5, 11, 12, 15
_NODE_INPUT, _NODE_OUTPUT, _OP_TYPE, _ATTRIBUTE, _DOMAIN = 1, 2, 4, 5, 7
_TENSOR_OF, _GRAPH_OF, _TENSORS_OF, _GRAPHS_OF, _SPARSE_OF, _SPARSES_OF = 5, 6, 10, 11, 22, 23
_FUNCTION_NAME, _FUNCTION_NODE, _FUNCTION_DOMAIN = 1, 7, 10
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TENSOR_TYPE, _ELEMENT, _SHAPE, _DIMENSION, _DIMENSION_VALUE = 1, 1, 2, 1, 1
_DIMS, _DATA_TYPE, _TENSOR_NAME, _EXTERNAL = 1, 2, 8, 13
_SPARSE_VALUES, _SPARSE_INDICES = 1, 2

_DTYPES = dict(
    enumerate(
        (
            *("float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"),
            *("float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"),
        ),
        start=1,
    )
)
# Operator domains that onnxruntime supports without additional libraries.
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"}
# Names of operators in FlatBuffers by their names in ONNX; other operators keep their ONNX names.
_FLATBUFFER_NAMES = {
    "Add": "ADD",
    "Cast": "CAST",
    "Clip": "MINIMUM",
    "Concat": "CONCATENATION",
    "Conv": "CONV_2D",
    "DequantizeLinear": "DEQUANTIZE",
    "Div": "DIV",
    "Dropout": "RESHAPE",
    "Exp": "EXP",
    "Flatten": "RESHAPE",
    "FusedMatMul": "BATCH_MATMUL",
    "Gather": "GATHER",
    "Gemm": "FULLY_CONNECTED",
    "Identity": "RESHAPE",
    "LogSoftmax": "LOG_SOFTMAX",
    "MatMul": "BATCH_MATMUL",
    "Max": "MAXIMUM",
    "Min": "MINIMUM",
    "Mul": "MUL",
    "Neg": "NEG",
    "QuantizeLinear": "QUANTIZE",
    "ReduceMean": "MEAN",
    "ReduceSum": "SUM",
    "Reshape": "RESHAPE",
    "Sigmoid": "LOGISTIC",
    "Slice": "SLICE",
    "Softmax": "SOFTMAX",
    "Squeeze": "SQUEEZE",
    "Sub": "SUB",
    "Transpose": "TRANSPOSE",
    "Unsqueeze": "EXPAND_DIMS",
    "Where": "SELECT",
}


@dataclass(frozen=True)
class OnnxFile:
    """The inputs, outputs and operators of an ONNX file.

    Attributes:
        file: the file.
        sha256: hash of the file and of the files that hold its weights.
        inputs: inputs in the graph's order.
        outputs: outputs in the graph's order.
        operators: operators of its graph, in execution order.
    """

    file: Path
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]


def read_onnx(file: Path) -> OnnxFile:
    """Read an ONNX file, and check the files that hold its weights.

    Raises:
        UsageMistake: the file is not an ONNX file, is damaged, needs operators that onnxruntime
            lacks, or a file with its weights is missing or too short.
    """
    try:
        data = read_regular(file, LARGEST_FILE)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        remedy = remedy_for(error, "Check the path")
        raise _mistake(file, f"cannot be read ({problem})", remedy) from None
    _refuse_foreign(file, data)
    try:
        graph = _Reader().read(data)
    except ValueError as error:
        raise _mistake(file, f"is not an ONNX file, or was damaged ({error})", _AGAIN) from None
    if graph.unknown:
        unknown = ", ".join(graph.unknown[:5])
        raise _mistake(
            file,
            f"needs operators that onnxruntime does not have: {unknown}",
            "Export only the part of the model after the token ids, without custom operators",
        )
    digest = hash_external(file, hashlib.sha256(data).hexdigest(), graph.external)
    return OnnxFile(file, digest, graph.inputs, graph.outputs, graph.operators)


def _mistake(file: Path, problem: str, remedy: str) -> UsageMistake:
    return UsageMistake(problem, file=file, key=KEY, remedy=remedy)


def _refuse_foreign(file: Path, data: bytes) -> None:
    """Reject a file that is recognizably not ONNX, such as a FlatBuffer or a web page."""
    if data[4:8] == IDENTIFIER.encode():
        raise _mistake(
            file, "is a TFLite FlatBuffer", "Rename the file so that its name ends in .tflite"
        )
    damage = foreign(data)
    if damage is not None and damage.id != "not-a-flatbuffer":
        names_no_tflite = ".tflite" not in damage.remedy
        problem = damage.what.replace("not a FlatBuffer", "not an ONNX file")
        raise _mistake(file, problem, damage.remedy if names_no_tflite else _INSTEAD)


@dataclass(frozen=True)
class _Graph:
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    external: tuple[External, ...]
    unknown: tuple[str, ...]


class _Reader:
    """Reads the messages of one file; raises `ValueError` with a description of the damage."""

    def __init__(self) -> None:
        self._left = MOST_FIELDS
        self._external: list[External] = []
        self._used: dict[tuple[str, str], None] = {}
        self._functions: set[tuple[str, str]] = set()
        self._tensors: dict[str, Tensor] = {}

    def read(self, data: bytes) -> _Graph:
        """Return inputs, outputs, weights and operators of the file's only graph."""
        graphs = []
        for number, value in self._fields(data):
            if number == _MODEL_GRAPH:
                graphs.append(value)
            elif number == _MODEL_FUNCTION:
                self._function(value)
        if len(graphs) != 1:
            raise ValueError("it holds no graph" if not graphs else "it holds several graphs")
        return self._graph(graphs[0])

    def _graph(self, content: Value) -> _Graph:
        nodes, inputs, outputs, initialized = [], [], [], set()
        for number, value in self._fields(content):
            if number == _NODE:
                nodes.append(value)
            elif number == _INPUT:
                inputs.append(self._value(value))
            elif number == _OUTPUT:
                outputs.append(self._value(value))
            elif number == _INITIALIZER:
                initialized.add(self._constant(value))
            elif number == _SPARSE:
                initialized.add(self._sparse(value))
        # Old files list their weights among the inputs, too.
        fed = [port for port in inputs if port.name not in initialized]
        for tensor in (*fed, *outputs):
            self._tensors.setdefault(tensor.name, replace(tensor, index=len(self._tensors)))
        operators = tuple(self._node(at, value, 0) for at, value in enumerate(nodes))
        return _Graph(
            inputs=tuple(self._tensors[tensor.name] for tensor in fed),
            outputs=tuple(self._tensors[output.name] for output in outputs),
            operators=operators,
            external=tuple(self._external),
            unknown=self._unknown(),
        )

    def _node(self, index: int, content: Value, depth: int) -> Operator:
        """Read a node; record the weights and operators of graphs that are in its attributes."""
        if depth > MOST_DEPTH:
            raise ValueError(f"its graphs are nested deeper than {MOST_DEPTH}")
        kind, domain, constant = "", "", None
        inputs: list[str] = []
        outputs: list[str] = []
        for number, value in self._fields(content):
            if number == _NODE_INPUT:
                inputs.append(_text(value))
            elif number == _NODE_OUTPUT:
                outputs.append(_text(value))
            elif number == _OP_TYPE:
                kind = _text(value)
            elif number == _DOMAIN:
                domain = _text(value)
            elif number == _ATTRIBUTE:
                constant = self._attribute(value, depth) or constant
        self._used[domain, kind] = None
        if depth:
            return Operator(index, depth, kind, 0, 0, False, (), ())
        content_held = constant if kind == "Constant" else None
        return Operator(
            index=index,
            subgraph=0,
            name=_FLATBUFFER_NAMES.get(kind, kind),
            code=0,
            version=0,
            custom=False,
            inputs=tuple(self._tensor(name) if name else None for name in inputs),
            outputs=tuple(self._tensor(name, content_held) for name in outputs if name),
        )

    def _attribute(self, content: Value, depth: int) -> tuple[int, ...] | None:
        """Return the shape of the tensor in a node's attribute, if any; read graphs in it."""
        shape = None
        for number, value in self._fields(content):
            if number in {_TENSOR_OF, _TENSORS_OF}:
                shape = self._shape_of(value)[1]
            elif number in {_SPARSE_OF, _SPARSES_OF}:
                self._sparse(value)
            elif number in {_GRAPH_OF, _GRAPHS_OF}:
                self._deeper(value, depth + 1)
        return shape

    def _deeper(self, content: Value, depth: int) -> None:
        """Record the weights and operators of a graph inside a node: a loop's body or a branch."""
        for number, value in self._fields(content):
            if number == _NODE:
                self._node(0, value, depth)
            elif number == _INITIALIZER:
                self._shape_of(value)
            elif number == _SPARSE:
                self._sparse(value)

    def _function(self, content: Value) -> None:
        name, domain = "", ""
        for number, value in self._fields(content):
            if number == _FUNCTION_NAME:
                name = _text(value)
            elif number == _FUNCTION_DOMAIN:
                domain = _text(value)
            elif number == _FUNCTION_NODE:
                self._node(0, value, 1)
        self._functions.add((domain, name))

    def _unknown(self) -> tuple[str, ...]:
        needed = (operator for operator in self._used if operator not in self._functions)
        return tuple(f"{domain}.{kind}" for domain, kind in needed if domain not in _DOMAINS)

    def _value(self, content: Value) -> Tensor:
        """Return name, dtype and shape with which the graph declares an input or an output."""
        name, kind = "", None
        for number, value in self._fields(content):
            if number == _VALUE_NAME:
                name = _text(value)
            elif number == _VALUE_TYPE:
                kind = value
        shapes = [value for number, value in self._fields(kind or b"") if number == _TENSOR_TYPE]
        if not shapes:
            return _tensor(name, (), (), "no tensor")
        element, shape = 0, None
        for number, value in self._fields(shapes[-1]):
            if number == _ELEMENT and isinstance(value, int):
                element = value
            elif number == _SHAPE:
                shape = value
        sizes = [
            self._dimension(value)
            for number, value in self._fields(shape or b"")
            if number == _DIMENSION
        ]
        dynamic = tuple(size is None for size in sizes)
        fixed_sizes = tuple(1 if size is None else size for size in sizes)
        return _tensor(name, fixed_sizes, dynamic, _DTYPES.get(element, f"of type {element}"))

    def _dimension(self, content: Value) -> int | None:
        for number, value in self._fields(content):
            if number == _DIMENSION_VALUE:
                if not isinstance(value, int):
                    raise ValueError("a dimension is not a number")
                size = signed(value)
                return size if size > 0 else None
        return None

    def _tensor(self, name: str, constant: tuple[int, ...] | None = None) -> Tensor:
        """Return the tensor with a name; the shape of an undeclared tensor is unknown."""
        if name not in self._tensors:
            shape, size = constant or (), 0 if constant is None else 1
            fresh = _tensor(name, shape, (False,) * len(shape), "", constant_bytes=size)
            self._tensors[name] = replace(fresh, index=len(self._tensors))
        return self._tensors[name]

    def _constant(self, content: Value) -> str:
        name, shape = self._shape_of(content)
        self._tensor(name, shape)
        return name

    def _shape_of(self, content: Value) -> tuple[str, tuple[int, ...]]:
        """Return name and shape of a tensor, and record the external file of its values, if any."""
        name, shape, entries = "", [], []
        for number, value in self._fields(content):
            if number == _DIMS:
                shape += integers(value)
            elif number == _TENSOR_NAME:
                name = _text(value)
            elif number == _EXTERNAL:
                entries.append(Message(value))
        if entries:
            self._external.append(external_of(entries))
        return name, tuple(shape)

    def _sparse(self, content: Value) -> str:
        name = ""
        for number, value in self._fields(content):
            if number in {_SPARSE_VALUES, _SPARSE_INDICES}:
                name_field, _ = self._shape_of(value)
                name = name_field if number == _SPARSE_VALUES else name
        return name

    def _fields(self, content: bytes | Value) -> Iterator[tuple[int, Value]]:
        for number, value in fields(content):
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"it holds more than {MOST_FIELDS:,} fields")
            yield number, value


def _tensor(
    name: str,
    shape: tuple[int, ...],
    dynamic: tuple[bool, ...],
    dtype: str,
    *,
    constant_bytes: int = 0,
) -> Tensor:
    return Tensor(
        index=0,
        name=name,
        shape=shape,
        dynamic=dynamic,
        dtype=dtype,
        buffer=0,
        constant_bytes=constant_bytes,
        quantization=None,
    )


def _text(value: Value) -> str:
    if isinstance(value, int):
        raise ValueError("a number is stored instead of a text")  # noqa: TRY004 - the file is wrong, not a type in the code
    return bytes(value).decode()
