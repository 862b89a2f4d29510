"""Which sources decide what a stage makes: found by following its imports, and hashed.

A stage's entry is a function, or a method, of `models`; of its own module what it calls counts, of
every other module the whole, with the data files that the module names. A comment, a docstring or
another line break changes no hash.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[1]
PACKAGE = "models"
DIGITS = 24
# These name, keep and report what is made, and decide none of its bytes.
_AROUND = ("models.errors", "models.progress", "models.sources", "models.store")
# These refuse a file, or hand its bytes on as they are: a stricter limit makes nothing anew.
_GUARDS = ("models.archives", "models.artefact", "models.drafts", "models.files")
WITHOUT_EFFECT = frozenset({*_AROUND, *_GUARDS})
# It fetches files that are hashed themselves.
PACKAGES_WITHOUT_EFFECT = frozenset({"huggingface_hub"})

_FILE_NAME = re.compile(r"[\w-][\w./-]*\.\w+")
_IN_PACKAGE = re.compile(rf"{PACKAGE}(\.\w+)+")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (ast.Module, ast.ClassDef, *_FUNCTIONS)
_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Sources:
    """The modules and data files that decide what an entry makes.

    Attributes:
        entry: the code of the entry's own module that it reaches, without docstrings.
        modules: names of the other modules.
        files: data files that they name, from the root on.
        packages: import names of what else they need, the standard library left out.
    """

    entry: tuple[str, ...]
    modules: frozenset[str]
    files: frozenset[str]
    packages: frozenset[str]


@cache
def hash_imports(*entries: str, root: Path = ROOT) -> str:
    """Return one hash over all that decides what entries make.

    Args:
        entries: modules (`models.runtime.runner`) or parts of one (`models.stages:Builder.build`).
        root: the folder that holds the package `models`.
    """
    digest = hashlib.sha256()
    for entry in entries:
        found = sources_of(entry, root)
        for name in sorted(found.modules):
            digest.update(f"{name}\0{_Module.read(name, root).digest}\0".encode())
        for name in sorted(found.files):
            digest.update(f"{name}\0".encode() + (root / name).read_bytes())
        digest.update("\0".join((entry, *found.entry)).encode())
    return digest.hexdigest()[:DIGITS]


@cache
def sources_of(entry: str, root: Path = ROOT) -> Sources:
    """Follow the imports of an entry.

    Args:
        entry: a module, or a part of one after a colon.
        root: the folder that holds the package `models`.

    Raises:
        ValueError: there is no such module or part.
    """
    name, _, part = entry.partition(":")
    own = _Module.read(name, root)
    reached = own.reach(part) if part else []
    used = own.used_by(reached)
    waiting = [*own.packages, *used.modules] if part else [name]
    packages = set(used.packages)
    files = set(own.files_in(reached))
    modules: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in modules or module in WITHOUT_EFFECT:
            continue
        modules.add(module)
        source = _Module.read(module, root)
        waiting += source.imports.modules + source.packages
        packages |= set(source.imports.packages)
        files |= set(source.files)
    return Sources(
        entry=tuple(ast.dump(statement) for statement in reached),
        modules=frozenset(modules),
        files=frozenset(files),
        packages=frozenset(packages - PACKAGES_WITHOUT_EFFECT),
    )


@dataclass(frozen=True)
class _Used:
    """What statements import: modules of this project, and packages of others."""

    modules: list[str]
    packages: list[str]


class _Module:
    """One module's syntax tree, without docstrings and without what only type checkers see."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self._root = name, root
        path = _path_of(name, root)
        if path is None:
            raise ValueError(f"{name} is no module below {root}")
        self._path = path
        self._tree = ast.parse(path.read_bytes())
        _keep_executed(self._tree)
        self._nodes = list(ast.walk(self._tree))

    @staticmethod
    def read(name: str, root: Path) -> _Module:
        """Return a module, read once."""
        if (name, root) not in _READ:
            _READ[name, root] = _Module(name, root)
        return _READ[name, root]

    @cached_property
    def digest(self) -> str:
        """The hash of all that is executed."""
        return hashlib.sha256(ast.dump(self._tree).encode()).hexdigest()

    @property
    def packages(self) -> list[str]:
        """The packages it lies in, whose own code is executed before it."""
        parts = self.name.split(".")
        return [".".join(parts[:depth]) for depth in range(1, len(parts))]

    @cached_property
    def imports(self) -> _Used:
        """What it needs, wherever in it that is imported."""
        return self._used([name for node in self._nodes for name in self._named_in(node)])

    @cached_property
    def files(self) -> list[str]:
        """Data files of the project that it names, from the root on."""
        return self._files(self._nodes)

    def files_in(self, statements: Iterable[ast.AST]) -> list[str]:
        """Return the data files of the project that statements name, from the root on."""
        return self._files([node for statement in statements for node in ast.walk(statement)])

    def used_by(self, statements: Iterable[ast.AST]) -> _Used:
        """Return what statements import, or use by a name that this module imported."""
        nodes = [node for statement in statements for node in ast.walk(statement)]
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        found = [name for node in nodes for name in self._named_in(node)]
        for statement in self._nodes:
            if isinstance(statement, _IMPORTS):
                for alias in statement.names:
                    if (alias.asname or alias.name.partition(".")[0]) in names:
                        found += self._resolve(statement, alias)
        return self._used(found)

    def _files(self, nodes: Iterable[ast.AST]) -> list[str]:
        bases = (self._path.parent, self._path.parent.parent, self._root / PACKAGE)
        named = {text for text in map(_text, nodes) if text and _FILE_NAME.fullmatch(text)}
        found = {Path(os.path.normpath(base / text)) for text in named for base in bases}
        inside = self._root / PACKAGE
        return sorted(
            path.relative_to(self._root).as_posix()
            for path in found
            if path.suffix != ".py" and path.is_relative_to(inside) and path.is_file()
        )

    def _used(self, found: list[str]) -> _Used:
        own = {name for name in found if name.split(".")[0] == PACKAGE}
        others = {name.split(".")[0] for name in found} - {PACKAGE, *sys.stdlib_module_names}
        return _Used([name for name in sorted(own) if _path_of(name, self._root)], sorted(others))

    def _named_in(self, node: ast.AST) -> list[str]:
        if isinstance(node, _IMPORTS):
            return [name for alias in node.names for name in self._resolve(node, alias)]
        # A process of its own: python -m models.NAME.
        text = _text(node)
        return [text] if text and _IN_PACKAGE.fullmatch(text) else []

    def _resolve(self, statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> list[str]:
        """Return the names of the modules that an import may mean."""
        if isinstance(statement, ast.Import):
            return [alias.name]
        above = self.name.split(".")[: -statement.level] if statement.level else []
        base = ".".join([*above, *filter(None, [statement.module])])
        return [base, f"{base}.{alias.name}"]

    def reach(self, part: str) -> list[ast.stmt]:
        """Return the definitions and constants of this module that a part of it uses, in order.

        Args:
            part: a function, a class, or a method after a dot.

        Raises:
            ValueError: there is none of this name.
        """
        known = _definitions(self._tree)
        if part not in known:
            raise ValueError(f"{self.name} holds no {part}")
        owner = part.rpartition(".")[0]
        reached: set[str] = set()
        waiting = [part]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            for node in ast.walk(known[name]):
                if isinstance(node, ast.Name):
                    waiting += [node.id] if node.id in known else []
                elif isinstance(node, ast.Attribute) and f"{owner}.{node.attr}" in known:
                    waiting.append(f"{owner}.{node.attr}")
        return [known[name] for name in sorted(reached)]


_READ: dict[tuple[str, Path], _Module] = {}


def _keep_executed(node: ast.AST) -> None:
    """Remove what is not executed: docstrings, and blocks that only type checkers see."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        body = getattr(node, field, None)
        if not isinstance(body, list):
            continue
        if field == "body" and isinstance(node, _DOCUMENTED) and body and _is_text(body[0]):
            del body[0]
        for statement in list(body):
            if isinstance(statement, ast.If) and _for_type_checkers(statement):
                at = body.index(statement)
                body[at : at + 1] = statement.orelse
            _keep_executed(statement)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and _text(statement.value) is not None


def _for_type_checkers(statement: ast.If) -> bool:
    return isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"


def _definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return functions, methods, classes and constants of a module by name."""
    found: dict[str, ast.stmt] = {}
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            methods = {m.name: m for m in statement.body if isinstance(m, _FUNCTIONS)}
            found |= {f"{statement.name}.{name}": method for name, method in methods.items()}
        if isinstance(statement, _Definition):
            found[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            found |= dict.fromkeys(_assigned(statement), statement)
    return found


def _assigned(statement: ast.Assign | ast.AnnAssign) -> list[str]:
    return [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _path_of(name: str, root: Path) -> Path | None:
    """Return the file of a module; None where there is none."""
    place = root.joinpath(*name.split("."))
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None
