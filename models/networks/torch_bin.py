"""Weights from a PyTorch `.bin`: both of its formats, without PyTorch.

Since PyTorch 1.6 the file is a zip archive of one pickle and one member per storage; before, it
was five pickles, then the storages one after the other (torch/serialization.py).
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.networks.names import from_hugging_face
from models.networks.torch_pickle import PICKLE_ERRORS, Storage, StoredTensor, TensorUnpickler

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from typing import BinaryIO

    from models.networks.tensors import Tensors

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_ERRORS = (*PICKLE_ERRORS, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)


def read(path: Path, wanted: Collection[str]) -> Tensors:
    """Return the wanted tensors that the file holds.

    Raises:
        UsageMistake: it is no PyTorch checkpoint, a truncated one, or one that names code to run.
    """
    try:
        with path.open("rb") as file:
            if zipfile.is_zipfile(file):
                return _read_archive(file, wanted)
            file.seek(0)
            return _read_legacy(file, wanted)
    except _ERRORS as error:
        reason = str(error) or type(error).__name__
        raise UsageMistake(
            f"is not a readable PyTorch checkpoint of weights ({reason})",
            file=path,
            remedy="Download the checkpoint again, or give one with model.safetensors",
        ) from None


def _read_archive(file: BinaryIO, wanted: Collection[str]) -> Tensors:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise ValueError("the archive holds no data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its values are big-endian")
        with archive.open(pickles[0]) as member:
            document = TensorUnpickler(member, lambda _: None).load()  # type: ignore[arg-type] # readable is enough
        return {
            name: tensor.values(archive.read(f"{root}data/{tensor.storage.key}"))
            for name, tensor in _tensors(document, wanted).items()
        }


def _read_legacy(file: BinaryIO, wanted: Collection[str]) -> Tensors:
    storages: dict[str, Storage] = {}

    def load() -> Any:
        return TensorUnpickler(file, lambda storage: _note(storages, storage)).load()

    if (load(), load()) != (_LEGACY_MAGIC, _LEGACY_PROTOCOL):
        raise ValueError("it is neither a zip archive nor of the format before that")
    machine, document = load(), load()
    if not machine["little_endian"]:
        raise ValueError("its values are big-endian")
    data = {key: _next_storage(file, storages[key]) for key in load()}
    return {
        name: tensor.values(data[tensor.storage.key])
        for name, tensor in _tensors(document, wanted).items()
    }


def _note(storages: dict[str, Storage], storage: Storage) -> None:
    storages[storage.key] = storage


def _next_storage(file: BinaryIO, storage: Storage) -> bytes:
    (size,) = struct.unpack("<q", file.read(8))
    if size != storage.size:
        raise ValueError(f"storage {storage.key} holds {size} values instead of {storage.size}")
    if storage.bytes > os.fstat(file.fileno()).st_size - file.tell():
        raise EOFError(f"storage {storage.key} is cut off")
    return file.read(storage.bytes)


def _tensors(document: Any, wanted: Collection[str]) -> dict[str, StoredTensor]:
    if not isinstance(document, dict):
        raise TypeError("it holds no table of tensors")
    here = {from_hugging_face(str(name)): value for name, value in document.items()}
    return {name: here[name] for name in wanted if isinstance(here.get(name), StoredTensor)}
