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
    """One text with its label. A text about two groups stands twice, with one id.

    Attributes:
        text_id: the id its source gave it, or one made from its place there.
        group_id: what the text is about, where answers are averaged by it; "" if none is
            declared. RepLab: the entity.
        text: as published; cleaning belongs to the tokenizer.
        label: index into the corpus's labels, 0 the worst where they are ordered.
        group_name: what people call the group, where `group_id` is a code.
        second: the second text, where the label is about a pair of them.
    """

    text_id: str
    group_id: str
    text: str
    label: int
    group_name: str = ""
    second: str = ""

    @property
    def group(self) -> str:
        """Group as a model receives it: its name, else its id."""
        return self.group_name or self.group_id

    def parts(self, *, pair_with_group: bool) -> tuple[str, ...]:
        """Return the input of a tokenizer: the text, or both texts of a pair.

        Group and text; or the text alone.
        """
        if self.second:
            return self.text, self.second
        return (self.group, self.text) if pair_with_group and self.group else (self.text,)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A text that is in no split, or several with the same reason.

    Attributes:
        text_id: its id; "" for several, or if it has none.
        where: the line of the file it begins on, "line 12"; "" for several.
        reason: why it was left out.
        count: how many texts this stands for.
    """

    text_id: str
    where: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled texts in their splits; `labels` is ordered from the worst to the best, if at all."""

    labels: tuple[str, ...]
    splits: Mapping[str, tuple[LabelledText, ...]]
    left_out: tuple[LeftOut, ...] = ()


def hash_texts(texts: Iterable[LabelledText]) -> list[str]:
    """Return the sha256 of each text with its group: its identity where texts may not be kept."""
    return [hashlib.sha256(f"{t.group_id}\t{t.text}".encode()).hexdigest() for t in texts]
