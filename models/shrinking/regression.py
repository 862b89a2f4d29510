"""Fit the change of a dense layer that corrects its outputs, by ridge regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.shrinking.inputs import Inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Weight of a change's squares, as a share of the mean square of an input.
RIDGE = 1e-3


class Regression:
    """Collect a dense layer's inputs and the errors of its outputs, and find the best correction.

    Attributes:
        inputs: the sums over the inputs alone.
    """

    def __init__(self) -> None:
        self.inputs = Inputs()
        self._products: Any = 0.0
        self._errors: Any = 0.0

    def add(self, inputs: NDArray[np.float32], errors: NDArray[np.float32]) -> None:
        """Add some rows.

        Args:
            inputs: inputs of the layer, [rows, inputs].
            errors: what its outputs lack, [rows, outputs].
        """
        self.inputs.add(inputs)
        # Sum in float64, because `solve` takes the difference of large sums.
        wide = errors.astype(np.float64)
        self._products = self._products + inputs.T.astype(np.float64) @ wide
        self._errors = self._errors + wide.sum(axis=0)

    def solve(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the change of the weight [outputs, inputs], and that of the bias [outputs].

        The change minimizes the sum of squared errors plus a penalty on its own squares, see
        `RIDGE`. The penalty makes it unique even if there are fewer rows than inputs.
        """
        # The last row and column stand for the bias.
        total, number = self.inputs.total[:, None], self.inputs.number
        squares = np.block([[self.inputs.moments, total], [total.T, np.full((1, 1), number)]])
        products = np.vstack([self._products, self._errors])
        diagonal = np.diag(self.inputs.moments)
        # Inputs that are always zero determine nothing.
        penalty = np.full(len(squares), RIDGE * (diagonal.mean() or 1.0))
        # The bias needs no penalty: one row determines it.
        penalty[-1] = np.finfo(np.float64).eps * number
        change = np.linalg.solve(squares + np.diag(penalty), products)
        return change[:-1].T.astype(np.float32), change[-1].astype(np.float32)
