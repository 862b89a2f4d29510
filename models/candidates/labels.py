"""Read a file of labels: one per line, in the order of the output."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from models.errors import UsageMistake
from models.files.regular_files import read_regular, remedy_for

if TYPE_CHECKING:
    from pathlib import Path

FEWEST, MOST = 2, 1000
_LARGEST_FILE = 1 << 20
# Longest label in characters; a longer line is a text, or the file lacks line breaks.
_LONGEST = 200


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the labels in a text file with one label per line.

    Raises:
        UsageMistake: the file cannot be read, or does not contain a valid list of labels.
    """
    try:
        data = read_regular(path, _LARGEST_FILE)
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})",
            file=path,
            remedy=remedy_for(
                error, "Give a file with one label per line, in the order of the output"
            ),
        ) from None
    return parse_labels(data, str(path))


def parse_labels(data: bytes, source: str) -> tuple[str, ...]:
    """Return the labels in the bytes of a file.

    Args:
        data: content of the file.
        source: name of the file, for messages.

    Raises:
        UsageMistake: the content is too large, is not UTF-8, or is not a valid list of labels.
    """
    if len(data) > _LARGEST_FILE:
        raise UsageMistake(
            f"is larger than {_LARGEST_FILE} bytes",
            file=source,
            remedy="Give a file with one label per line",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageMistake(
            f"is not UTF-8 (byte {error.start})", file=source, remedy="Save it as UTF-8"
        ) from None
    if _is_json(text):
        raise UsageMistake(
            "is JSON, but labels are read from a text file with one per line",
            file=source,
            remedy="Write each label on a line of its own, in the order of the output",
        )
    return check_labels([line.strip() for line in text.rstrip().split("\n")], source)


def _is_json(text: str) -> bool:
    """Tell whether a text is a JSON list or object, and not a label."""
    try:
        return isinstance(msgspec.json.decode(text), list | dict)
    except RecursionError:
        return True
    except msgspec.DecodeError:
        return False


def check_labels(labels: list[str], source: str) -> tuple[str, ...]:
    """Return labels after checking that they are distinct and not empty.

    Raises:
        UsageMistake: a label is empty, too long or repeated, or there are fewer than 2 or more than
            1,000 labels.
    """
    if not FEWEST <= len(labels) <= MOST:
        raise UsageMistake(
            f"contains {len(labels)} labels, but only {FEWEST} to {MOST} can be judged",
            file=source,
            remedy="Give a file with one label per line, in the order of the output",
        )
    if "" in labels:
        raise UsageMistake(
            f"label {labels.index('')} is empty",
            file=source,
            remedy="Write the label, or remove the line: a label's line number is its "
            "index in the output",
        )
    longest = max(labels, key=len)
    if len(longest) > _LONGEST:
        raise UsageMistake(
            f"label {labels.index(longest)} is {len(longest):,} characters long, "
            f"but at most {_LONGEST} are allowed",
            file=source,
            remedy="Give a file with one label per line, in the order of the output",
        )
    label, times = Counter(labels).most_common(1)[0]
    if times > 1:
        raise UsageMistake(
            f"{times} labels are called {label!r}",
            file=source,
            remedy="Give each label a different name",
        )
    return tuple(labels)
