"""Read TOML into typed, frozen values, with errors that name the file and the key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

import msgspec

from models.errors import UsageMistake
from models.files.json_documents import problem_and_place
from models.files.regular_files import LARGEST_TABLE, read_text, remedy_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

T = TypeVar("T")

# Maximum number of parts of a dotted key. Tables of edgeproof have four levels, and tomllib needs
# time quadratic in the depth.
_DEEPEST = 32
_PART = r"""(?:[\w-]++|"(?:\\.|[^"\\\n])*+"|'[^'\n]*+')"""
_DEEP_KEY = re.compile(rf"""(?<![\w"'.\\-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_DEEPEST}}}""")

# Marks of each kind of file: a key that only this kind has, a description, and the option or
# command that accepts it.
_MARKS = {
    "candidates": ("declares candidates", "--edge-subject of python -m pytest"),
    "full": ("describes a subject that is built", "--edge-subject"),
    "failures": ("lists known failures", "--edge-known-failures"),
    "sustained": ("is a device profile", "--edge-device"),
}

# Root of the checkout, which contains the tables that ship with edgeproof.
ROOT = Path(__file__).parents[2]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table whose unknown keys are errors."""


def shown_path(path: Path) -> str:
    """Return a file's path for messages, relative to the checkout's root if it is inside."""
    full = path.resolve()
    return str(full.relative_to(ROOT)) if full.is_relative_to(ROOT) else str(path)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UsageMistake: the file is missing, unreadable or not TOML, or repeats a table or key.
    """
    try:
        # Some editors write a byte order mark at the start.
        return _parsed(read_text(path, LARGEST_TABLE).removeprefix("\ufeff"))
    except FileNotFoundError:
        raise UsageMistake("no such file", file=path, remedy="Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise UsageMistake(
            f"cannot be read ({problem})",
            file=path,
            remedy=remedy_for(error, "Make the file readable, and save it as UTF-8"),
        ) from None
    except (ValueError, RecursionError) as error:
        # Numbers with thousands of digits raise a plain ValueError, and deeply nested tables
        # RecursionError.
        raise UsageMistake(
            f"is not valid TOML ({error})",
            file=path,
            remedy="Correct the line that this message names",
        ) from None


def _parsed(text: str) -> dict[str, Any]:
    deep = _DEEP_KEY.search(text)
    if deep:
        line = text.count("\n", 0, deep.start()) + 1
        raise ValueError(f"line {line}: a key of more than {_DEEPEST} parts")
    return tomllib.loads(text)


def typed(data: object, kind: type[T], path: Path) -> T:
    """Convert the content of a TOML file to `kind`; unknown, missing and mistyped keys are errors.

    Raises:
        UsageMistake: a key is unknown, missing or has a wrong type; the message names it.
    """
    try:
        return msgspec.convert(data, type=kind, strict=True)
    except RecursionError:
        raise UsageMistake(
            "is nested too deeply", file=path, remedy="Write the tables side by side instead"
        ) from None
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        problem, place = problem_and_place(error)
        remedy = "Correct this key"
        if "unknown field" in problem:
            remedy = f"Remove it, or write one of {', '.join(_keys_at(kind, place))}"
        raise UsageMistake(problem, file=path, key=place or "top level", remedy=remedy) from None


def _keys_at(kind: Any, place: str) -> list[str]:
    """Return the possible keys of the table at a place such as `candidates[0].output`."""
    tables = list(_tables_in(kind))
    for name in re.findall(r"\w+", re.sub(r"\[[^]]*\]", "", place)):
        hints = [get_type_hints(table).get(name) for table in tables]
        tables = [table for hint in hints for table in _tables_in(hint)]
    return sorted({key for table in tables for key in table.__struct_encode_fields__})


def _tables_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield the types of TOML tables that occur in a type hint, at any depth."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in get_args(kind):
        yield from _tables_in(part)


def read_table(path: Path, kind: type[T]) -> T:
    """Read a TOML file, and convert its content to `kind`.

    Raises:
        UsageMistake: see `read_toml` and `typed`; or the file is of another kind.
    """
    data = read_toml(path)
    refuse_another_kind(data, _keys_at(kind, ""), path)
    return typed(data, kind, path)


def refuse_another_kind(data: dict[str, Any], keys: Collection[str], path: Path) -> None:
    """Reject a file that belongs to another option.

    Args:
        data: the content of the file.
        keys: the keys that are expected at its top level.
        path: the file.

    Raises:
        UsageMistake: the file holds a key that identifies another kind of file.
    """
    for key in _MARKS.keys() & data.keys() - set(keys):
        description, accepted_by = _MARKS[key]
        raise UsageMistake(
            f"{description}, so it is not the kind of file that is needed here",
            file=path,
            key=key,
            remedy=f"Give a file of the right kind; this one is for {accepted_by}",
        )
