"""What a corpus is made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SPLITS = ("train", "validation", "calibration", "test")


@dataclass(frozen=True, slots=True)
class Tweet:
    """One labelled tweet. A tweet about two entities stands twice, with one id.

    Attributes:
        tweet_id: the id its source gave it, or one made from its place there.
        entity_id: the entity whose reputation the label is about; "" where none is declared.
        text: as published; cleaning belongs to the tokenizer.
        label: index into the corpus's labels, 0 the worst.
        entity_name: what people call the entity, where `entity_id` is a code.
        second: the second text, where the label is about a pair of them.
    """

    tweet_id: str
    entity_id: str
    text: str
    label: int
    entity_name: str = ""
    second: str = ""

    @property
    def entity(self) -> str:
        """What a model is told of the entity: its name, else its id."""
        return self.entity_name or self.entity_id

    def parts(self, *, pair_with_entity: bool) -> tuple[str, ...]:
        """What a tokenizer is given: both texts of a pair; entity and text; or the text alone."""
        if self.second:
            return self.text, self.second
        return (self.entity, self.text) if pair_with_entity and self.entity else (self.text,)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One tweet that is in no split, or several with one reason.

    Attributes:
        tweet_id: its id; "" for several, or where it has none.
        where: the line of the file it begins on, "line 12"; "" for several.
        reason: why it was left out.
        count: how many tweets this stands for.
    """

    tweet_id: str
    where: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled tweets in their splits; `labels` is ordered from the worst to the best."""

    labels: tuple[str, ...]
    splits: Mapping[str, tuple[Tweet, ...]]
    left_out: tuple[LeftOut, ...] = ()


def hash_tweets(tweets: Iterable[Tweet]) -> list[str]:
    """Return the sha256 of each tweet with its entity: its identity where texts may not be kept."""
    return [hashlib.sha256(f"{t.entity_id}\t{t.text}".encode()).hexdigest() for t in tweets]
