"""Read weights from several files and the JSON index that names the file of each tensor."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.json_documents import parse_json
from models.files.regular_files import read_text
from models.networks import safetensors_file, torch_bin
from models.networks.names import from_hugging_face

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from models.networks.tensors import Tensors

SUFFIX = ".index.json"
# Largest index in bytes; ten thousand tensors need a megabyte.
_LARGEST_INDEX = 1 << 24
_MOST_SHARDS = 1000
_REMEDY = "Give the complete folder of a published checkpoint"


def shards_of(index: Path) -> list[Path]:
    """Return the files that an index names, sorted.

    Args:
        index: `model.safetensors.index.json` or `pytorch_model.bin.index.json`.

    Raises:
        UsageMistake: the index cannot be read, or names a file that is not beside it.
    """
    names = sorted(set(_weight_map(index).values()))
    if not 1 <= len(names) <= _MOST_SHARDS:
        problem = f"names {len(names):,} files, but only 1 to {_MOST_SHARDS:,} are read"
        raise UsageMistake(problem, file=index, key="weight_map", remedy=_REMEDY)
    for name in names:
        is_file_name = (
            PurePosixPath(name).name == name and name not in {".", ".."} and "\0" not in name
        )
        if not is_file_name or not (index.parent / name).is_file():
            raise UsageMistake(
                f"{name[:100]!r} is not a file in the same folder as the index",
                file=index,
                key="weight_map",
                remedy=_REMEDY,
            )
    return [index.parent / name for name in names]


def read(
    index: Path,
    chosen: Collection[str] | None,
    *,
    name_of: Callable[[str], str] = from_hugging_face,
) -> Tensors:
    """Return the chosen tensors of the files that an index names; leave out missing tensors.

    Args:
        index: the index.
        chosen: edgeproof's names of the tensors to read; None reads every tensor.
        name_of: returns edgeproof's name for a name in the files.

    Raises:
        UsageMistake: the index or a file cannot be read.
    """
    tensors: Tensors = {}
    for shard in shards_of(index):
        reader = safetensors_file if shard.suffix == ".safetensors" else torch_bin
        tensors |= reader.read(shard, chosen, name_of=name_of)
    return tensors


def _weight_map(index: Path) -> dict[str, str]:
    try:
        weight_map = parse_json(read_text(index, _LARGEST_INDEX))["weight_map"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = "lacks `weight_map`" if isinstance(error, KeyError | TypeError) else str(error)
        raise UsageMistake(f"cannot be read ({problem})", file=index, remedy=_REMEDY) from None
    if not isinstance(weight_map, dict) or any(
        not isinstance(name, str) for name in weight_map.values()
    ):
        raise UsageMistake(
            "does not map each tensor to a file", file=index, key="weight_map", remedy=_REMEDY
        )
    return weight_map
