"""Read weights from a safetensors file."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.files.arrays import check_shape
from models.files.regular_files import open_regular
from models.networks.names import from_hugging_face

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from models.networks.tensors import Tensors

# Largest header in bytes; the 400 tensors of BERT-large need 50 kB.
_LARGEST_TABLE = 1 << 23
# Bytes per value of each type that can be read: numpy's types and bfloat16.
_READ = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "BOOL": 1,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U64": 8,
    "U32": 4,
    "U16": 2,
    "U8": 1,
}


def read(
    path: Path,
    chosen_names: Collection[str] | None,
    *,
    name_of: Callable[[str], str] = from_hugging_face,
) -> Tensors:
    """Return the chosen tensors; those that the file lacks are left out.

    Args:
        path: the file.
        chosen_names: edgeproof's names of the tensors to read; None reads every tensor.
        name_of: returns edgeproof's name for a name in the file.

    Raises:
        UsageMistake: the file is not a safetensors file, or is truncated.
    """
    import ml_dtypes  # noqa: F401, PLC0415 - adds bfloat16 to numpy
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - slow to import, and only needed to read weights

    try:
        size = _size(path)
        with safe_open(path, framework="numpy") as file:
            stored_names = {name_of(name): name for name in file.keys()}  # noqa: SIM118 - the file is not a dictionary
            chosen = (
                stored_names
                if chosen_names is None
                else [name for name in chosen_names if name in stored_names]
            )
            return {name: _tensor(file, stored_names[name], size) for name in chosen}
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageMistake(
            f"is not a readable safetensors file ({error})",
            file=path,
            remedy="Download the checkpoint again",
        ) from None


def _size(path: Path) -> int:
    """Return the file's size in bytes, after checking the size of its header.

    Raises:
        ValueError: the file is cut off, or its header is longer than the file or than
            `_LARGEST_TABLE`.
    """
    with open_regular(path) as file:
        size, start = os.fstat(file.fileno()).st_size, file.read(8)
    if len(start) < 8:  # noqa: PLR2004 - the bytes of the table's length
        raise ValueError("it is cut off")
    (table,) = struct.unpack("<Q", start)
    if table > min(size - len(start), _LARGEST_TABLE):
        raise ValueError(f"its header claims to have {table:,} bytes")
    return size


def _tensor(file: Any, name: str, room: int) -> NDArray[Any]:
    """Return a tensor after checking that numpy can represent its shape and dtype."""
    view = file.get_slice(name)
    dtype = view.get_dtype()
    if dtype not in _READ:
        raise ValueError(f"its values are {dtype}, which is not supported")
    check_shape(view.get_shape(), _READ[dtype], room)
    tensor: NDArray[Any] = file.get_tensor(name)
    return tensor
