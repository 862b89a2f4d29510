"""Weights from a safetensors file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.networks.names import from_hugging_face

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from models.networks.tensors import Tensors


def read(path: Path, wanted: Collection[str]) -> Tensors:
    """Return the wanted tensors that the file holds.

    Raises:
        UsageMistake: it is no safetensors file, or a truncated one.
    """
    import ml_dtypes  # noqa: F401, PLC0415 - teaches numpy what bfloat16 is
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - only where weights are read

    try:
        with safe_open(path, framework="numpy") as file:
            here = {from_hugging_face(name): name for name in file.keys()}  # noqa: SIM118 - no dict
            return {name: file.get_tensor(here[name]) for name in wanted if name in here}
    except (SafetensorError, OSError, TypeError) as error:
        raise UsageMistake(
            f"is not a readable safetensors file ({error})",
            file=path,
            remedy="Download the checkpoint again",
        ) from None
