"""Define the input of an operator's reference, and how its results are stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.arithmetic import current
from models.kernels.graph import RANGES
from models.kernels.options import ACTIVATIONS
from models.kernels.rounded import ANYTHING, Rounded, clamped, flushed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.kernels.graph import Graph, Node, Tensor

    Reference = Callable[["Call"], list[Rounded]]

_LIMITS = {
    "NONE": (-np.inf, np.inf),
    "RELU": (0.0, np.inf),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}
_NAMES = {number: name for name, number in ACTIVATIONS.items()}
# Largest error of a stored integer, in steps: one step where the specification does not prescribe
# the rounding, so that both neighboring integers are right; half a step for rounding to nearest.
ONE_STEP = 1.0
HALF_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Operand:
    """An operand of an operator: a tensor and its values, with integers as they are stored."""

    tensor: Tensor
    number: Rounded

    @property
    def real(self) -> Rounded:
        """Return the real numbers that the operand represents."""
        quantization = self.tensor.quantization
        if quantization is None or self.tensor.dtype not in RANGES:
            value = self.number.value.astype(np.float64)
            return flushed(Rounded(value, self.number.error))
        scales, zeros = quantization.along(self.number.value.shape)
        return Rounded((self.number.value - zeros) * scales, self.number.error * scales)

    @property
    def centered(self) -> NDArray[np.int64]:
        """Return the integers of the operand minus their zero points.

        Raises:
            ValueError: the operand is not quantized.
        """
        if self.tensor.quantization is None:
            raise ValueError("the tensor is not quantized")
        _, zeros = self.tensor.quantization.along(self.number.value.shape)
        return np.asarray(self.number.value - zeros, np.int64)

    @property
    def integers(self) -> list[int]:
        """Return the values of the operand as a list of integers: axes, shapes, positions."""
        return [int(item) for item in self.number.value.reshape(-1)]


@dataclass(frozen=True, eq=False)
class Call:
    """One operator of a graph with the values of its operands.

    Attributes:
        operands: the operands by position; None for an absent optional one.
        outputs: the tensors that the operator writes.
        memory: by tensor index, the values of variables after earlier runs.
        bodies: the graphs that control-flow operators call.
        compute: returns the outputs of one of `bodies` for its inputs.
    """

    node: Node
    operands: list[Operand | None]
    outputs: list[Tensor]
    memory: dict[int, Rounded] = field(default_factory=dict)
    bodies: tuple[Graph, ...] = ()
    compute: Callable[[Graph, list[Rounded]], list[Rounded]] | None = None

    def operand(self, place: int) -> Operand:
        """Return a required operand.

        Raises:
            ValueError: the operand is absent.
        """
        operand = self.operands[place]
        if operand is None:
            raise ValueError(f"operand {place} of {self.node.operator} is absent")
        return operand

    def optional(self, place: int) -> Operand | None:
        """Return an operand; None if it is absent."""
        return self.operands[place] if place < len(self.operands) else None

    def option(self, name: str, default: Any = 0) -> Any:
        """Return an option of the operator by its name; `default` if it is not set."""
        return self.node.options.get(name, default)

    @property
    def output(self) -> Tensor:
        """Return the only, or first, output tensor."""
        return self.outputs[0]

    @property
    def limits(self) -> tuple[float, float]:
        """Return the smallest and the largest number after the fused activation."""
        return _LIMITS[_NAMES[int(self.option("activation"))]]


def stored(call: Call, real: Rounded, slack: float = ONE_STEP) -> list[Rounded]:
    """Return real numbers as the first output stores them, after the fused activation.

    Args:
        call: the operator whose output is stored.
        real: the real numbers.
        slack: the largest error of an integer, in steps, in addition to the error of `real`.
    """
    low, high = call.limits
    if not call.output.quantized:
        free = np.isinf(low) and np.isinf(high)
        return [real if free else clamped(real, low, high)]
    return [stepped(real, call.output, slack, low, high)]


def stepped(
    real: Rounded,
    tensor: Tensor,
    slack: Any = ONE_STEP,
    low: float = -np.inf,
    high: float = np.inf,
) -> Rounded:
    """Return the unrounded integers that represent real numbers in a tensor.

    Args:
        real: the real numbers.
        tensor: the tensor that stores them.
        slack: the largest error of an integer, in steps: `HALF_STEP` for rounding to nearest,
            `ONE_STEP` if either neighbor is right.
        low: the lower limit of the activation, as a real number.
        high: the upper limit of the activation, as a real number.
    """
    if tensor.quantization is None:
        raise ValueError("the tensor is not quantized")
    scales, zeros = tensor.quantization.along(real.value.shape)
    value = real.value / scales + zeros
    error = np.where(np.isnan(value), ANYTHING, real.error / scales + slack)
    return within_range(Rounded(value, error), tensor, low, high)


def within_range(
    number: Rounded, tensor: Tensor, low: float = -np.inf, high: float = np.inf
) -> Rounded:
    """Saturate integers at the limits of a tensor's type and of an activation.

    The limits of an activation are rounded to whole steps (kernel_util.cc of LiteRT,
    CalculateActivationRangeQuantized).
    """
    if tensor.quantization is None:
        raise ValueError("the tensor is not quantized")
    scale, zero = float(tensor.quantization.scales[0]), int(tensor.quantization.zeros[0])
    least, most = RANGES[tensor.dtype]
    if np.isfinite(low):
        least = max(least, zero + _nearest(low / scale))
    if np.isfinite(high):
        most = min(most, zero + _nearest(high / scale))
    return Rounded(np.clip(number.value, least, most), number.error)


def _nearest(value: float) -> int:
    return int(np.floor(abs(value) + 0.5)) * (1 if value >= 0 else -1)


def requantized(scaled: NDArray[np.float64], multiplier: Any, bits: int = 31) -> Any:
    """Return the error bound of a rescaled accumulator, in steps.

    The bound holds for kernels of two kinds. A kernel of the first kind multiplies by an integer of
    `bits` bits, then shifts right by n bits. It may round twice: the shift adds an error of 1/2
    step, and the product adds 1/2 of its own unit, which is 2**-n steps (gemmlowp,
    doc/quantization.md; RoundingDivideByPOT after SaturatingRoundingDoublingHighMul). A kernel of
    the second kind rescales in float32, with five roundings from the three scales to the product
    (XNNPACK, fp32 requantization).

    Args:
        scaled: the accumulator times the multiplier.
        multiplier: the real multiplier of each channel.
        bits: the bits of the integer that represents the multiplier: 31, or 15 for an accumulator
            of 64 bits.
    """
    # frexp returns a fraction of at least 1/2, so the negative exponent is the shift to the right.
    # A multiplier just below a power of two is stored as that power, with one shift less.
    above = np.asarray(multiplier, np.float64) * (1.0 + 4.0 * current().unit)
    shift = np.maximum(0, -np.frexp(above)[1])
    relative = 2.0**-bits + 5.0 * current().unit
    twice = np.where(shift > 0, 2.0 ** -(shift + 1.0), 0.0)
    return HALF_STEP + twice + np.abs(scaled) * relative
