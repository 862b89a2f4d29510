"""Read word lists in common formats into a table from word to id.

Formats: one word per line, numbered from 0; `word number` or `word<TAB>number` on each line;
`word,number` as CSV; a JSON object of numbers by word, or a JSON list; the JSON of Keras'
`Tokenizer.to_json`, whose settings `read_keras_json` returns as well.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from models.errors import UsageMistake
from models.files.json_documents import DoubledKeyError, parse_json, problem_and_place
from models.files.regular_files import read_regular, remedy_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Largest file in bytes: a classifier for phones has thousands of words, and a file a hundred times
# as large is no word list.
LARGEST_FILE = 64_000_000
LARGEST_NUMBER = 10_000_000
# Maximum number of words: the largest vocabularies for all languages have 900,000 pieces, and more
# words take minutes.
MOST_WORDS = 1_000_000

_WORD_AND_NUMBER = 2
# A number before or after a word in a line, with or without decimals.
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?", re.IGNORECASE)
_NUMBER_LAST = re.compile(rf"[,; \t]{_NUMBER.pattern}\s*$", re.IGNORECASE)
_NUMBER_FIRST = re.compile(r"^\d+[,; \t]\s*\S")
_BLANKS = re.compile(r"[,; \t]")

# Beginnings of Python pickles, protocols 2 to 5.
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")

Pairs = list[tuple[str, Any]]

# Remedies for word lists that cannot be read.
_KERAS = "Write the file with Tokenizer.to_json(), or give a word list as words:FILE"
_AGAIN = "Download or write the file again, or give the path of another file"
_WHOLE_CHARACTERS = "Write the file again with a JSON library, without half characters"
_AS_JSON = "Write a JSON object of whole numbers by word, or a JSON list of words"
_ONCE = "Write each word once, with its own number, as training numbered them: WORD,NUMBER"
_NUMBERS = f"Write the numbers that training gave, from 0 to {LARGEST_NUMBER - 1:,}"
_ONLY_KNOWN_WORDS = "Give the words that the model has ids for, and no others"


def read_vocabulary(file: Path) -> dict[str, int]:
    """Read a word list in any of the formats.

    Raises:
        UsageMistake: the file cannot be read, holds no words, a word twice, or two words with the
            same id.
    """
    text = read_text(file)
    if _is_json(text, file):
        return _checked(_json_pairs(text, file), file)
    _require_fewer(text.count("\n"), file)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    lines = [line.removesuffix("\r") for line in lines]
    for split in (_by_comma, _by_blank):
        pairs = split(lines)
        if pairs is not None:
            return _checked(pairs, file)
    _require_words_alone(lines, file)
    return _checked([(line, at) for at, line in enumerate(lines)], file)


class KerasSettings(msgspec.Struct, frozen=True):
    """The keys of `config` in the JSON of Keras' `Tokenizer.to_json` that decide ids."""

    word_index: str | dict[str, int]
    num_words: Annotated[int, msgspec.Meta(ge=0)] | None = None
    filters: str | None = None
    lower: bool = True
    split: Annotated[str, msgspec.Meta(min_length=1)] = " "
    char_level: bool = False
    oov_token: str | None = None


class _KerasFile(msgspec.Struct, frozen=True):
    config: KerasSettings


def is_keras_json(text: str) -> bool:
    """Tell whether a text is the output of Keras' `Tokenizer.to_json`."""
    document = parsed_or_none(text)
    config = document.get("config") if isinstance(document, dict) else None
    return isinstance(config, dict) and "word_index" in config


