"""Reading a published BERT checkpoint: a Hugging Face folder or hub id with safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.errors import UsageMistake
from models.networks.parameters import Values, initial_values, parameters

if TYPE_CHECKING:
    from models.networks.architecture import Architecture
    from models.networks.parameters import Parameter

WEIGHTS = "model.safetensors"
FILES = ("config.json", WEIGHTS, "tokenizer.json", "vocab.txt", "tokenizer_config.json")
# The task's own layers: a checkpoint of an encoder has none, so they start fresh.
FRESH = ("classifier.",)
OPTIONAL = ("pooler.",)
KEY = "--edge-pretrained"


def resolve(folder_or_id: str, *, offline: bool) -> Path:
    """Return the local folder of a checkpoint, fetching a hub id where that is allowed.

    Raises:
        UsageMistake: the folder or the id does not exist, or the hub cannot be reached.
    """
    folder = Path(folder_or_id).expanduser()
    if folder.is_dir():
        _require_files(folder)
        return folder.resolve()
    if folder_or_id.startswith((".", "/", "~")) or folder_or_id.count("/") != 1:
        raise UsageMistake(
            f"no folder {folder_or_id!r}", key=KEY, remedy="Give a folder or a hub id (owner/name)"
        )
    return _fetch(folder_or_id, offline=offline)


def _fetch(hub_id: str, *, offline: bool) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, rarely needed
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        folder = Path(
            snapshot_download(hub_id, allow_patterns=list(FILES), local_files_only=offline)
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageMistake(
            f"{hub_id!r} is not in the hub's cache and cannot be fetched ({first})",
            key=KEY,
            remedy="Check the id and the network, or give a local folder",
        ) from None
    _require_files(folder)
    return folder


def _require_files(folder: Path) -> None:
    for name in ("config.json", WEIGHTS):
        if not (folder / name).is_file():
            raise UsageMistake(
                f"holds no {name}",
                file=folder,
                key=KEY,
                remedy="Give a checkpoint in Hugging Face layout with safetensors weights",
            )


def read_values(folder: Path, shape: Architecture, seed: int) -> Values:
    """Read the encoder's parameters; the classifier, and a missing pooler, are drawn from `seed`.

    Raises:
        UsageMistake: a tensor is missing or has another shape; names it and what was expected.
    """
    path = folder / WEIGHTS
    published = _read_tensors(path)
    values = initial_values(shape, seed)
    for parameter in parameters(shape):
        if parameter.name.startswith(FRESH):
            continue
        tensor = published.get(parameter.name)
        if tensor is None and parameter.name.startswith(OPTIONAL):
            continue
        values[parameter.name] = _checked(tensor, parameter, path)
    return values


def _read_tensors(path: Path) -> Values:
    from safetensors import SafetensorError  # noqa: PLC0415 - only where weights are read
    from safetensors.numpy import load_file  # noqa: PLC0415

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UsageMistake(
            f"is not a readable safetensors file ({error})",
            file=path,
            remedy="Download the checkpoint again",
        ) from None
    return {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}


def _checked(tensor: np.ndarray | None, parameter: Parameter, path: Path) -> np.ndarray:  # type: ignore[type-arg] # any dtype, checked here
    if tensor is None:
        raise UsageMistake(
            f"the tensor is missing; expected shape {list(parameter.shape)}",
            file=path,
            key=parameter.name,
            remedy="Give a checkpoint that fits its config.json",
        )
    if tensor.shape != parameter.shape:
        raise UsageMistake(
            f"the tensor has shape {list(tensor.shape)}; expected {list(parameter.shape)}",
            file=path,
            key=parameter.name,
            remedy="Give a checkpoint that fits its config.json",
        )
    if not np.isfinite(tensor).all():
        raise UsageMistake(
            "the tensor holds NaN or infinite values",
            file=path,
            key=parameter.name,
            remedy="Download the checkpoint again",
        )
    return tensor.astype(np.float32)
