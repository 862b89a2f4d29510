"""Read weights from Google's TensorFlow 1 checkpoints; reading imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.networks.names import from_google
from models.networks.tf1_index import check_index

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from models.networks.tensors import Tensors

INDEX = ".index"


def read(path: Path, chosen: Collection[str]) -> Tensors:
    """Return the chosen tensors of the checkpoint with the index `path`; leave out missing ones.

    Kernels are stored as [inputs, outputs] and returned as [outputs, inputs].

    Raises:
        UsageMistake: the file is not a checkpoint's index, or a shard is missing or corrupt.
    """
    import tensorflow as tf  # noqa: PLC0415 - only this format needs it

    try:
        # TensorFlow would crash on an inconsistent index.
        check_index(path)
        reader = tf.train.load_checkpoint(str(path.with_suffix("")))
        stored_names = {from_google(name): name for name in reader.get_variable_to_shape_map()}
        return {
            name: _tensor(reader, stored_names[name]) for name in chosen if name in stored_names
        }
    except (tf.errors.OpError, OSError, LookupError, ValueError, RuntimeError) as error:
        raise UsageMistake(
            f"is not a readable TensorFlow checkpoint ({_first_line(error)})",
            file=path,
            remedy="Give the folder with the .index and every .data file of the checkpoint",
        ) from None


def _tensor(reader: Any, name: str) -> Any:
    tensor = reader.get_tensor(name)
    return tensor.T if name.endswith("/kernel") else tensor


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
