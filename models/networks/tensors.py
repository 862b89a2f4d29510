"""Check that the tensors of a checkpoint fit the parameters of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import UsageMistake

if TYPE_CHECKING:
    from pathlib import Path

    from models.networks.parameters import Parameter

# Tensors by name, of any type; a file may contain more or fewer of them than requested.
Tensors = dict[str, NDArray[Any]]

_ANOTHER = "Give a checkpoint that fits its config"


def missing(parameter: Parameter, path: Path) -> UsageMistake:
    """Return the error for a parameter whose tensor is missing in a checkpoint."""
    return UsageMistake(
        f"the tensor is missing; expected shape {list(parameter.shape)}",
        file=path,
        key=parameter.name,
        remedy=_ANOTHER,
    )


def checked(tensor: NDArray[Any], parameter: Parameter, path: Path) -> NDArray[np.float32]:
    """Return the tensor as float32, after checking its shape and its values.

    Raises:
        UsageMistake: the tensor has another shape than the parameter, or holds NaN or infinity.
    """
    if tensor.shape != parameter.shape:
        raise UsageMistake(
            f"the tensor has shape {list(tensor.shape)}; expected {list(parameter.shape)}",
            file=path,
            key=parameter.name,
            remedy=_ANOTHER,
        )
    values = np.ascontiguousarray(tensor, dtype=np.float32)
    if not np.isfinite(values).all():
        raise UsageMistake(
            f"the tensor of shape {list(tensor.shape)} holds NaN or infinite values",
            file=path,
            key=parameter.name,
            remedy="Download the checkpoint again",
        )
    return values
