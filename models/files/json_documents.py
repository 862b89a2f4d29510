"""Read JSON from outside, and raise every error as `ValueError` or `UsageMistake`."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from models.errors import UsageMistake
from models.files.regular_files import LARGEST_TABLE, read_text

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


class DoubledKeyError(ValueError):
    """An object in a JSON document has the same key twice."""


def parse_json(text: str | bytes) -> Any:
    """Read a JSON document in which no object names a key twice.

    Python would use the last of two values of one key, and raises other errors for deep nesting and
    long numbers. Such documents are mistakes of their authors.

    Raises:
        ValueError: the text is not JSON, names a key twice, is nested too deeply, or holds NaN, an
            infinity or a number with thousands of digits. The message names the problem and, if
            possible, the place.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


def read_json_table(file: Path, kind: type[T], *, remedy: str) -> T:
    """Read a small JSON file, and convert its document into a type.

    Args:
        file: the file, of at most `LARGEST_TABLE` bytes.
        kind: the type of its document.
        remedy: the remedy in messages.

    Raises:
        UsageMistake: the file cannot be read, is not JSON, or a key is missing or has a wrong type.
    """
    try:
        return msgspec.convert(parse_json(read_text(file, LARGEST_TABLE)), kind)
    except msgspec.ValidationError as error:
        problem, place = problem_and_place(error)
        raise UsageMistake(problem, file=file, key=place or None, remedy=remedy) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageMistake(f"cannot be read as JSON ({error})", file=file, remedy=remedy) from None


def problem_and_place(error: Exception) -> tuple[str, str]:
    """Split msgspec's message about a document into the problem and the place.

    Args:
        error: an error of `msgspec.convert`.

    Returns:
        The problem, and its place, such as `candidates[0].name`; "" for the whole document.
    """
    problem, _, place = str(error).partition(" - at `$")
    return problem, place.strip("`").lstrip(".")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        repeated = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise DoubledKeyError(f"an object has the key {repeated!r} twice")
    return document


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
