"""Find the facts that decide the effect of a module: imports, named files, executed code.

Comments, docstrings and line breaks do not change these facts.
"""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGE = "models"

_FILE_NAME = re.compile(r"[\w-][\w./-]*\.\w+")
_IN_PACKAGE = re.compile(rf"{PACKAGE}(\.\w+)+")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (ast.Module, ast.ClassDef, *_FUNCTIONS)
_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Facts:
    """The facts that decide the effect of a module, or of a part of it.

    Attributes:
        executed: the syntax tree of the executed code: as text for a part of a module, and as its
            sha256 for a whole module.
        imports: absolute names of the modules, and of the objects in modules, that it may import.
        file_names: texts that may name a data file, relative to an unknown folder.
    """

    executed: str
    imports: tuple[str, ...]
    file_names: tuple[str, ...]


def facts_of(source: bytes, *, package: str, part: str = "") -> Facts:
    """Return the facts of a module, or of a part of it and all definitions that the part uses.

    Args:
        source: source of the module.
        package: the package that contains the module; for a package, the package itself.
        part: a function, a class, or CLASS.METHOD; "" for the whole module.

    Raises:
        ValueError: the module does not have the part.
    """
    tree = ast.parse(source)
    _keep_executed(tree)
    if not part:
        nodes = list(ast.walk(tree))
        executed = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
        return _facts(executed, nodes, _imported_by(nodes, package))
    reached = _reach(tree, part)
    nodes = [node for statement in reached for node in ast.walk(statement)]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    by_name = [
        name
        for statement in ast.walk(tree)
        if isinstance(statement, _IMPORTS)
        for alias in statement.names
        if (alias.asname or alias.name.partition(".")[0]) in used
        for name in _imported_names(statement, alias, package)
    ]
    executed = "\0".join(ast.dump(statement) for statement in reached)
    return _facts(executed, nodes, [*_imported_by(nodes, package), *by_name])


def _facts(executed: str, nodes: Iterable[ast.AST], imports: Iterable[str]) -> Facts:
    texts = {text for text in map(_text, nodes) if text and _FILE_NAME.fullmatch(text)}
    return Facts(
        executed=executed,
        imports=tuple(sorted(set(imports))),
        file_names=tuple(sorted(texts)),
    )


def _imported_by(nodes: Iterable[ast.AST], package: str) -> list[str]:
    names = []
    for node in nodes:
        if isinstance(node, _IMPORTS):
            names += [
                name for alias in node.names for name in _imported_names(node, alias, package)
            ]
        elif (text := _text(node)) and _IN_PACKAGE.fullmatch(text):
            # A module that is started as a process: python -m models.NAME.
            names.append(text)
    return names


def _imported_names(
    statement: ast.Import | ast.ImportFrom, alias: ast.alias, package: str
) -> tuple[str, ...]:
    """Return the absolute names of the modules or objects that an import may refer to."""
    if isinstance(statement, ast.Import):
        return (alias.name,)
    parts = package.split(".")
    above = parts[: len(parts) + 1 - statement.level] if statement.level else []
    base = ".".join([*above, *filter(None, [statement.module])])
    return base, f"{base}.{alias.name}"


def _reach(tree: ast.Module, part: str) -> list[ast.stmt]:
    """Return the statements that define a part of a module and all that it uses, sorted by name.

    Raises:
        ValueError: there is no such part.
    """
    definitions = _definitions(tree)
    if part not in definitions:
        raise ValueError(f"the module holds no {part}")
    owner = part.rpartition(".")[0]
    reached: set[str] = set()
    waiting = [part]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        for node in ast.walk(definitions[name]):
            if isinstance(node, ast.Name):
                waiting += [node.id] if node.id in definitions else []
            elif isinstance(node, ast.Attribute) and f"{owner}.{node.attr}" in definitions:
                waiting.append(f"{owner}.{node.attr}")
    return [definitions[name] for name in sorted(reached)]


def _definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return functions, methods, classes and constants of a module by name."""
    definitions: dict[str, ast.stmt] = {}
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            methods = {m.name: m for m in statement.body if isinstance(m, _FUNCTIONS)}
            definitions |= {f"{statement.name}.{name}": method for name, method in methods.items()}
        if isinstance(statement, _Definition):
            definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            definitions |= dict.fromkeys(_assigned(statement), statement)
    return definitions


def _assigned(statement: ast.Assign | ast.AnnAssign) -> list[str]:
    return [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def _keep_executed(node: ast.AST) -> None:
    """Remove code that is not executed: docstrings, and blocks for type checkers."""
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


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
