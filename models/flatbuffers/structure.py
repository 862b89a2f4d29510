"""Hold the contents of a TFLite FlatBuffer as plain frozen values."""

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
    """How the integers of a tensor represent real numbers: real = (integer - zero_point) * scale.

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
        """Whether slices along `axis` have their own scales."""
        return self.axis is not None


@dataclass(frozen=True)
class Tensor:
    """One tensor of a subgraph.

    Attributes:
        shape: dimensions; one that is only known at run time is held as 1.
        dynamic: which dimensions are only known at run time.
        constant_bytes: bytes the file holds for it; 0 for an activation.
        buffer: the file's buffer that holds them; tensors may share one.
        variable: whether the runtime keeps its value from one answer to the next.
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
        """Whether it is a constant that stands for real numbers.

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
        index: its place in its subgraph.
        name: the built-in's name, `BUILTIN_<code>` where it is newer than the schema read with,
            or the custom code.
        version: as the file declares it; some writers do not raise it when they change types.
        custom: not one of TFLite's built-in operators.
        inputs: None if an optional input is absent.
        transposed: for BATCH_MATMUL, whether the left and right operand are read transposed.
        calls: the graphs that it calls, by number: of a WHILE condition and body, of an IF both
            branches.
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
        """Whether it is a TensorFlow operator that needs the Flex delegate."""
        return self.custom and self.name.startswith("Flex")

    @property
    def carried(self) -> bool:
        """Whether plain runtimes include it: it is built in, or one of the few custom ones."""
        return not self.custom or self.name in _CARRIED

    @property
    def input_dtypes(self) -> tuple[str, ...]:
        """The dtypes of the inputs that are present."""
        return tuple(tensor.dtype for tensor in self.inputs if tensor)

    @property
    def output_dtypes(self) -> tuple[str, ...]:
        """The dtypes of the outputs."""
        return tuple(tensor.dtype for tensor in self.outputs)


@dataclass(frozen=True)
class Signature:
    """A named entry point: tensors by argument name."""

    key: str
    subgraph: int
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


@dataclass(frozen=True)
class Subgraph:
    """One graph of the file; the first is what a runtime calls, others are bodies of loops.

    Attributes:
        inputs: in the graph's own order, which is what an app that binds by position sees.
        outputs: likewise.
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class DtypeShare:
    """How many tensors have a dtype, and their bytes."""

    dtype: str
    tensors: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything read from the FlatBuffer, before anything is derived.

    Attributes:
        declared_runtime: the `min_runtime_version` metadata; None if there is none.
        tensors: of all subgraphs.
        metadata: the buffer of each metadata entry, by the entry's name.
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
        flatbuffer_zipped: bytes after zlib level 9, which is what a download of it costs.
        weight_census: weights by dtype; bytes shared by tensors count once.
        activation_census: what operators write, by dtype; bytes at the declared shapes.
        arithmetic: operators counted by how they compute (see `models.flatbuffers.arithmetic`).
        integer_macs: multiply-accumulates with integer operands.
        hybrid_macs: those with integer weights and float activations, which the kernel quantizes
            on the fly: integer arithmetic with float in and out.
        float_macs: those with float operands.
        uncounted_operators: names of operators that multiply, but whose count is not known here.
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
        """The constants that stand for real numbers."""
        return tuple(tensor for tensor in self.tensors if tensor.weight)

    @property
    def custom_operators(self) -> tuple[str, ...]:
        """Names of operators that are not built in, Flex included, sorted."""
        return tuple(sorted({operator.name for operator in self.operators if operator.custom}))

    @property
    def quantized_operator_share(self) -> float:
        """Share of operators that compute in integers, of those that could (0..1).

        (integer + hybrid) / (integer + hybrid + float); neutral operators do not count.
        """
        quantized = self.arithmetic["integer"] + self.arithmetic["hybrid"]
        return _share(quantized, quantized + self.arithmetic["float"])

    @property
    def quantized_weight_share(self) -> float:
        """Share of the weights' bytes that are stored in integers (0..1)."""
        stored = sum(share.bytes for share in self.weight_census if share.dtype not in FLOAT_DTYPES)
        return _share(stored, sum(share.bytes for share in self.weight_census))

    @property
    def integer_mac_share(self) -> float:
        """Share of the multiply-accumulates whose operands are all integers (0..1)."""
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
