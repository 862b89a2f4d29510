"""Build a corpus from the RepLab 2013 package and the texts that its user downloaded."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from models.corpus.groups import draw_groups
from models.corpus.replab_layout import ENTITIES, KEY, POLARITIES
from models.corpus.replab_package import read_package
from models.corpus.replab_select import groups_of, select
from models.corpus.split import BEYOND
from models.corpus.texts import Corpus, LabelledText, LeftOut
from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from models.corpus.replab_package import Entity, LabeledTweet, Package
    from models.corpus.replab_select import Selection
    from models.subjects import CorpusTable


def read_replab(table: CorpusTable, path: Path) -> Corpus:
    """Read the package; take validation and calibration texts from its training split.

    Tweets that share an id or a text, or are near-duplicates, stay in one split. The corpus does
    not depend on which of its two layouts the package has.

    Args:
        table: labels (RepLab's three, from the worst to the best), languages, seed, and counts;
            without a count, `train` gets all remaining tweets and `test` the whole official split.
        path: the folder that holds `entities`, `training` and `test`.

    Raises:
        UsageMistake: the table does not fit RepLab, the folder is not the package, or the package
            holds no texts, no languages, or fewer tweets than requested.
    """
    _check(table)
    package = read_package(path)
    _check_package(package, table, path)
    selection = select(package, table.languages)
    return corpus_of(selection, package.entities, table, path)


def corpus_of(
    selection: Selection, entities: Mapping[str, Entity], table: CorpusTable, path: Path
) -> Corpus:
    """Split the selected tweets; see `read_replab` for arguments and errors."""
    left_out = list(selection.left_out)
    tweets_of = _split_training(selection.train, table)
    tweets_of["test"] = _sample(selection.test, table.counts.test, table.seed)
    _check_counts(tweets_of, selection, table, path)
    used = {tweet.where for tweets in tweets_of.values() for tweet in tweets}
    left_out += [
        LeftOut(tweet.tweet_id, tweet.where, BEYOND)
        for tweet in (*selection.train, *selection.test)
        if tweet.where not in used
    ]
    splits = {split: tuple(_tweets(tweets_of[split], entities, path)) for split in tweets_of}
    return Corpus(labels=table.labels, splits=splits, left_out=tuple(left_out))


def _check(table: CorpusTable) -> None:
    if table.labels != POLARITIES:
        raise UsageMistake(
            f"the labels {', '.join(table.labels)} are not RepLab's polarities",
            key="corpus.labels",
            remedy=f"Write labels = {list(POLARITIES)}",
        )
    superfluous = {
        "columns": table.columns,
        "polarities": table.polarities,
        "header": table.header,
        "fallback_encoding": table.fallback_encoding,
    }
    for name, value in superfluous.items():
        if value:
            raise UsageMistake(
                "this key has no effect: the RepLab package defines its value",
                key=f"corpus.{name}",
                remedy="Remove this key",
            )


def _check_package(package: Package, table: CorpusTable, path: Path) -> None:
    if not package.files_with_text:
        raise UsageMistake(
            "the package holds no texts, neither in tweet_text/ENTITY_texts.tsv "
            "nor in training/ENTITY.tsv",
            file=path,
            key=KEY,
            remedy="Download the tweets' texts by their ids: RepLab distributes only the ids",
        )
    if table.languages and not any(tweet.language for tweet in package.tweets):
        raise UsageMistake(
            "gives no language for any tweet",
            file=path,
            key="corpus.languages",
            remedy="Copy the package's tweet_info folders, or write languages = [] to take all",
        )


def _split_training(
    tweets: list[LabeledTweet], table: CorpusTable
) -> dict[str, list[LabeledTweet]]:
    """Split the training tweets into train, validation and calibration."""
    counts = table.counts
    sizes = {"validation": counts.validation, "calibration": counts.calibration}
    if counts.train is not None:
        sizes["train"] = counts.train
    positions = draw_groups(groups_of(tweets), sizes, table.seed)
    if counts.train is None:
        used = {at for part in positions.values() for at in part}
        positions["train"] = [at for at in range(len(tweets)) if at not in used]
    order = ("train", "validation", "calibration")
    return {split: [tweets[at] for at in positions[split]] for split in order}


def _sample(tweets: list[LabeledTweet], count: int | None, seed: int) -> list[LabeledTweet]:
    """Return all tweets, or `count` tweets drawn at random, in their original order."""
    if count is None or count >= len(tweets):
        return tweets
    chosen = random.Random(seed).sample(range(len(tweets)), count)  # noqa: S311 - must be repeatable
    return [tweets[at] for at in sorted(chosen)]


def _check_counts(
    parts: Mapping[str, list[LabeledTweet]], selection: Selection, table: CorpusTable, path: Path
) -> None:
    for split, tweets in parts.items():
        count = getattr(table.counts, split) or 1
        if len(tweets) < count:
            reasons = Counter(entry.reason for entry in selection.left_out)
            reasons_text = "; ".join(
                f"{count} left out: {reason}" for reason, count in reasons.items()
            )
            raise UsageMistake(
                f"too few tweets: {len(tweets)} remain for {split}, but {count} are "
                f"requested ({reasons_text})",
                file=path,
                key=f"corpus.counts.{split}",
                remedy="Lower the counts, or download more of the texts",
            )


def _tweets(
    tweets: Iterable[LabeledTweet], entities: Mapping[str, Entity], path: Path
) -> Iterable[LabelledText]:
    for tweet in tweets:
        entity = entities.get(tweet.entity_id)
        if entity is None or not entity.name:
            raise UsageMistake(
                f"lacks the entity {tweet.entity_id}, which has labeled tweets",
                file=path / ENTITIES,
                remedy="Copy this file again from the package",
            )
        yield LabelledText(
            text_id=tweet.tweet_id,
            group_id=tweet.entity_id,
            text=tweet.text or "",
            label=POLARITIES.index(tweet.polarity),
            group_name=entity.name,
        )
