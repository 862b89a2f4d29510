"""Edit a FlatBuffer's graph: replace constants, insert and remove operators.

Import this module only where a file is edited: it imports ai-edge-litert's schema, which is
megabytes of Python code.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from models.files.arrays import as_array, byte_array
from models.flatbuffers.packing import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

ABSENT = -1
CODES = schema.BuiltinOperator
# Operators that only move values, so that a scale per channel remains valid.
MOVES = (CODES.RESHAPE, CODES.TRANSPOSE)
# Largest value of the older field for codes, which stands for every larger code.
_PLACEHOLDER = 127
_KINDS = {code: name for name, code in vars(CODES).items() if isinstance(code, int)}
_OPTIONS: dict[int, tuple[str, dict[str, Any]]] = {
    CODES.ABS: ("AbsOptions", {}),
    CODES.ADD: ("AddOptions", {}),
    CODES.DEQUANTIZE: ("DequantizeOptions", {}),
    CODES.DIV: ("DivOptions", {}),
    CODES.GATHER: ("GatherOptions", {"axis": 0}),
    CODES.MUL: ("MulOptions", {}),
    CODES.REDUCE_MAX: ("ReducerOptions", {"keepDims": True}),
    CODES.RESHAPE: ("ReshapeOptions", {}),
}
_TYPES = {
    np.dtype(np.float32): 0,
    np.dtype(np.int32): 2,
    np.dtype(np.int64): 4,
    np.dtype(np.bool_): 6,
    np.dtype(np.int8): 9,
}
# Types of ids, shapes, indices and truth values, which are never quantized.
_INTEGERS = {_TYPES[np.dtype(kind)] for kind in (np.int32, np.int64, np.bool_)}


class Graph:
    """An editable FlatBuffer with a single subgraph.

    Tensors are given by index, and operators as objects of the schema.

    Args:
        flatbuffer: a file with one subgraph.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        self._model = unpack(flatbuffer)
        (self._graph,) = self._model.subgraphs
        self._added: dict[int, tuple[Any, list[Any], list[Any]]] = {}
        self._names = {tensor.name for tensor in self._graph.tensors}

    def pack(self) -> bytes:
        """Return the edited file without constants that no operator reads."""
        self._drop_unread()
        return pack(self._model)

    def operators(self, *codes: int) -> list[Any]:
        """Return the operators with one of `codes`, in execution order; all by default."""
        return [
            operator
            for operator in self._graph.operators
            if not codes or self.code(operator) in codes
        ]

    def kind(self, operator: Any) -> str:
        """Return the name of an operator, such as `BATCH_MATMUL`."""
        return str(_KINDS.get(self.code(operator), "UNKNOWN"))

    def code(self, operator: Any) -> int:
        """Return an operator's code in the schema's list of built-in operators."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        return int(max(code.builtinCode, code.deprecatedBuiltinCode))

    def producer(self, tensor: int) -> Any:
        """Return the operator that writes a tensor, ignoring moves; None if there is none."""
        for operator in reversed(self._graph.operators):
            if tensor in operator.outputs:
                moves = self.code(operator) in MOVES
                return self.producer(operator.inputs[0]) if moves else operator
        return None

    def consumers(self, tensor: int) -> list[Any]:
        """Return the operators that read a tensor, ignoring moves."""
        consumers = []
        for operator in self._graph.operators:
            if tensor in operator.inputs:
                moves = self.code(operator) in MOVES
                consumers += self.consumers(operator.outputs[0]) if moves else [operator]
        return consumers

    def tokens(self) -> int:
        """Return the number of tokens in a row of the graph's inputs."""
        return self.shape(int(self._graph.inputs[0]))[-1]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(int(size) for size in self._graph.tensors[tensor].shape)

    def name(self, tensor: int) -> str:
        """Return a tensor's name."""
        return str(self._graph.tensors[tensor].name.decode())

    def written(self) -> Iterator[str]:
        """Yield the name of every float32 tensor that an operator writes."""
        for operator in self._graph.operators:
            for tensor in operator.outputs:
                if self._graph.tensors[tensor].type == _TYPES[np.dtype(np.float32)]:
                    yield self.name(tensor)

    def outputs(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each operator and of its output, in execution order."""
        for operator in self._graph.operators:
            for tensor in operator.outputs:
                yield self.kind(operator), self.name(tensor)

    def inputs(self) -> dict[str, int]:
        """Return the indices of the input tensors, by their names in the signature."""
        (signature,) = self._model.signatureDefs
        return {tensor.name.decode(): int(tensor.tensorIndex) for tensor in signature.inputs}

    def results(self) -> list[int]:
        """Return the indices of the output tensors."""
        return [int(tensor) for tensor in self._graph.outputs]

    def is_constant(self, tensor: int) -> bool:
        """Return whether a tensor is a constant: the file contains its values."""
        data = self._model.buffers[self._graph.tensors[tensor].buffer].data
        return data is not None and bool(len(data))

    def holds_integers(self, tensor: int) -> bool:
        """Return whether the dtype of a tensor is int32, int64 or bool."""
        return bool(self._graph.tensors[tensor].type in _INTEGERS)

    def holds_truth(self, tensor: int) -> bool:
        """Return whether the dtype of a tensor is bool."""
        return bool(self._graph.tensors[tensor].type == _TYPES[np.dtype(np.bool_)])

    def lower_version(self, code: int, version: int) -> None:
        """Lower the declared version of an operator to `version`, if it is higher."""
        for operator_code in self._model.operatorCodes:
            if max(operator_code.builtinCode, operator_code.deprecatedBuiltinCode) == code:
                operator_code.version = min(operator_code.version, version)

    def make_constant(self, tensor: int, values: NDArray[Any]) -> None:
        """Turn a tensor into a constant; the caller has to `remove` the operator that writes it."""
        self._graph.tensors[tensor].buffer = self._hold(values)

    def remove(self, operators: list[Any]) -> None:
        """Remove operators from the graph."""
        gone = {id(operator) for operator in operators}
        self._graph.operators = [
            operator for operator in self._graph.operators if id(operator) not in gone
        ]

    def _hold(self, values: NDArray[Any]) -> int:
        buffer = schema.BufferT()
        buffer.data = byte_array(np.ascontiguousarray(values).tobytes())
        self._model.buffers.append(buffer)
        return len(self._model.buffers) - 1

    def reached_from(self, name: str) -> set[str]:
        """Return the names of all tensors that are computed from a tensor."""
        reached = {name}
        for operator in self._graph.operators:
            if any(t != ABSENT and self.name(t) in reached for t in operator.inputs):
                reached |= {self.name(tensor) for tensor in operator.outputs}
        return reached - {name}

    def constant(self, tensor: int) -> Array | None:
        """Return the values of a float32 constant; None for any other tensor."""
        return self._held(tensor, np.dtype(np.float32))

    def integers(self, tensor: int) -> NDArray[np.int32] | None:
        """Return the values of an int32 constant; None for any other tensor."""
        return self._held(tensor, np.dtype(np.int32))

    def _held(self, tensor: int, dtype: np.dtype[Any]) -> NDArray[Any] | None:
        if tensor == ABSENT or self._graph.tensors[tensor].type != _TYPES[dtype]:
            return None
        data = self._model.buffers[self._graph.tensors[tensor].buffer].data
        if data is None or not len(data):
            return None
        return as_array(bytes(data), dtype, self.shape(tensor))

    def new_tensor(self, name: str, shape: tuple[int, ...], values: Any = None) -> int:
        """Add a tensor, or a constant if values are given; return its index.

        If another tensor already has the name, a number is appended.
        """
        tensor = schema.TensorT()
        dtype = np.dtype(np.float32) if values is None else values.dtype
        buffer = 0 if values is None else self._hold(values)
        tensor.name, tensor.shape, tensor.hasRank = self._unused(name), list(shape), True
        tensor.type, tensor.buffer = _TYPES[dtype], buffer
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _unused(self, name: str) -> bytes:
        """Return an unused name: names must be unique, because ranges are looked up by name."""
        free = name.encode()
        if free in self._names:
            numbered = (f"{name}_{number}".encode() for number in itertools.count(2))
            free = next(name for name in numbered if name not in self._names)
        self._names.add(free)
        return free

    def new_constant(self, name: str, values: Any) -> int:
        """Add a constant: float32, or int32 for integer values."""
        array = np.asarray(values)
        array = array.astype(np.int32 if array.dtype.kind == "i" else np.float32)
        return self.new_tensor(name, array.shape, array)

    def new_integers(self, name: str, values: NDArray[np.int8], *, scale: float) -> int:
        """Add an eight-bit constant whose integers are multiplied by `scale`."""
        tensor = self.new_tensor(name, values.shape, values)
        quantization = schema.QuantizationParametersT()
        quantization.scale, quantization.zeroPoint = [scale], [0]
        self._graph.tensors[tensor].quantization = quantization
        return tensor

    def become(self, operator: Any, code: int, inputs: list[int]) -> None:
        """Turn an operator into another one with other inputs and the same output."""
        operator.opcodeIndex, operator.inputs = self._opcode(code), inputs
        kind, settings = _OPTIONS[code]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        operator.builtinOptions = getattr(schema, f"{kind}T")()
        for key, value in settings.items():
            setattr(operator.builtinOptions, key, value)

    def before(self, operator: Any, code: int, inputs: list[int], name: str) -> int:
        """Insert an operator before another; return its output, shaped like its first input.

        `settle` puts all inserted operators into the execution order.
        """
        return self._put((operator, 0), code, inputs, name)

    def after(
        self, operator: Any, code: int, inputs: list[int], name: str, output: int | None = None
    ) -> int:
        """Insert an operator after another and after earlier insertions; see `before`."""
        return self._put((operator, 1), code, inputs, name, output)

    def _put(
        self,
        place_of: tuple[Any, int],
        code: int,
        inputs: list[int],
        name: str,
        output: int | None = None,
    ) -> int:
        if output is None:
            shape = self.shape(inputs[0])
            shape = (*shape[:-1], 1) if code == CODES.REDUCE_MAX else shape
            output = self.new_tensor(name, shape)
        new = schema.OperatorT()
        new.outputs = [output]
        self.become(new, code, inputs)
        operator, place = place_of
        # The reference keeps the operator alive, so that no other object gets its id.
        self._added.setdefault(id(operator), (operator, [], []))[1 + place].append(new)
        return output

    def settle(self) -> None:
        """Insert the new operators into the execution order."""
        order = []
        for operator in self._graph.operators:
            _, ahead, behind = self._added.get(id(operator), (operator, [], []))
            order += [*ahead, operator, *behind]
        self._graph.operators, self._added = order, {}

    def _opcode(self, code: int) -> int:
        for index, entry in enumerate(self._model.operatorCodes):
            if max(entry.builtinCode, entry.deprecatedBuiltinCode) == code:
                return index
        new = schema.OperatorCodeT()
        new.builtinCode, new.deprecatedBuiltinCode = code, min(code, _PLACEHOLDER)
        new.version = 1
        self._model.operatorCodes.append(new)
        return len(self._model.operatorCodes) - 1

    def _drop_unread(self) -> None:
        read = {tensor for operator in self._graph.operators for tensor in operator.inputs}
        read |= {scales for tensor in self._graph.tensors for scales in _block_scales(tensor)}
        buffers = {self._graph.tensors[tensor].buffer for tensor in read if tensor != ABSENT}
        for tensor in self._graph.tensors:
            if tensor.buffer not in buffers:
                self._model.buffers[tensor.buffer].data = None


def _block_scales(tensor: Any) -> tuple[int, ...]:
    """Return the indices of the tensors that hold a blockwise tensor's scales and zero points."""
    details = getattr(tensor.quantization, "details", None)
    if not isinstance(details, schema.BlockwiseQuantizationT):
        return ()
    return details.scales, details.zeroPoints
