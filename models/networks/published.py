"""Find published checkpoints in a folder or on the hub, and read their weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.networks import hub, safetensors_file, shards, tf1, tflite_file, torch_bin
from models.networks.config import GOOGLE, HUGGING_FACE, config_path
from models.networks.parameters import Values, draw, parameters
from models.networks.tensors import checked, missing
from models.tokenizers.checkpoint_files import FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from models.networks.architecture import Architecture
    from models.networks.tensors import Tensors

KEY = "--edge-pretrained"
SAFETENSORS = "model.safetensors"
TORCH = "pytorch_model.bin"
SHARDED = tuple(f"{name}{shards.SUFFIX}" for name in (SAFETENSORS, TORCH))
FLATBUFFER = "*.tflite"
# Name patterns of files that hold parameters by name, with the reader of each.
READERS: dict[str, Callable[[Path, Collection[str]], Tensors]] = {
    SAFETENSORS: safetensors_file.read,
    SHARDED[0]: shards.read,
    TORCH: torch_bin.read,
    SHARDED[1]: shards.read,
    f"*{tf1.INDEX}": tf1.read,
}
# Name patterns of files with weights. The first one that a folder contains is read. FlatBuffers are
# last, because they have no names of parameters.
SOURCES = (*READERS, FLATBUFFER)
# Layers for the task. A checkpoint of an encoder lacks them, so they are initialized randomly.
FRESH = ("classifier.",)
OPTIONAL = ("pooler.",)


def resolve(folder_or_id: str, *, offline: bool) -> Path:
    """Return the local folder of a checkpoint, fetching a hub id if that is allowed.

    Raises:
        UsageMistake: the folder or the id does not exist, or the hub cannot be reached.
    """
    folder = Path(folder_or_id).expanduser()
    if folder.is_dir():
        _require_files(folder)
        return folder.resolve()
    if not _is_hub_id(folder_or_id):
        raise UsageMistake(
            f"there is no folder {folder_or_id!r}",
            key=KEY,
            remedy="Give a folder or a hub id (owner/name)",
        )
    fetched = _fetch(folder_or_id, offline=offline)
    _require_files(fetched)
    return fetched


def resolve_config(folder_or_id: str, *, offline: bool) -> Path:
    """Return a local folder that holds a checkpoint's config, with or without its weights.

    Raises:
        UsageMistake: the folder or the id does not exist, or the hub cannot be reached.
    """
    folder = Path(folder_or_id).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if not _is_hub_id(folder_or_id):
        return resolve(folder_or_id, offline=offline)
    return hub.fetch(folder_or_id, [HUGGING_FACE], key=KEY, offline=offline)


def members(folder: Path) -> list[Path]:
    """Return the files that decide the token ids and the weights of a checkpoint, sorted."""
    pattern, weights = find_weights(folder)
    tokenizer = (folder / name for name in FILES)
    present = (path for path in tokenizer if path.is_file())
    return sorted([config_path(folder), weights, *_beside(pattern, weights), *present])


def _beside(pattern: str, weights: Path) -> Iterable[Path]:
    """Return the files of values that `weights` lists, if it is an index; otherwise none."""
    if pattern in SHARDED:
        return shards.shards_of(weights)
    is_index = weights.suffix == tf1.INDEX
    return weights.parent.glob(f"{weights.stem}.data-*") if is_index else ()


def read_values(folder: Path, shape: Architecture, seed: int) -> Values:
    """Read the encoder's parameters; draw the classifier, and a missing pooler, from `seed`.

    Raises:
        UsageMistake: a tensor is missing or has another shape; the message names the tensor and
            the expected shape.
    """
    pattern, path = find_weights(folder)
    expected = {p.name: p for p in parameters(shape) if not p.name.startswith(FRESH)}
    if pattern == FLATBUFFER:
        tensors = tflite_file.read(path, expected, shape)
    else:
        tensors = READERS[pattern](path, expected)
    for name, parameter in expected.items():
        if name not in tensors and not name.startswith(OPTIONAL):
            raise missing(parameter, path)
    values = {name: checked(tensor, expected[name], path) for name, tensor in tensors.items()}
    fresh = [parameter for parameter in parameters(shape) if parameter.name not in values]
    return values | draw(fresh, shape.initializer_range, seed)


def read_tensors(folder: Path, name_of: Callable[[str], str]) -> Tensors:
    """Return every tensor of a checkpoint in PyTorch's layout, named by `name_of`.

    Raises:
        UsageMistake: the folder has no weights in this layout, or they cannot be read.
    """
    pattern, path = find_weights(folder)
    if pattern in SHARDED:
        return shards.read(path, None, name_of=name_of)
    if pattern == TORCH:
        return torch_bin.read(path, None, name_of=name_of)
    return safetensors_file.read(path, None, name_of=name_of)


def require_room(folder: Path, shape: Architecture, *, vocabulary: int, tokens: int) -> None:
    """Check that the network has a row for every id and every position.

    Raises:
        UsageMistake: the network has too few rows; the message names the config and the key.
    """
    config = config_path(folder)
    needs = {
        "vocab_size": (vocabulary, shape.vocabulary, "the tokenizer gives ids below"),
        "max_position_embeddings": (tokens, shape.positions, "tokenizer.max_tokens is"),
    }
    for key, (needed, available, reason) in needs.items():
        if needed > available:
            raise UsageMistake(
                f"is {available}, but {reason} {needed}",
                file=config,
                key=key,
                remedy="Give a checkpoint that fits, with its own tokenizer",
            )


def find_weights(folder: Path) -> tuple[str, Path]:
    """Return the entry of `SOURCES` that matches the folder's weights, and their path.

    Raises:
        UsageMistake: the folder has no weights, or several files of one kind.
    """
    for pattern in SOURCES:
        files = sorted(folder.glob(pattern))
        if len(files) > 1:
            raise UsageMistake(
                f"holds several files with weights: {', '.join(path.name for path in files)}",
                file=folder,
                key=KEY,
                remedy="Keep only one of these files in the folder",
            )
        if files:
            return pattern, files[0]
    raise UsageMistake(
        f"the folder holds no weights: none of {', '.join(SOURCES)}",
        file=folder,
        key=KEY,
        remedy="Give the complete folder of a published checkpoint",
    )


def _require_files(folder: Path) -> None:
    if not config_path(folder).is_file():
        raise UsageMistake(
            f"the folder holds neither {HUGGING_FACE} nor {GOOGLE}",
            file=folder,
            key=KEY,
            remedy="Give the complete folder of a published checkpoint",
        )
    find_weights(folder)


def _is_hub_id(text: str) -> bool:
    return not text.startswith((".", "/", "~")) and text.count("/") == 1


def _fetch(hub_id: str, *, offline: bool) -> Path:
    """Fetch a checkpoint from the hub; fetch its `.bin` files only if it has no safetensors."""
    patterns = [HUGGING_FACE, *FILES, SAFETENSORS, SHARDED[0], "model-*.safetensors"]
    folder = hub.fetch(hub_id, patterns, key=KEY, offline=offline)
    if any((folder / name).is_file() for name in (SAFETENSORS, SHARDED[0])):
        return folder
    patterns += [TORCH, SHARDED[1], "pytorch_model-*.bin"]
    return hub.fetch(hub_id, patterns, key=KEY, offline=offline)
