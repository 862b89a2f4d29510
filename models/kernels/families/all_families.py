"""List all families by name."""

from __future__ import annotations

from models.kernels.families import along, moves, patterns, pointwise, products, recurrent

FAMILIES = {
    family.name: family
    for module in (products, pointwise, along, moves, recurrent, patterns)
    for family in module.FAMILIES
}
