"""Find the source files that decide the bytes of a stage's artefact, and hash them.

The files are found by following imports. The entry of a stage is a function or a method of
`models`. The hash covers those parts of the entry's own module that the entry uses, the whole of
every other module that is imported, and the data files that these modules name. Comments,
docstrings and line breaks do not change it.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from models.sources.facts import PACKAGE
from models.sources.kept import KeptFacts, default_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.sources.facts import Facts

ROOT = Path(__file__).parents[2]
DIGITS = 24
# Modules that name, cache or report artefacts, but do not affect their bytes.
_NAMING = ("models.sources", "models.sources.facts", "models.sources.kept")
_AROUND = ("models.errors", "models.progress", "models.store")
# Modules that reject files or pass on their bytes unchanged, so that a stricter limit changes no
# artefact.
_GUARDS = (
    "models.files.archives",
    "models.artefact",
    "models.files.regular_files",
    "models.files.unfinished_files",
)
# Reads the table of encoder families. Only the row of a checkpoint's family affects an artefact,
# and `models.building.plan` adds that row to the keys.
_COUNTED_APART = ("models.encoder_families",)
WITHOUT_EFFECT = frozenset({*_NAMING, *_AROUND, *_GUARDS, *_COUNTED_APART})
# `huggingface_hub` only downloads files, and these are hashed themselves.
PACKAGES_WITHOUT_EFFECT = frozenset({"huggingface_hub"})


@dataclass(frozen=True)
class Sources:
    """The modules and data files that decide the bytes that an entry makes.

    Attributes:
        entry: the code that the entry uses in its own module; "" if the entry is a whole module.
        modules: names of the other modules.
        files: data files that they name, relative to the root.
        packages: import names of the other packages that they need, without the standard library.
    """

    entry: str
    modules: frozenset[str]
    files: frozenset[str]
    packages: frozenset[str]


@cache
def hash_imports(*entries: str, root: Path = ROOT) -> str:
    """Return one hash over all sources that decide the bytes that the entries make.

    Args:
        entries: modules (`models.runner.serving`) or parts (`models.store:Store.get`).
        root: the folder that holds the package `models`.
    """
    package = _package(root)
    digest = hashlib.sha256()
    for entry in entries:
        sources = sources_of(entry, root)
        for name in sorted(sources.modules):
            digest.update(f"{name}\0{package.facts(name).executed}\0".encode())
        for name in sorted(sources.files):
            digest.update(f"{name}\0".encode() + (root / name).read_bytes())
        digest.update("\0".join(filter(None, [entry, sources.entry])).encode())
    package.keep_facts()
    return digest.hexdigest()[:DIGITS]


@cache
def sources_of(entry: str, root: Path = ROOT) -> Sources:
    """Find the sources of an entry by following its imports.

    Args:
        entry: a module (`package.module`), or a part of it (`package.module:part`).
        root: the folder that holds the package `models`.

    Raises:
        ValueError: there is no such module or part.
    """
    package = _package(root)
    entry_needs = package.needed_by(entry)
    is_part = ":" in entry
    waiting = list(entry_needs.modules) if is_part else [entry]
    packages, files = set(entry_needs.packages), set(entry_needs.files)
    modules: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in modules or module in WITHOUT_EFFECT:
            continue
        modules.add(module)
        needed = package.needed_by(module)
        waiting += needed.modules
        files.update(needed.files)
        packages.update(needed.packages)
    return Sources(
        entry=package.facts(entry).executed if is_part else "",
        modules=frozenset(modules),
        files=frozenset(files),
        packages=frozenset(packages - PACKAGES_WITHOUT_EFFECT),
    )


@dataclass(frozen=True)
class _Needed:
    """The names that a module or a part of it needs directly; see `Sources` for the attributes."""

    modules: tuple[str, ...]
    files: tuple[str, ...]
    packages: tuple[str, ...]


class _Package:
    """The modules and the data files of the package `models` below a folder, each read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = frozenset(_files_below(root))
        self._facts: dict[str, Facts] = {}
        self._needed: dict[str, _Needed] = {}
        self._kept = _kept_facts(root)

    def facts(self, entry: str) -> Facts:
        """Return the facts of a module, or of a part of it (`package.module:part`).

        Raises:
            ValueError: there is no such module or part.
        """
        if entry not in self._facts:
            name = entry.partition(":")[0]
            path = self.path_of(name)
            if path is None:
                raise ValueError(f"there is no module {name} below {self._root}")
            within = name if path.endswith("/__init__.py") else name.rpartition(".")[0]
            source = (self._root / path).read_bytes()
            self._facts[entry] = self._kept.of(entry, source, within)
        return self._facts[entry]

    def needed_by(self, entry: str) -> _Needed:
        """Return the modules, files and packages that an entry needs directly.

        Args:
            entry: a module, or a part of it as `package.module:part`.
        """
        if entry not in self._needed:
            name, facts = entry.partition(":")[0], self.facts(entry)
            imported = [
                imported_name for imported_name in facts.imports if self.path_of(imported_name)
            ]
            foreign = {imported_name.partition(".")[0] for imported_name in facts.imports}
            self._needed[entry] = _Needed(
                modules=(*imported, *_packages_around(name)),
                files=self._files_named(name, facts),
                packages=tuple(foreign - {PACKAGE, *sys.stdlib_module_names}),
            )
        return self._needed[entry]

    def keep_facts(self) -> None:
        """Store the facts about modules, so that the next run need not parse them again."""
        self._kept.write()

    def path_of(self, name: str) -> str | None:
        """Return the file of a module, relative to the root; None if it does not exist."""
        place = name.replace(".", "/")
        paths = (f"{place}.py", f"{place}/__init__.py")
        return next((path for path in paths if path in self._files), None)

    def _files_named(self, name: str, facts: Facts) -> tuple[str, ...]:
        """Return the data files of the package that a module names, relative to the root."""
        folder = posixpath.dirname(self.path_of(name) or "")
        bases = (folder, posixpath.dirname(folder), PACKAGE)
        paths = {
            posixpath.normpath(posixpath.join(base, text))
            for text in facts.file_names
            for base in bases
        }
        return tuple(sorted(path for path in paths & self._files if not path.endswith(".py")))


@cache
def _package(root: Path) -> _Package:
    return _Package(root)


@cache
def _kept_facts(root: Path) -> KeptFacts:
    # Facts about a copy of the package are not cached: tests make copies in order to change them.
    return KeptFacts(default_file() if root == ROOT else None)


def _files_below(root: Path) -> Iterator[str]:
    """Yield every file of the package, relative to the root."""
    for folder, folders, files in os.walk(root / PACKAGE):
        folders[:] = [name for name in folders if name != "__pycache__"]
        within = Path(folder).relative_to(root).as_posix()
        yield from (f"{within}/{name}" for name in files)


def _packages_around(name: str) -> list[str]:
    """Return the packages that contain a module; their code is executed before it."""
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]
