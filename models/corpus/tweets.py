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
    """

    tweet_id: str
    entity_id: str
    text: str
    label: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One tweet (or, with a count in its reason, several) that is in no split.

    Attributes:
        tweet_id: its id; "" where it has none.
        where: the line of the file it stands on, "line 12".
        reason: why it was left out.
    """

    tweet_id: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled tweets in their splits; `labels` is ordered from the worst to the best."""

    labels: tuple[str, ...]
    splits: Mapping[str, tuple[Tweet, ...]]
    left_out: tuple[LeftOut, ...] = ()


def hash_tweets(tweets: Iterable[Tweet]) -> list[str]:
    """Return the sha256 of each tweet with its entity: its identity where texts may not be kept."""
    return [hashlib.sha256(f"{t.entity_id}\t{t.text}".encode()).hexdigest() for t in tweets]
