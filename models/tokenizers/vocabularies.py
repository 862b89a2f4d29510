"""Word lists as people keep them: from word to number.

Formats: one word a line, numbered from 0; `word number` or `word<TAB>number` on each line;
`word,number` as CSV; a JSON object of numbers by word, or a JSON list; the JSON of Keras'
`Tokenizer.to_json`, whose settings `read_keras_json` returns as well.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.files import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

# A word list of a phone's classifier has thousands of words; a hundred times that is no word list.
LARGEST_FILE = 64_000_000
LARGEST_NUMBER = 10_000_000

Pairs = list[tuple[str, Any]]


def read_vocabulary(file: Path) -> dict[str, int]:
    """Read a word list in any of the formats.

    Raises:
        UsageMistake: the file cannot be read, holds no word, a word twice, or two words of one
            number.
    """
    text = read_text(file)
    if _is_json(text, file):
        return _checked(_json_pairs(text, file), file)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    lines = [line.removesuffix("\r") for line in lines]
    for split in (_by_comma, _by_blank):
        pairs = split(lines)
        if pairs is not None:
            return _checked(pairs, file)
    return _checked([(line, at) for at, line in enumerate(lines)], file)


def read_keras_json(file: Path) -> tuple[dict[str, int], dict[str, Any]]:
    """Read what Keras' `Tokenizer.to_json` wrote: its word numbers and its settings.

    Raises:
        UsageMistake: the file is something else.
    """
    document = load_json(read_text(file), file)
    config = document.get("config") if isinstance(document, dict) else None
    words = config.get("word_index") if isinstance(config, dict) else None
    if not isinstance(config, dict) or words is None:
        raise UsageMistake(
            "is not the JSON of a Keras Tokenizer: it holds no config.word_index",
            file=file,
            key="config.word_index",
            remedy="Write it with Tokenizer.to_json(), or give a word list as words:FILE",
        )
    # Keras writes the table as a string of JSON inside the JSON.
    table = load_json(words, file) if isinstance(words, str) else words
    if not isinstance(table, dict):
        raise _unfit("config.word_index is not an object", file)
    return _checked(list(table.items()), file), config


def read_text(file: Path) -> str:
    """Return a file's text without a byte order mark.

    Raises:
        UsageMistake: it cannot be read, is empty, too large or not UTF-8.
    """
    try:
        text = read_regular(file, LARGEST_FILE).decode("utf-8-sig")
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror or error})",
            file=file,
            remedy="Give the path of a readable file",
        ) from None
    except UnicodeDecodeError as error:
        raise UsageMistake(
            f"is not UTF-8 ({error.reason} at byte {error.start})",
            file=file,
            remedy="Save it as UTF-8",
        ) from None
    if not text.strip():
        raise _unfit("is empty", file)
    return text


def load_json(text: str, file: Path) -> Any:
    """Return what JSON holds; a key that an object names twice is a mistake.

    Raises:
        UsageMistake: it is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_repeats(file))
    except (ValueError, RecursionError) as error:
        raise UsageMistake(
            f"is not JSON ({error})", file=file, remedy="Write it again with a JSON library"
        ) from None


def _without_repeats(file: Path) -> Callable[[Pairs], dict[str, Any]]:
    def made(pairs: Pairs) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in found if names.count(name) > 1)
            raise _unfit(f"names {twice!r} twice", file)
        return found

    return made


def _is_json(text: str, file: Path) -> bool:
    """Whether a word list is JSON; one word a line may begin with a bracket, as in [PAD]."""
    if file.suffix.lower() == ".json" or text.lstrip()[:1] == "{":
        return True
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _json_pairs(text: str, file: Path) -> Pairs:
    value = load_json(text, file)
    if isinstance(value, dict) and "config" in value:
        raise UsageMistake(
            "is the JSON of a Keras Tokenizer, which has settings of its own",
            file=file,
            remedy="Give it as keras:FILE",
        )
    return list(value.items()) if isinstance(value, dict) else [(w, n) for n, w in enumerate(value)]


def _by_comma(lines: Iterable[str]) -> Pairs | None:
    """Words and numbers of CSV lines, with or without a header; None where a line is none."""
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), strict=True))
    except csv.Error:
        return None
    if rows and len(rows[0]) == 2 and not _is_number(rows[0][1]):  # noqa: PLR2004 - word, number
        rows = rows[1:]
    if not rows or not all(len(row) == 2 and _is_number(row[1]) for row in rows):  # noqa: PLR2004
        return None
    return [(word, int(number)) for word, number in rows]


def _by_blank(lines: list[str]) -> Pairs | None:
    """Words and numbers of lines that end in a blank or tab and a number; None otherwise."""
    pairs: Pairs = []
    for line in lines:
        word, _, number = line.replace("\t", " ").rpartition(" ")
        if not word or not _is_number(number):
            return None
        pairs.append((word, int(number)))
    return pairs


def _is_number(text: str) -> bool:
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_NUMBER))


def _checked(pairs: Pairs, file: Path) -> dict[str, int]:
    """The pairs as a table, each word once and each number once."""
    if not pairs:
        raise _unfit("holds no word", file)
    words: dict[str, int] = {}
    taken: dict[int, str] = {}
    for word, number in pairs:
        if not isinstance(word, str) or not isinstance(number, int) or isinstance(number, bool):
            raise _unfit(f"gives {word!r} the number {number!r}, not an integer", file)
        if not 0 <= number < LARGEST_NUMBER:
            raise _unfit(f"gives {word!r} the number {number}", file)
        if word in words or number in taken:
            other = f"{taken[number]!r} has the number {number} too" if number in taken else "twice"
            raise _unfit(f"names {word!r}: {other}", file)
        words[word], taken[number] = number, word
    return words


def _unfit(what: str, file: Path) -> UsageMistake:
    return UsageMistake(
        what,
        file=file,
        remedy="Give the word list that the model was trained with, as its training wrote it",
    )