def read_keras_json(file: Path) -> tuple[dict[str, int], KerasSettings]:
    """Read the output of Keras' `Tokenizer.to_json`: its word ids and its settings.

    Raises:
        UsageMistake: the file is not the output of `Tokenizer.to_json`.
    """
    document = load_json(read_text(file), file)
    try:
        config = msgspec.convert(document, _KerasFile).config
    except msgspec.ValidationError as error:
        problem, key = problem_and_place(error)
        raise UsageMistake(
            f"is not the JSON of a Keras Tokenizer: {problem}",
            file=file,
            key=key or "config.word_index",
            remedy=_KERAS,
        ) from None
    # Keras writes the table as a JSON string inside the JSON document.
    words = config.word_index
    table = load_json(words, file) if isinstance(words, str) else words
    if not isinstance(table, dict):
        raise UsageMistake(
            "is not an object of numbers by word",
            file=file,
            key="config.word_index",
            remedy=_KERAS,
        )
    return _checked(list(table.items()), file), config


def _reject_other_files(data: bytes, file: Path) -> None:
    """Reject pickles and FlatBuffers, which people mistake for a vocabulary."""
    if data.startswith(_PICKLES):
        raise UsageMistake(
            "is a Python pickle, which edgeproof never loads, because loading a "
            "pickle can run any code",
            file=file,
            remedy="Load the pickle where it was made, write the text of "
            "tokenizer.to_json() into a file, and give keras:FILE",
        )
    if data[4:8] == b"TFL3":
        raise UsageMistake(
            "is a TFLite FlatBuffer, not a tokenizer",
            file=file,
            remedy="Remove the tokenizer option if the file's metadata contains the "
            "tokenizer; otherwise give the vocabulary that the model was trained "
            "with",
        )


def read_text(file: Path) -> str:
    """Return a file's text without a byte order mark.

    Raises:
        UsageMistake: the file cannot be read, is empty, too large or not UTF-8.
    """
    try:
        data = read_regular(file, LARGEST_FILE)
        _reject_other_files(data, file)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror or error})",
            file=file,
            remedy=remedy_for(error, "Give the path of a readable file"),
        ) from None
    except UnicodeDecodeError as error:
        raise UsageMistake(
            f"is not UTF-8 ({error.reason} at byte {error.start})",
            file=file,
            remedy="Save the file as UTF-8; for SentencePiece, give the .model file as "
            "sentencepiece:FILE",
        ) from None
    if not text.strip():
        raise _unfit("is empty", file, _AGAIN)
    return text


def load_json(text: str, file: Path) -> Any:
    """Parse the JSON text of a file; return its content.

    Raises:
        UsageMistake: the text is not JSON, repeats a key, or holds half of a character.
    """
    try:
        document = parse_json(text)
    except DoubledKeyError as error:
        raise _unfit(
            str(error), file, "Keep one of the two, with the number that training used"
        ) from None
    except ValueError as error:
        raise _unfit(f"is not JSON ({error})", file, _WHOLE_CHARACTERS) from None
    # Half of a surrogate pair can only come from an escape, so other texts need no check.
    if "\\ud" in text.lower() and not _is_unicode(json.dumps(document, ensure_ascii=False)):
        raise _unfit(
            "holds half a character, written as \\ud8.. to \\udf..", file, _WHOLE_CHARACTERS
        )
    return document


def parsed_or_none(text: str) -> Any:
    """Parse a JSON text; return its content, or None if it is not JSON or repeats a key."""
    try:
        return parse_json(text)
    except ValueError:
        return None


def _is_json(text: str, file: Path) -> bool:
    """Tell whether a word list is JSON.

    A bracket at the beginning is not enough, because a list may begin with a word like [PAD].
    """
    if file.suffix.lower() == ".json" or text.lstrip()[:1] == "{":
        return True
    return isinstance(parsed_or_none(text), list)


def _json_pairs(text: str, file: Path) -> Pairs:
    value = load_json(text, file)
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        raise UsageMistake(
            "is the JSON of a Keras Tokenizer, which has settings of its own",
            file=file,
            remedy="Give it as keras:FILE",
        )
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return [(word, number) for number, word in enumerate(value)]
    raise _unfit(
        "is JSON, but neither an object of numbers by word nor a list of words", file, _AS_JSON
    )


