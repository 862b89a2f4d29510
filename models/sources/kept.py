"""Store facts of modules between runs, so that a warm run parses no source.

Facts are stored by the hash of a module's source, in one file that has its own hash. If the file
is damaged, or was written by another Python or by other code, all facts are computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.regular_files import read_regular, write_whole
from models.sources.facts import Facts, facts_of
from models.store import default_root

if TYPE_CHECKING:
    from collections.abc import Iterable

# Maximum number of cached entries: enough for five checkouts of this project.
MOST_KEPT = 512
_LARGEST = 4 << 20
_DIGEST = hashlib.sha256().digest_size
# Another version of Python may parse the same source into a different tree.
_CODE = Path(__file__).with_name("facts.py").read_bytes()
_MADE_BY = f"{sys.version}, {hashlib.sha256(_CODE).hexdigest()}"


def default_file() -> Path | None:
    """Return the file of facts, beside the store; None if this user has no folder for it."""
    try:
        return default_root() / "sources.facts"
    except UsageMistake:
        return None


class KeptFacts:
    """A store of facts about modules, which computes those that it does not contain.

    Args:
        path: the file in which they are stored; None to store none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept = _read(path) if path else {}
        self._used: dict[str, Facts] = {}

    def of(self, entry: str, source: bytes, package: str) -> Facts:
        """Return the facts of a module, or of a part of it.

        Args:
            entry: the module (`package.module`), or a part of it (`package.module:part`).
            source: source of the module.
            package: the package that contains the module.

        Raises:
            ValueError: the module does not have the part.
        """
        key = f"{entry} {hashlib.sha256(source).hexdigest()}"
        facts = self._used.get(key) or self._kept.get(key)
        if facts is None:
            facts = facts_of(source, package=package, part=entry.partition(":")[2])
        self._used[key] = facts
        return facts

    def write(self) -> None:
        """Store the computed facts, and as many older facts as fit."""
        if self._path is None or self._used.keys() <= self._kept.keys():
            return
        unused = [entry for entry in self._kept.items() if entry[0] not in self._used]
        entries = dict([*unused, *self._used.items()][-MOST_KEPT:])
        text = json.dumps([_MADE_BY, {key: vars(facts) for key, facts in entries.items()}]).encode()
        # If the file cannot be written, the next run computes the facts again.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with write_whole(self._path) as file:
                file.write(hashlib.sha256(text).digest() + text)
        self._kept = entries


def _read(path: Path) -> dict[str, Facts]:
    """Return the stored facts; {} if the file is missing, damaged or made by other code."""
    try:
        data = read_regular(path, _LARGEST)
    except OSError:
        return {}
    digest, text = data[:_DIGEST], data[_DIGEST:]
    if hashlib.sha256(text).digest() != digest:
        return {}
    made_by, stored = json.loads(text)
    if made_by != _MADE_BY:
        return {}
    return {
        key: Facts(facts["executed"], _texts(facts["imports"]), _texts(facts["file_names"]))
        for key, facts in stored.items()
    }


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)
