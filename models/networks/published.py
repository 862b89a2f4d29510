"""Published checkpoints: finding one in a folder or on the hub, and reading its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.networks import safetensors_file, tf1, tflite_file, torch_bin
from models.networks.config import GOOGLE, HUGGING_FACE, config_path
from models.networks.parameters import Values, draw, parameters
from models.networks.tensors import checked, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from models.networks.architecture import Architecture
    from models.networks.tensors import Tensors

KEY = "--edge-pretrained"
TOKENIZER = ("tokenizer.json", "vocab.txt", "tokenizer_config.json")
SAFETENSORS = "model.safetensors"
TORCH = "pytorch_model.bin"
FLATBUFFER = "*.tflite"
# What holds parameters by name, and what reads it.
READERS: dict[str, Callable[[Path, Collection[str]], Tensors]] = {
    SAFETENSORS: safetensors_file.read,
    TORCH: torch_bin.read,
    f"*{tf1.INDEX}": tf1.read,
}
# The first of these that a folder has is read; a FlatBuffer has lost the names.
SOURCES = (*READERS, FLATBUFFER)
# The task's own layers: a checkpoint of an encoder has none, so they start fresh.
FRESH = ("classifier.",)
OPTIONAL = ("pooler.",)


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


def members(folder: Path) -> list[Path]:
    """Return the files that decide what a checkpoint gives: config, tokenizer, weights."""
    _, weights = _weights(folder)
    # A TensorFlow checkpoint's values lie in shards beside its index.
    beside = folder.glob(f"{weights.stem}.data-*") if weights.suffix == tf1.INDEX else ()
    tokenizer = (folder / name for name in TOKENIZER)
    present = (path for path in tokenizer if path.is_file())
    return sorted([config_path(folder), weights, *beside, *present])


def read_values(folder: Path, shape: Architecture, seed: int) -> Values:
    """Read the encoder's parameters; the classifier, and a missing pooler, are drawn from `seed`.

    Raises:
        UsageMistake: a tensor is missing or has another shape; names it and what was expected.
    """
    pattern, path = _weights(folder)
    wanted = {p.name: p for p in parameters(shape) if not p.name.startswith(FRESH)}
    if pattern == FLATBUFFER:
        tensors = tflite_file.read(path, wanted, shape)
    else:
        tensors = READERS[pattern](path, wanted)
    for name, parameter in wanted.items():
        if name not in tensors and not name.startswith(OPTIONAL):
            raise missing(parameter, path)
    values = {name: checked(tensor, wanted[name], path) for name, tensor in tensors.items()}
    fresh = [parameter for parameter in parameters(shape) if parameter.name not in values]
    return values | draw(fresh, shape.initializer_range, seed)


def require_room(folder: Path, shape: Architecture, *, vocabulary: int, tokens: int) -> None:
    """Check that the network knows every id and every position it will be given.

    Raises:
        UsageMistake: it does not; names the config and the key.
    """
    config = config_path(folder)
    needs = {
        "vocab_size": (vocabulary, shape.vocabulary, "the tokenizer gives ids below"),
        "max_position_embeddings": (tokens, shape.positions, "tokenizer.max_tokens is"),
    }
    for key, (needed, there, what) in needs.items():
        if needed > there:
            raise UsageMistake(
                f"is {there}, but {what} {needed}",
                file=config,
                key=key,
                remedy="Give a checkpoint that fits, with its own tokenizer",
            )


def _weights(folder: Path) -> tuple[str, Path]:
    """Return which source's pattern the folder's weights match, and their path."""
    for pattern in SOURCES:
        found = sorted(folder.glob(pattern))
        if len(found) > 1:
            raise UsageMistake(
                f"holds several: {', '.join(path.name for path in found)}",
                file=folder,
                key=KEY,
                remedy="Leave one of them there",
            )
        if found:
            return pattern, found[0]
    raise UsageMistake(
        f"holds no weights: none of {', '.join(SOURCES)}",
        file=folder,
        key=KEY,
        remedy="Give a published checkpoint's folder, whole",
    )


def _require_files(folder: Path) -> None:
    if not config_path(folder).is_file():
        raise UsageMistake(
            f"holds no {HUGGING_FACE}, nor {GOOGLE}",
            file=folder,
            key=KEY,
            remedy="Give a published checkpoint's folder, whole",
        )
    _weights(folder)


def _fetch(hub_id: str, *, offline: bool) -> Path:
    """Fetch a checkpoint from the hub, its `.bin` only where it has no safetensors."""
    wanted = [HUGGING_FACE, *TOKENIZER, SAFETENSORS]
    folder = _snapshot(hub_id, wanted, offline=offline)
    if not (folder / SAFETENSORS).is_file():
        folder = _snapshot(hub_id, [*wanted, TORCH], offline=offline)
    _require_files(folder)
    return folder


def _snapshot(hub_id: str, wanted: list[str], *, offline: bool) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, rarely needed
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(hub_id, allow_patterns=wanted, local_files_only=offline))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageMistake(
            f"{hub_id!r} is not in the hub's cache and cannot be fetched ({first})",
            key=KEY,
            remedy="Check the id and the network, or give a local folder",
        ) from None
