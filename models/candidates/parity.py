"""Compare an app's token ids with those of the file's tokenizer."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.candidates.texts import TextRow
    from models.tokenizers.encoder import Encoder

    Ids = tuple[int, ...]

# Number of ids that a message shows before and after the first difference.
_BEFORE, _AFTER = 8, 16


@dataclass(frozen=True, repr=False)
class Parity:
    """The result of comparing recorded token ids with the expected ones.

    Attributes:
        equal: whether the ids are equal, for each text [n].
        first: message about the first text with different ids; "" if there is none.
    """

    equal: NDArray[np.bool_] = field(repr=False)
    first: str

    @property
    def share(self) -> float:
        """Return the share of texts with equal ids."""
        return float(self.equal.mean())


def compare_ids(
    recorded: Sequence[Ids],
    expected: Sequence[Ids],
    texts: Sequence[TextRow],
    tokenizer: Encoder | None,
) -> Parity:
    """Compare the recorded ids of each text with the expected ones.

    Args:
        recorded: ids from an app, without padding.
        expected: ids from edgeproof, without padding.
        texts: the texts.
        tokenizer: the tokenizer, to show the token of each id; None if the texts contain ids.
    """
    pairs = list(zip(recorded, expected, strict=True))
    equal = np.array([recorded == expected for recorded, expected in pairs], np.bool_)
    if equal.all():
        return Parity(equal, "")
    at = int(equal.argmin())
    recorded_ids, expected_ids = pairs[at]
    place = _parting(recorded_ids, expected_ids)
    text = texts[at]
    count = f"{int((~equal).sum())} of {equal.size} texts have different ids"
    words = _shortened(" | ".join(text.parts))
    return Parity(
        equal,
        "\n".join(
            [
                f"{count}; the first is {reprlib.repr(text.id)}, {text.where}: {words}",
                f"  recorded: {_shown(recorded_ids, place, tokenizer)}",
                f"  expected: {_shown(expected_ids, place, tokenizer)}",
                f"  first different token: {place} of {len(recorded_ids)} and {len(expected_ids)}",
            ]
        ),
    )


def _parting(recorded: Ids, expected: Ids) -> int:
    """Return the position of the first differing id, or else the end of the shorter row."""
    shorter = min(len(recorded), len(expected))
    return next((at for at in range(shorter) if recorded[at] != expected[at]), shorter)


def _shown(ids: Ids, place: int, tokenizer: Encoder | None) -> str:
    start, end = max(0, place - _BEFORE), place + _AFTER
    some = ids[start:end]
    row = ", ".join(map(str, some))
    row = f"[{'..., ' * (start > 0)}{row}{', ...' * (len(ids) > end)}]"
    return row if tokenizer is None else f"{row} {' '.join(tokenizer.tokens(some))}".rstrip()


def _shortened(text: str, most: int = 200) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}...")
