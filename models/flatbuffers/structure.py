"""Define the contents of a TFLite FlatBuffer as plain frozen values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from models.flatbuffers.dtypes import FLOAT_DTYPES, QUANTIZED_DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Arithmetic = Literal["integer", "hybrid", "float", "neutral"]
# Custom operators that runtimes without extensions include.
_CARRIED = frozenset({"AudioSpectrogram", "Mfcc", "TFLite_Detection_PostProcess"})


@dataclass(frozen=True)
class Quantization:
    """The meaning of a tensor's integers as real numbers: real = (integer - zero_point) * scale.

    Attributes:
        scales: one per tensor, or one per slice along `axis`.
        zero_points: as many as `scales`.
        axis: the quantized dimension; None if one scale serves the whole tensor.
        block: how many elements along the last dimension share a scale; None if not blockwise.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None
    block: int | None = None

    @property
    def per_channel(self) -> bool:
        """Return whether slices along `axis` have their own scales."""
        return self.axis is not None


@dataclass(frozen=True)
class Tensor:
    """One tensor of a subgraph.

    Attributes:
        shape: the dimensions; 1 for a dynamic one.
        dynamic: for each dimension, whether it is known only at run time.
        constant_bytes: the bytes of the tensor's content in the file; 0 for an activation.
        buffer: the index of the buffer with this content; tensors may share one.
        variable: whether the runtime keeps the value from one run to the next.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dynamic: tuple[bool, ...]
    dtype: str
    buffer: int
    constant_bytes: int
    quantization: Quantization | None
    variable: bool = False

    @property
    def weight(self) -> bool:
        """Return whether the tensor is a constant that represents real numbers.

        Unquantized int32, int64 and bool constants are axes, shapes and indices, not weights.
        """
        if not self.constant_bytes:
            return False
        real = self.dtype in FLOAT_DTYPES or self.dtype in QUANTIZED_DTYPES
        return real or self.quantization is not None


@dataclass(frozen=True)
class Operator:
    """One operator in execution order.

    Attributes:
        index: the operator's position in its subgraph.
        name: the name of the built-in operator, or the custom code; `BUILTIN_<code>` if the
            installed schema does not know the operator.
        version: the version in the file; some writers do not raise it when they change types.
        custom: whether this is not one of TFLite's built-in operators.
        inputs: the inputs; None for an absent optional one.
        transposed: for BATCH_MATMUL, whether the left and the right operand are read transposed.
        calls: the indices of the graphs that the operator calls: condition and body of a WHILE,
            both branches of an IF.
    """

    index: int
    subgraph: int
    name: str
    code: int
    version: int
    custom: bool
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    transposed: tuple[bool, bool] = (False, False)
    calls: tuple[int, ...] = ()

    @property
    def flex(self) -> bool:
        """Return whether this is a TensorFlow operator, which needs the Flex delegate."""
        return self.custom and self.name.startswith("Flex")

    @property
    def carried(self) -> bool:
        """Return whether runtimes without extensions include this operator."""
        return not self.custom or self.name in _CARRIED

    @property
    def input_dtypes(self) -> tuple[str, ...]:
        """Return the dtypes of the inputs that are present."""
        return tuple(tensor.dtype for tensor in self.inputs if tensor)

    @property
    def output_dtypes(self) -> tuple[str, ...]:
        """Return the dtypes of the operator's outputs."""
        return tuple(tensor.dtype for tensor in self.outputs)


@dataclass(frozen=True)
class Signature:
    """A named entry point of a file: its inputs and outputs by argument name."""

    key: str
    subgraph: int
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


@dataclass(frozen=True)
class Subgraph:
    """One graph of a file: the first, one of a signature, or one that operators call.

    Attributes:
        inputs: the inputs in the graph's order, which matters to apps that bind by position.
        outputs: the outputs in the graph's order.
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class DtypeShare:
    """The number of tensors with a dtype, and their bytes."""

    dtype: str
    tensors: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The contents of a FlatBuffer, as they are stored.

    Attributes:
        declared_runtime: the `min_runtime_version` in the metadata; None if there is none.
        tensors: the tensors of all subgraphs.
        metadata: the index of each metadata entry's buffer, by the entry's name.
    """

    identifier: str
    schema_version: int
    description: str
    declared_runtime: str | None
    signatures: tuple[Signature, ...]
    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    subgraphs: tuple[Subgraph, ...] = ()
    metadata: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FlatBufferReport(Contents):
    """The contents of a FlatBuffer, with derived properties.

    Attributes:
        flatbuffer_zipped: size in bytes after zlib level 9, as in a compressed download.
        weight_census: weights by dtype; a buffer that tensors share counts once.
        activation_census: outputs of operators by dtype; bytes at the declared shapes.
        arithmetic: number of operators by arithmetic (see `models.flatbuffers.arithmetic`).
        integer_macs: number of multiply-accumulates with integer operands.
        hybrid_macs: number of multiply-accumulates with integer weights and float activations; the
            kernel quantizes these activations during the computation.
        float_macs: number of multiply-accumulates with float operands.
        uncounted_operators: names of operators with multiplications that are not counted here.
    """

    path: Path
    sha256: str
    flatbuffer_bytes: int
    flatbuffer_zipped: int
    weight_census: tuple[DtypeShare, ...]
    activation_census: tuple[DtypeShare, ...]
    arithmetic: dict[Arithmetic, int]
    integer_macs: int
    hybrid_macs: int
    float_macs: int
    uncounted_operators: tuple[str, ...]

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Return the constants of the file that represent real numbers."""
        return tuple(tensor for tensor in self.tensors if tensor.weight)

    @property
    def custom_operators(self) -> tuple[str, ...]:
        """Return the names of operators that are not built in, including Flex, sorted."""
        return tuple(sorted({operator.name for operator in self.operators if operator.custom}))

    @property
    def quantized_operator_share(self) -> float:
        """Return the share of operators that compute in integers, among those that could (0..1).

        (integer + hybrid) / (integer + hybrid + float); neutral operators do not count.
        """
        quantized = self.arithmetic["integer"] + self.arithmetic["hybrid"]
        return _share(quantized, quantized + self.arithmetic["float"])

    @property
    def quantized_weight_share(self) -> float:
        """Return the share of the weights' bytes that are stored in integers (0..1)."""
        stored = sum(share.bytes for share in self.weight_census if share.dtype not in FLOAT_DTYPES)
        return _share(stored, sum(share.bytes for share in self.weight_census))

    @property
    def integer_mac_share(self) -> float:
        """Return the share of multiply-accumulates with only integer operands (0..1)."""
        macs = self.integer_macs + self.hybrid_macs + self.float_macs
        return _share(self.integer_macs, macs)


def census(tensors: Iterable[tuple[str, int]]) -> tuple[DtypeShare, ...]:
    """Sum (dtype, bytes) pairs by dtype, largest first."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for dtype, size in tensors:
        counts[dtype] += 1
        sizes[dtype] += size
    return tuple(DtypeShare(dtype, counts[dtype], size) for dtype, size in sizes.most_common())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
