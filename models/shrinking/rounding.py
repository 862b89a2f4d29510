"""Round weights to the grid of few-bit integers so that the layer's outputs change least.

GPTQ (Frantar, Ashkboos, Hoefler and Alistarh 2023, "GPTQ: Accurate Post-Training Quantization for
Generative Pre-trained Transformers") rounds columns one after the other. The columns not yet
rounded compensate for the error, as far as the layer's inputs allow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.shrinking.inputs import Inputs


# Share of the diagonal's mean that is added to the diagonal, so that tiny differences between
# almost equal inputs have no effect.
DAMPING = 0.01
# Candidate ends of the grid, relative to a row's largest weight: a smaller end rounds more finely,
# but clips.
ENDS = tuple(percent / 100 for percent in range(50, 101, 2))
# Number of columns in a block. Within a block, each column's error corrects the later columns at
# once; columns after the block are corrected once per block.
BLOCK = 32
# Smallest divisor, in place of zero.
TINY = float(np.finfo(np.float32).tiny)


def round_rows(weights: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Round each row of weights to its best symmetric grid, without regard to a layer's inputs.

    Use this for tables whose rows are looked up. Every row reaches the end of its grid, so that a
    converter that scales by a row's largest weight finds the same grid.

    Args:
        weights: [rows, columns].
        bits: number of bits of a weight, sign included.
    """
    scales, grid_end = _scales(weights.astype(np.float64), np.ones(weights.shape[1]), bits)
    return _on_grid(np.clip(np.rint(weights / scales), -grid_end, grid_end), scales, grid_end)


def round_for_inputs(
    weights: NDArray[np.float32], moments: NDArray[np.float64], bits: int
) -> NDArray[np.float32]:
    """Round each row to a symmetric grid, so that weights @ inputs changes least (GPTQ).

    Args:
        weights: [outputs, inputs].
        moments: sum of input @ input.T over the layer's inputs, [inputs, inputs].
        bits: number of bits of a weight, sign included.
    """
    # Round the inputs with the largest moments first, while many columns remain to compensate for
    # the error.
    order = np.argsort(-np.diag(moments), kind="stable")
    unrounded = weights.astype(np.float64)[:, order]
    damped = _damped(moments[np.ix_(order, order)])
    scales, grid_end = _scales(unrounded, np.diag(damped), bits)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    steps = np.zeros_like(unrounded)
    for start in range(0, unrounded.shape[1], BLOCK):
        block = slice(start, start + BLOCK)
        errors = _round_block(
            unrounded[:, block], upper[block, block], steps[:, block], scales, grid_end
        )
        unrounded[:, start + BLOCK :] -= errors @ upper[block, start + BLOCK :]
    return np.ascontiguousarray(_on_grid(steps, scales, grid_end)[:, np.argsort(order)])


def round_dense(
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    inputs: Inputs,
    bits: int,
    gains: NDArray[np.float32] | float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Round a dense layer; its bias compensates for the change of the mean output.

    So the weights are rounded for the inputs' deviations from their mean alone. In a transformer
    a few inputs are large and nearly constant, and would dominate the rounding of all weights.

    Args:
        weights: [outputs, inputs].
        bias: [outputs].
        inputs: the sums over the layer's inputs.
        bits: number of bits of a weight, sign included.
        gains: [inputs], factors by which a converter will multiply the columns. The products are
            rounded to a grid.

    Returns:
        The rounded weights and the new bias.
    """
    scaled = np.broadcast_to(gains, weights.shape[1:]).astype(np.float64)
    # A column with a gain of zero has no effect, whatever its weights are.
    scaled = np.where(scaled == 0, 1.0, scaled)
    deviations = inputs.deviations() / np.outer(scaled, scaled)
    products = round_for_inputs((weights * scaled).astype(np.float32), deviations, bits)
    rounded = (products / scaled).astype(np.float32)
    mean_error = (weights.astype(np.float64) - rounded) @ inputs.mean
    return rounded, (bias + mean_error).astype(np.float32)


def _round_block(
    unrounded: NDArray[np.float64],
    upper: NDArray[np.float64],
    steps: NDArray[np.float64],
    scales: NDArray[np.float64],
    grid_end: int,
) -> NDArray[np.float64]:
    """Round the columns of a block into `steps`; return the errors that later columns correct."""
    errors = np.zeros_like(unrounded)
    for column in range(unrounded.shape[1]):
        steps[:, column] = np.clip(
            np.rint(unrounded[:, column] / scales[:, 0]), -grid_end, grid_end
        )
        differences = unrounded[:, column] - steps[:, column] * scales[:, 0]
        errors[:, column] = differences / upper[column, column]
        unrounded[:, column + 1 :] -= np.outer(errors[:, column], upper[column, column + 1 :])
    return errors


def _damped(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    damped = moments.copy()
    diagonal = np.diag_indices(len(damped))
    # An input that is always zero has no moment, and its weights do not matter.
    damped[diagonal] += DAMPING * max(float(np.diag(damped).mean()), TINY)
    return damped


def _scales(
    weights: NDArray[np.float64], importance: NDArray[np.float64], bits: int
) -> tuple[NDArray[np.float64], int]:
    """Return each row's best grid step [rows, 1], and the largest integer of the grid.

    The best step has the least squared error, weighted by `importance`.
    """
    grid_end = 2 ** (bits - 1) - 1
    largest = np.maximum(np.abs(weights).max(axis=1, keepdims=True), TINY)
    best, least = largest / grid_end, np.full(largest.shape, np.inf)
    for end in ENDS:
        scales = end * largest / grid_end
        differences = weights - scales * np.clip(np.rint(weights / scales), -grid_end, grid_end)
        error = (importance * differences**2).sum(axis=1, keepdims=True)
        best, least = np.where(error < least, scales, best), np.minimum(error, least)
    return best, grid_end


def _on_grid(
    steps: NDArray[np.float64], scales: NDArray[np.float64], grid_end: int
) -> NDArray[np.float32]:
    """Return the weights that integer steps stand for, [rows, columns].

    Before, each row's largest step is moved to the end of the grid.
    """
    steps = steps.copy()
    rows = np.flatnonzero(np.abs(steps).max(axis=1) < grid_end)
    columns = np.abs(steps[rows]).argmax(axis=1)
    steps[rows, columns] = np.where(steps[rows, columns] < 0, -grid_end, grid_end)
    return (steps * scales).astype(np.float32)
