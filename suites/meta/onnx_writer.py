"""Write small ONNX files for tests, field by field (onnx.proto), without the onnx package.

`classifier` computes the same function as `suites.meta.small_classifiers`, with the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suites.meta.small_classifiers import NAMES, ROWS, TOKENS, WIDTH

DTYPES = {"float32": 1, "int32": 6, "int64": 7, "string": 8, "bool": 9}
OPSET = 13
_VARINT, _BYTES = 0, 2
_INTS, _INT, _TENSOR, _GRAPH = 7, 2, 4, 5
# Operators with one constant operand.
_WITH = {"Mul2": ("Mul", 2.0), "Infinite": ("Div", 0.0)}


def number(field_number: int, value: int) -> bytes:
    """Return a protobuf field with a whole number."""
    return _varint(field_number << 3 | _VARINT) + _varint(value % (1 << 64))


def block(field_number: int, content: bytes | str) -> bytes:
    """Return a protobuf field with a text, bytes or a message."""
    data = content.encode() if isinstance(content, str) else content
    return _varint(field_number << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 1 << 7:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


def tensor(name: str, values: Any, *, external: dict[str, str] | None = None) -> bytes:
    """Return a tensor with its values, or with the location of external values."""
    array = np.asarray(values)
    dims = b"".join(number(1, size) for size in array.shape)
    start = dims + number(2, DTYPES[array.dtype.name]) + block(8, name)
    if external is None:
        return start + block(9, array.tobytes())
    entries = (block(1, key) + block(2, value) for key, value in external.items())
    return start + b"".join(block(13, entry) for entry in entries) + number(14, 1)


def value(name: str, dtype: str, shape: tuple[int | str, ...]) -> bytes:
    """Return the description of an input or output; a name instead of a size makes it dynamic."""
    dims = (block(2, size) if isinstance(size, str) else number(1, size) for size in shape)
    sizes = b"".join(block(1, dim) for dim in dims)
    return block(1, name) + block(2, block(1, number(1, DTYPES[dtype]) + block(2, sizes)))


def node(
    kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any
) -> bytes:
    """Return an operator; attributes are numbers, lists, or results of `held_...` functions."""
    encoded = b"".join(block(1, name) for name in inputs) + block(2, output) + block(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            content = number(3, value) + number(20, _INT)
        elif isinstance(value, bytes):
            content = value
        else:
            content = b"".join(number(8, item) for item in value) + number(20, _INTS)
        encoded += block(5, block(1, name) + content)
    return encoded + block(7, domain)


def held_tensor(content: bytes) -> bytes:
    """Return the content of an attribute that is a tensor."""
    return block(5, content) + number(20, _TENSOR)


def held_graph(content: bytes) -> bytes:
    """Return the content of an attribute that is a graph."""
    return block(6, content) + number(20, _GRAPH)


@dataclass
class Onnx:
    """An ONNX file under construction."""

    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add an operator; return the name of its output."""
        self.nodes.append(node(kind, inputs, output, **attributes))
        return output

    def graph(self) -> bytes:
        """Return the graph without the file around it."""
        graph = b"".join(block(1, node_block) for node_block in self.nodes) + block(2, "small")
        graph += b"".join(block(5, block_of_constant) for block_of_constant in self.constants)
        graph += b"".join(block(11, port) for port in self.inputs)
        return graph + b"".join(block(12, port) for port in self.outputs)

    def pack(self) -> bytes:
        """Return the bytes of the file."""
        domains = (block(8, block(1, name) + number(2, OPSET)) for name in ("", "com.own"))
        return number(1, 8) + block(2, "edgeproof") + block(7, self.graph()) + b"".join(domains)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The properties of a small classifier.

    Attributes:
        names: names of the inputs for ids, mask and segments; the last one or two may be missing.
        shape: shape of each input; texts are names of dynamic sizes.
        end: operators after the dense layer; Mul2 doubles its input, Infinite divides it by zero.
        order: order of the classes in the output; None for the order of the weights.
        outputs: names of the graph's outputs, "logits" and "pooled".
        external: location of the embedding table in another file; None to store it in this file.
    """

    names: tuple[str, ...] = NAMES
    dtype: str = "int64"
    shape: tuple[int | str, ...] = ("batch", "tokens")
    classes: int = 3
    end: tuple[str, ...] = ()
    order: tuple[int, ...] | None = None
    outputs: tuple[str, ...] = ("logits",)
    seed: int = 0
    external: dict[str, str] | None = None


def table_of(seed: int = 0) -> Any:
    """Return the embedding table [rows, width] of the classifier with this seed."""
    return np.random.default_rng(seed).normal(size=(ROWS, WIDTH)).astype(np.float32)


def classifier(**settings: Any) -> bytes:
    """Return the file of a small classifier."""
    shape = Shape(**settings)
    draw = np.random.default_rng(shape.seed)
    table = draw.normal(size=(ROWS, WIDTH)).astype(np.float32)
    head = draw.normal(size=(shape.classes, WIDTH)).astype(np.float32)
    head = head[list(shape.order or range(shape.classes))]
    model = Onnx()
    model.constants += [
        tensor("table", table, external=shape.external),
        tensor("head", np.ascontiguousarray(head.T)),
        tensor("last", np.array([-1], np.int64)),
    ]
    model.inputs += [value(name, shape.dtype, shape.shape) for name in shape.names]
    state = model.add("Gather", ["table", shape.names[0]], "embedded")
    if len(shape.names) > 1:
        real = model.add("Cast", [shape.names[1]], "mask_real", to=DTYPES["float32"])
        column = model.add("Unsqueeze", [real, "last"], "mask_column")
        state = model.add("Mul", [state, column], "masked")
    state = model.add("ReduceMean", [state], "mean", axes=[1], keepdims=0)
    if len(shape.names) > 2:
        real = model.add("Cast", [shape.names[2]], "segments_real", to=DTYPES["float32"])
        mean = model.add("ReduceMean", [real], "segments_mean", axes=[1], keepdims=1)
        state = model.add("Add", [state, mean], "summed")
    names = {"logits": "dense", "pooled": state}
    names["logits"] = model.add("MatMul", [state, "head"], "dense")
    for at, kind in enumerate(shape.end):
        names["logits"] = _after(model, kind, names["logits"], f"end_{at}")
    for name in shape.outputs:
        model.add("Identity", [names[name]], name)
        model.outputs.append(value(name, "float32", ("batch", shape.classes)))
    return model.pack()


def _after(model: Onnx, kind: str, source: str, called: str) -> str:
    if kind not in _WITH:
        return model.add(kind, [source], called)
    operator, operand = _WITH[kind]
    model.constants.append(tensor(f"{called}_by", np.array(operand, np.float32)))
    return model.add(operator, [source, f"{called}_by"], called)


def endless() -> bytes:
    """Return a file whose graph loops forever before it answers."""
    body = Onnx()
    body.inputs += [
        value("at", "int64", ()),
        value("on", "bool", ()),
        value("kept", "int64", (1, TOKENS)),
    ]
    body.add("Identity", ["on"], "still")
    body.add("Identity", ["kept"], "again")
    body.outputs += [value("still", "bool", ()), value("again", "int64", (1, TOKENS))]
    model = Onnx()
    model.inputs.append(value("input_ids", "int64", (1, TOKENS)))
    model.constants += [tensor("most", np.array((1 << 62), np.int64)), tensor("on", np.array(True))]
    model.add("Loop", ["most", "on", "input_ids"], "looped", body=held_graph(body.graph()))
    model.add("Cast", ["looped"], "out", to=DTYPES["float32"])
    model.outputs.append(value("out", "float32", (1, TOKENS)))
    return model.pack()


def huge(values: int) -> bytes:
    """Return a file that computes a tensor of this many values before it returns three."""
    model = Onnx()
    model.inputs.append(value("input_ids", "int64", (1, TOKENS)))
    model.constants += [
        tensor("size", np.array([values], np.int64)),
        tensor("three", np.array([1, 3], np.int64)),
    ]
    model.add("ConstantOfShape", ["size"], "zeros")
    # The size depends on the input; otherwise the tensor would already be computed at loading.
    model.add("Cast", ["input_ids"], "real", to=DTYPES["float32"])
    model.add("ReduceSum", ["real"], "sum", keepdims=0)
    model.add("Add", ["zeros", "sum"], "many")
    model.add("ReduceSum", ["many"], "one", keepdims=1)
    model.add("Expand", ["one", "three"], "out")
    model.outputs.append(value("out", "float32", (1, 3)))
    return model.pack()


def of_operator(kind: str, domain: str, *, dtype: str = "int64") -> bytes:
    """Return a file with one operator."""
    model = Onnx()
    model.inputs.append(value("input_ids", dtype, (1, TOKENS)))
    model.outputs.append(
        value(model.add(kind, ["input_ids"], "out", domain=domain), "float32", (1, 3))
    )
    return model.pack()