def _by_comma(lines: Iterable[str]) -> Pairs | None:
    """Return the words and ids in CSV lines, with or without a header.

    Return None if a line does not consist of a word and an id.
    """
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), strict=True))
    except csv.Error:
        return None
    if not all(len(row) == _WORD_AND_NUMBER for row in rows):
        return None
    return _numbered([(word, number) for word, number in rows])


def _by_blank(lines: list[str]) -> Pairs | None:
    """Return the words and ids in lines, of which each has a word, a space or tab, and an id.

    Return None if a line has another form.
    """
    parted = [line.replace("\t", " ").rpartition(" ") for line in lines]
    if not all(blank for _, blank, _ in parted):
        return None
    return _numbered([(word, number) for word, _, number in parted])


def _numbered(rows: list[tuple[str, str]]) -> Pairs | None:
    """Return the rows as pairs of a word and its id, without a header row.

    Return None if the second value of a row is not a number.
    """
    # Unlike strip(), int() does not accept the separators U+001C to U+001F, so they are stripped
    # first.
    rows = [(word, number.strip()) for word, number in rows]
    if len(rows) > 1 and not _NUMBER.fullmatch(rows[0][1]):
        rows = rows[1:]
    if not rows or not all(_is_number(number) for _, number in rows):
        return None
    return [(word, int(number)) for word, number in rows]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_NUMBER))


def _require_words_alone(lines: list[str], file: Path) -> None:
    """Check that lines hold only words, not words with ids that could not be read.

    Raises:
        UsageMistake: most lines begin or end with a number.
    """
    number_is_last = [bool(_NUMBER_LAST.search(line)) for line in lines]
    number_is_first = [bool(_NUMBER_FIRST.search(line)) for line in lines]
    if 2 * sum(number_is_last) > len(lines):
        ends_in_number = [_is_number(_BLANKS.split(line)[-1]) for line in lines]
        # If every line ends in a number, the separators differ or some words contain commas: then
        # name the first line.
        at = ends_in_number.index(False) + 1 if False in ends_in_number else 1
        problem = f"most lines end in a number, but line {at} does not"
    elif 2 * sum(number_is_first) > len(lines):
        problem = "most lines begin with a number"
    else:
        return
    raise UsageMistake(
        problem,
        file=file,
        remedy="Write one word per line, or WORD,NUMBER on every line, with numbers from "
        f"0 to {LARGEST_NUMBER - 1:,}",
    )


def _require_fewer(words: int, file: Path) -> None:
    if words > MOST_WORDS:
        raise _unfit(
            f"holds {words:,} words, but at most {MOST_WORDS:,} are read", file, _ONLY_KNOWN_WORDS
        )


def _checked(pairs: Pairs, file: Path) -> dict[str, int]:
    """Return the ids by word, after checking that no word and no id occurs twice."""
    if not pairs:
        raise _unfit("holds no words", file, _AGAIN)
    _require_fewer(len(pairs), file)
    words: dict[str, int] = {}
    words_of: dict[int, str] = {}
    for word, number in pairs:
        if not isinstance(word, str) or not isinstance(number, int) or isinstance(number, bool):
            raise _unfit(
                f"gives {word!r} the number {number!r}, which is not an integer", file, _AS_JSON
            )
        if not 0 <= number < LARGEST_NUMBER:
            raise _unfit(
                f"gives {word!r} the number {number:,}, which is out of range", file, _NUMBERS
            )
        if word in words:
            raise _unfit(f"has the word {word!r} twice", file, _ONCE)
        if number in words_of:
            raise _unfit(
                f"gives {words_of[number]!r} and {word!r} the same number, {number}", file, _ONCE
            )
        words[word], words_of[number] = number, word
    return words


def _is_unicode(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unfit(problem: str, file: Path, remedy: str) -> UsageMistake:
    return UsageMistake(problem, file=file, remedy=remedy)
