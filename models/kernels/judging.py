"""Compare a kernel's answer with the exact result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.arithmetic import PROCESSOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.kernels.graph import Tensor
    from models.kernels.rounded import Rounded


@dataclass(frozen=True)
class Deviation:
    """A result outside its bounds.

    Attributes:
        what: a description, with the values at the worst position.
        times: the worst difference divided by its bound; infinite if no difference is allowed.
    """

    what: str
    times: float


def deviation(
    expected: Sequence[Sequence[Rounded]],
    actual: Sequence[Sequence[NDArray[Any]]],
    outputs: Sequence[Tensor],
) -> Deviation | None:
    """Return the worst deviation of all runs and outputs; None if every number is within bounds.

    Args:
        expected: for each run, the exact outputs with their bounds.
        actual: for each run, the outputs of the backend.
        outputs: the output tensors, whose dtypes the backend's outputs must have.
    """
    deviations = []
    for run, (must, did) in enumerate(zip(expected, actual, strict=True)):
        if len(must) != len(did):
            return Deviation(f"run {run} has {len(did)} outputs, not {len(must)}", np.inf)
        for place, (want, got) in enumerate(zip(must, did, strict=True)):
            of_output = _of_output(want, got, outputs[place], f"run {run}, output {place}")
            deviations += [] if of_output is None else [of_output]
    return max(deviations, key=lambda deviating: deviating.times, default=None)


def allowed(want: Rounded, got: NDArray[Any]) -> NDArray[np.bool_]:
    """Return for each number whether it is within its bounds, as booleans of the output's shape.

    Where NaN is expected, the answer must be NaN. Where a finite number is expected, the answer
    must be within the error, or be the infinity to which the number overflows. Where an infinity is
    expected, the answer may also be the largest float: without a fused activation, kernels clamp to
    it (CalculateActivationRange in kernel_util.h of LiteRT).
    """
    value, error = np.asarray(want.value), want.error
    if value.dtype.kind != "f":
        off = np.abs(got.astype(np.int64) - value.astype(np.int64))
        return np.asarray(off <= error)
    # A wrong output may contain any bits, including a signaling NaN.
    with np.errstate(all="ignore"):
        answered = got.astype(np.float64)
        near = np.abs(answered - value) <= error
    same = (answered == value) | (np.isnan(answered) & np.isnan(value))
    reach = np.abs(value) + np.where(np.isfinite(error), error, 0.0) >= PROCESSOR.largest * (
        1.0 - PROCESSOR.unit
    )
    beyond = np.abs(answered) >= PROCESSOR.largest
    overflowed = beyond & (np.sign(answered) == np.sign(value)) & reach
    return np.asarray(near | same | overflowed | np.isposinf(error))


def _of_output(want: Rounded, got: NDArray[Any], tensor: Tensor, place_of: str) -> Deviation | None:
    if got.shape != want.value.shape:
        problem = f"{place_of}: its shape is {list(got.shape)}, not {list(want.value.shape)}"
        return Deviation(problem, np.inf)
    # numpy has no type of four bits.
    dtype = "int8" if tensor.dtype == "int4" else tensor.dtype
    if got.dtype.name != dtype:
        return Deviation(f"{place_of}: its dtype is {got.dtype.name}, not {dtype}", np.inf)
    right = allowed(want, got)
    if right.all():
        return None
    with np.errstate(all="ignore"):
        off = np.abs(got.astype(np.float64) - want.value.astype(np.float64))
        times = np.where(right, 0.0, np.nan_to_num(off / want.error, nan=np.inf))
    at = np.unravel_index(int(np.argmax(times)), times.shape)
    place = list(map(int, at))
    share = f"{int((~right).sum())} of {right.size} numbers"
    problem = (
        f"{place_of}: {share} are outside of their bounds; at {place}, {got[at]} differs from "
        f"{want.value[at]:.9g} by more than {want.error[at]:.3g}"
    )
    return Deviation(problem, float(times[at]))
