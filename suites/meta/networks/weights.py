"""Random weights for networks that learn nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks.parameters import parameters

if TYPE_CHECKING:
    from models.networks.architecture import Architecture


def random_values(shape: Architecture, gain: float) -> dict[str, Any]:
    """Return weights with which a layer multiplies the size of its input by about `gain`."""
    generator = np.random.default_rng(5)
    values = {}
    for each in parameters(shape):
        deviation = gain * each.shape[-1] ** -0.5 if len(each.shape) > 1 else 0.1
        values[each.name] = generator.normal(0, deviation, each.shape).astype(np.float32)
        if each.name.endswith("LayerNorm.weight"):
            values[each.name] += 1.0
    return values
