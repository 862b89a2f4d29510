"""Draw random weights for untrained networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks.parameters import parameters

if TYPE_CHECKING:
    from models.networks.architecture import Architecture


def random_values(shape: Architecture, gain: float) -> dict[str, Any]:
    """Return random weights for which each layer scales its input by about `gain`."""
    generator = np.random.default_rng(5)
    values = {}
    for parameter in parameters(shape):
        deviation = gain * parameter.shape[-1] ** -0.5 if len(parameter.shape) > 1 else 0.1
        values[parameter.name] = generator.normal(0, deviation, parameter.shape).astype(np.float32)
        if parameter.name.endswith("LayerNorm.weight"):
            values[parameter.name] += 1.0
    return values
