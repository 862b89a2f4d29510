"""Sum up the inputs that texts give to a dense layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Share of the inputs' mean square that is added to the diagonal: more than the error of subtracting
# large sums in float64.
NOISE = 1e-9


@dataclass
class Inputs:
    """The inputs x of a dense layer: their number, the sum of x, the sum of x @ x.T."""

    number: int = 0
    total: Any = 0.0
    moments: Any = 0.0

    def add(self, rows: NDArray[np.floating]) -> None:
        """Add the inputs of some tokens, [tokens, inputs]."""
        # Sum in float64: the deviations from the mean are a small difference of large sums.
        wide = rows.astype(np.float64)
        self.number += len(wide)
        self.total = self.total + wide.sum(axis=0)
        self.moments = self.moments + wide.T @ wide

    @property
    def mean(self) -> NDArray[np.float64]:
        """Return the mean of each of the layer's inputs over all tokens, [inputs]."""
        mean: NDArray[np.float64] = self.total / self.number
        return mean

    def deviations(self) -> NDArray[np.float64]:
        """Return the sum of d @ d.T over the inputs' deviations d from their mean.

        Some inputs do not deviate at all: the first token of every text is the same until it has
        attended to others. The difference of the sums is then rounding noise, and a larger diagonal
        outweighs it.
        """
        noise = NOISE * float(np.diag(self.moments).mean()) * np.eye(len(self.mean))
        deviations: NDArray[np.float64] = (
            self.moments - self.number * np.outer(self.mean, self.mean) + noise
        )
        return deviations
