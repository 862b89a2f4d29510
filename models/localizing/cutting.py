"""Cut a part out of a FlatBuffer: some of its operators with their weights."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Iterable

REMEDY = "Report the fault with the whole file, because no smaller one can be cut out of it"


@dataclass(frozen=True)
class Cut:
    """A part of a file: some of its operators, with their weights.

    Attributes:
        data: the part as a FlatBuffer without a signature.
        inputs: the part's inputs, as tensors of the whole file, in order.
        output: the part's output, as a tensor of the whole file.
        operators: names of the part's operators, in order.
    """

    data: bytes
    inputs: tuple[int, ...]
    output: int
    operators: tuple[str, ...]


class Cutter:
    """A file from which parts can be cut.

    Args:
        flatbuffer: the whole file.

    Raises:
        EdgeproofError: the file has several graphs, which call each other.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        from models.flatbuffers.packing import unpack  # noqa: PLC0415 - a large module, needed only here

        self._flatbuffer = flatbuffer
        self._unpack = unpack
        model = unpack(flatbuffer)
        if len(model.subgraphs) != 1:
            raise EdgeproofError(
                f"no part can be cut out of the file, because it has {len(model.subgraphs)} graphs",
                remedy=REMEDY,
            )
        graph = model.subgraphs[0]
        self._constant = [_is_constant(model, tensor) for tensor in graph.tensors]
        self._operators = [
            (_used(operator.inputs), _used(operator.outputs)) for operator in graph.operators
        ]
        self._inputs = _used(graph.inputs)
        self._names = [_name(model, operator) for operator in graph.operators]
        self._signatures = {
            signature.signatureKey.decode(): {
                port.name.decode(): port.tensorIndex for port in signature.inputs
            }
            for signature in model.signatureDefs or []
        }

    @functools.cached_property
    def varying(self) -> tuple[int, ...]:
        """Return the operators whose outputs depend on the inputs, in execution order.

        The others unpack constants, and are included in every part that reads these constants.
        """
        depending, operators = set(self._inputs), []
        for number, (inputs, outputs) in enumerate(self._operators):
            if depending & set(inputs):
                depending |= set(outputs)
                operators.append(number)
        return tuple(operators)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Return the input tensors of the whole file."""
        return tuple(self._inputs)

    def places(self, signature: str | None) -> dict[str | int, int]:
        """Return the indices of the input tensors, by position and by name in a signature."""
        tensors = self._signatures.get(signature or next(iter(self._signatures), ""), {})
        return {**tensors, **dict(enumerate(self._inputs))}

    def output_of(self, operator: int) -> int:
        """Return the index of the first tensor that an operator writes."""
        return self._operators[operator][1][0]

    def maker_of(self, tensor: int) -> int:
        """Return the index of the operator that writes a tensor."""
        return next(i for i, (_, outputs) in enumerate(self._operators) if tensor in outputs)

    def cut(self, first: int, last: int) -> Cut:
        """Cut out the operators from `first` to `last` on which the output of `last` depends."""
        from models.flatbuffers.packing import pack  # noqa: PLC0415 - a large module, needed only here

        operators_kept = self._reached(first, last)
        model = self._unpack(self._flatbuffer)
        graph = model.subgraphs[0]
        produced = {tensor for i in operators_kept for tensor in self._operators[i][1]}
        read = [tensor for i in operators_kept for tensor in self._operators[i][0]]
        inputs = [t for t in dict.fromkeys(read) if t not in produced and not self._constant[t]]
        output = self.output_of(last)
        tensors = sorted({*read, *produced, *_scales_of(graph, {*read, *produced})})
        place = {tensor: number for number, tensor in enumerate(tensors)}
        operators = [graph.operators[i] for i in operators_kept]
        for operator in operators:
            operator.inputs = [place.get(tensor, -1) for tensor in operator.inputs]
            operator.outputs = [place[tensor] for tensor in operator.outputs]
            operator.intermediates = None
        graph.operators = operators
        graph.tensors = [graph.tensors[tensor] for tensor in tensors]
        _point_to_scales(graph, place)
        graph.inputs, graph.outputs = [place[tensor] for tensor in inputs], [place[output]]
        model.signatureDefs, model.metadata, model.metadataBuffer = [], [], []
        _drop_unused(model)
        names = tuple(self._names[i] for i in operators_kept)
        return Cut(pack(model), tuple(inputs), output, names)

    def _reached(self, first: int, last: int) -> list[int]:
        """Return the operators from `first` to `last` on which the output of `last` depends.

        Operators that unpack constants are included even if they precede `first`.
        """
        waiting, operators_reached, varying = [last], set(), set(self.varying)
        makers = {t: i for i, (_, outputs) in enumerate(self._operators) for t in outputs}
        while waiting:
            operator = waiting.pop()
            if operator in operators_reached or (operator < first and operator in varying):
                continue
            operators_reached.add(operator)
            inputs = self._operators[operator][0]
            waiting += [makers[tensor] for tensor in inputs if tensor in makers]
        return sorted(operators_reached)


def _scales_of(graph: Any, tensors: Iterable[int]) -> set[int]:
    """Return the indices of the tensors that hold scales and zero points of blockwise weights."""
    blocks = (_blocks(graph.tensors[tensor]) for tensor in tensors)
    indices = (
        tensor
        for scales in blocks
        if scales is not None
        for tensor in (scales.scales, scales.zeroPoints)
    )
    return {int(tensor) for tensor in indices if tensor > 0}


def _point_to_scales(graph: Any, place: dict[int, int]) -> None:
    """Update the references of blockwise quantized weights to the new indices of their scales."""
    for blocks in filter(None, map(_blocks, graph.tensors)):
        blocks.scales = place.get(int(blocks.scales), blocks.scales)
        blocks.zeroPoints = place.get(int(blocks.zeroPoints), blocks.zeroPoints)


def _blocks(tensor: Any) -> Any:
    """Return a tensor's blockwise quantization; None if it has none."""
    details = None if tensor.quantization is None else tensor.quantization.details
    return details if hasattr(details, "scales") else None


def _used(indices: Iterable[int] | None) -> list[int]:
    """Return tensor indices without -1, which marks an absent optional tensor."""
    return [int(index) for index in ([] if indices is None else indices) if index >= 0]


def _is_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _name(model: Any, operator: Any) -> str:
    from tflite.utils import BUILTIN_OPCODE2NAME  # noqa: PLC0415 - a large module, needed only here

    code_entry = model.operatorCodes[operator.opcodeIndex]
    # The code is the larger of two fields; the other one may be 0 or a placeholder.
    code = max(code_entry.builtinCode, code_entry.deprecatedBuiltinCode)
    return str(BUILTIN_OPCODE2NAME.get(code, f"BUILTIN_{code}"))


def _drop_unused(model: Any) -> None:
    """Remove the buffers and operator codes that the cut graph does not use."""
    graph = model.subgraphs[0]
    # The schema requires an empty first buffer.
    buffers = [0, *sorted({tensor.buffer for tensor in graph.tensors} - {0})]
    place = {buffer: number for number, buffer in enumerate(buffers)}
    for tensor in graph.tensors:
        tensor.buffer = place[tensor.buffer]
    model.buffers = [model.buffers[buffer] for buffer in buffers]
    codes = sorted({operator.opcodeIndex for operator in graph.operators})
    for operator in graph.operators:
        operator.opcodeIndex = codes.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[code] for code in codes]
