"""Read weights from a PyTorch `.bin`, in both of its formats, without PyTorch.

Since PyTorch 1.6 the file is a zip archive of one pickle and one member per storage; before, it
was five pickles, then the storages one after the other (torch/serialization.py). Neither format
compresses values, so that the tensors never take more memory than the file has bytes.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.files.archives import Limits, open_archive
from models.files.regular_files import open_regular
from models.networks.names import from_hugging_face
from models.networks.torch_pickle import LARGEST_PICKLE, Storage, StoredTensor, read_pickle

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path
    from typing import BinaryIO

    from models.networks.tensors import Tensors

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MOST_MEMBERS = 20_000
_REMEDY = "Download the checkpoint again, or give one with model.safetensors"


@dataclass(frozen=True)
class _Chosen:
    """The tensors to read, with edgeproof's name of each."""

    names: Collection[str] | None
    name_of: Callable[[str], str]

    def __contains__(self, name: str) -> bool:
        return self.names is None or name in self.names


def read(
    path: Path,
    chosen: Collection[str] | None,
    *,
    name_of: Callable[[str], str] = from_hugging_face,
) -> Tensors:
    """Return the chosen tensors; those that the file lacks are left out.

    Args:
        path: the file.
        chosen: edgeproof's names of the tensors to read; None reads every tensor.
        name_of: returns edgeproof's name for a name in the file.

    Raises:
        UsageMistake: the file is not a PyTorch checkpoint, is truncated, or names code to run.
    """
    try:
        with open_regular(path) as file:
            if zipfile.is_zipfile(file):
                return _read_archive(file, path, _Chosen(chosen, name_of))
            return _read_legacy(file, _Chosen(chosen, name_of))
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise UsageMistake(
            f"is not a readable PyTorch checkpoint of weights ({error})",
            file=path,
            remedy=_REMEDY,
        ) from None


def _read_archive(file: BinaryIO, path: Path, chosen: _Chosen) -> Tensors:
    size = os.fstat(file.fileno()).st_size
    # PyTorch stores members uncompressed, so that none is larger than the file.
    limits = Limits(members=_MOST_MEMBERS, member=size, total=size)
    with open_archive(file, limits, name=path, remedy=_REMEDY) as archive:
        pickles = [name for name in archive.members if _is_table(name)]
        if len(pickles) != 1:
            raise ValueError("the archive does not hold exactly one data.pkl")
        table = archive.members[pickles[0]]
        if table.file_size > LARGEST_PICKLE:
            raise ValueError(
                f"its data.pkl has {table.file_size:,} bytes, more than {LARGEST_PICKLE:,}"
            )
        root = pickles[0].removesuffix("data.pkl")
        if f"{root}byteorder" in archive.members and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its values are big-endian")
        document = read_pickle(io.BytesIO(archive.read(pickles[0])), lambda _: None)
        return _values(document, chosen, size, lambda s: archive.read(f"{root}data/{s.key}"))


def _is_table(name: str) -> bool:
    folder, _, member = name.partition("/")
    return bool(folder) and member == "data.pkl"


def _read_legacy(file: BinaryIO, chosen: _Chosen) -> Tensors:
    file.seek(0)
    storages: dict[str, Storage] = {}
    pickles = io.BytesIO(file.read(LARGEST_PICKLE))

    def load() -> Any:
        return read_pickle(pickles, lambda storage: _remember_storage(storages, storage))

    if [load(), load()] != [_LEGACY_MAGIC, _LEGACY_PROTOCOL]:
        raise ValueError("it is neither a zip archive nor a file of the older format")
    machine, document, keys = load(), load(), load()
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise ValueError("its values are big-endian")
    if not isinstance(keys, list) or any(type(key) is not str for key in keys):
        raise ValueError("it does not list its storages in their order")
    if len(set(keys)) != len(keys) or not storages.keys() >= set(keys):
        raise ValueError("it lists a storage twice, or lists one that no tensor uses")
    file.seek(pickles.tell())
    data = {key: _next_storage(file, storages[key]) for key in keys}
    size = os.fstat(file.fileno()).st_size

    def data_of(storage: Storage) -> bytes:
        if storage.key not in data:
            raise ValueError(f"storage {storage.key} is missing")
        return data[storage.key]

    return _values(document, chosen, size, data_of)


def _remember_storage(storages: dict[str, Storage], storage: Storage) -> None:
    storages[storage.key] = storage


def _next_storage(file: BinaryIO, storage: Storage) -> bytes:
    (size,) = struct.unpack("<q", file.read(8))
    if size != storage.size:
        raise ValueError(f"storage {storage.key} holds {size} values instead of {storage.size}")
    if storage.bytes > os.fstat(file.fileno()).st_size - file.tell():
        raise EOFError(f"storage {storage.key} is cut off")
    return file.read(storage.bytes)


def _values(
    document: Any, chosen: _Chosen, room: int, data_of: Callable[[Storage], bytes]
) -> Tensors:
    """Return the chosen tensors as views of their storages; read each storage once.

    Raises:
        ValueError: the tensors hold more bytes than `room`, the size of the file.
    """
    if not isinstance(document, dict):
        raise ValueError("it holds no table of tensors")  # noqa: TRY004 - the file is wrong, not a type in the code
    storages: dict[str, bytes] = {}
    tensors: Tensors = {}
    for name, tensor in document.items():
        own_name = chosen.name_of(str(name))
        if own_name not in chosen or not isinstance(tensor, StoredTensor):
            continue
        key = tensor.storage.key
        if key not in storages:
            storages[key] = data_of(tensor.storage)
        tensors[own_name] = tensor.values(storages[key])
    if sum(values.nbytes for values in tensors.values()) > room:
        raise ValueError("its tensors share their values: together they are larger than the file")
    return tensors
