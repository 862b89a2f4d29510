"""Define the types of a corpus."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SPLITS = ("train", "validation", "calibration", "test")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One text with its label. A text about two groups occurs twice, with the same id.

    Attributes:
        text_id: the id in the source, or one made from its position there.
        group_id: what the text is about, such as RepLab's entity; scores can be averaged over such
            groups; "" if none is declared.
        text: the published text; cleaning is part of the tokenizer.
        label: index into the corpus's labels; 0 is the worst if they are ordered.
        group_name: the name of the group if `group_id` is a code.
        second: the second text if the label is about a pair of texts.
    """

    text_id: str
    group_id: str
    text: str
    label: int
    group_name: str = ""
    second: str = ""

    @property
    def group(self) -> str:
        """Return the group as a model receives it: its name, or its id if it has no name."""
        return self.group_name or self.group_id

    def parts(self, *, pair_with_group: bool) -> tuple[str, ...]:
        """Return the texts that a tokenizer encodes together.

        These are the two texts of a pair; or the group and the text, if `pair_with_group` is true
        and there is a group; otherwise the text alone.
        """
        if self.second:
            return self.text, self.second
        return (self.group, self.text) if pair_with_group and self.group else (self.text,)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A text that is in no split, or several texts with the same reason.

    Attributes:
        text_id: the id of the text; "" for several texts, or if it has none.
        where: the line on which it begins, such as "line 12"; "" for several texts.
        reason: why it was left out.
        count: number of texts.
    """

    text_id: str
    where: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled texts by split; if `labels` are ordered, then from the worst to the best."""

    labels: tuple[str, ...]
    splits: Mapping[str, tuple[LabelledText, ...]]
    left_out: tuple[LeftOut, ...] = ()


def hash_texts(texts: Iterable[LabelledText]) -> list[str]:
    """Return the sha256 of each text with its group, to identify texts that may not be stored."""
    return [hashlib.sha256(f"{t.group_id}\t{t.text}".encode()).hexdigest() for t in texts]
