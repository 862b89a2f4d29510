"""Fit the change of a dense layer that corrects its outputs, by ridge regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Weight of a change's squares, as a share of the mean square of an input.
RIDGE = 1e-3


class Regression:
    """Sums over the inputs of a dense layer and over the errors of its outputs."""

    def __init__(self) -> None:
        self._squares: Any = 0.0
        self._products: Any = 0.0

    def add(self, inputs: NDArray[np.float32], errors: NDArray[np.float32]) -> None:
        """Add some rows.

        Args:
            inputs: inputs of the layer, [rows, inputs].
            errors: what its outputs lack, [rows, outputs].
        """
        # The last column stands for the bias. Sum in float64, because `solve` takes the difference
        # of large sums.
        extended = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1, dtype=np.float64)
        self._squares = self._squares + extended.T @ extended
        self._products = self._products + extended.T @ errors.astype(np.float64)

    def solve(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the change of the weight [outputs, inputs], and that of the bias [outputs].

        The change minimizes the sum of squared errors plus a penalty on its own squares, see
        `RIDGE`. The penalty makes it unique even if there are fewer rows than inputs.
        """
        squares = np.diag(self._squares)[:-1]
        # Inputs that are always zero determine nothing.
        penalty = np.full(len(squares) + 1, RIDGE * (squares.mean() or 1.0))
        # The bias needs no penalty: one row determines it.
        penalty[-1] = np.finfo(np.float64).eps * self._squares[-1, -1]
        change = np.linalg.solve(self._squares + np.diag(penalty), self._products)
        return change[:-1].T.astype(np.float32), change[-1].astype(np.float32)
