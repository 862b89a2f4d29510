"""Count the RepLab 2013 package: tweets by label, language and availability of text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from models.corpus.replab_layout import (
    FOLDERS,
    POLARITIES,
    RELATED,
    TEST,
    UNRELATED,
)
from models.corpus.replab_select import has_polarity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from models.corpus.replab_package import Key, LabeledTweet, Package

ALL = "all"
UNKNOWN = "unknown"
OFFICIAL_TEST = "official_test"


def describe_package(package: Package, root: Path) -> dict[str, Any]:
    """Return all counts that do not depend on a subject."""
    return {
        "package": {
            "path": str(root),
            "entities": dict(sorted(Counter(e.domain for e in package.entities.values()).items())),
            "texts": _describe_texts(package),
            "unreadable_rows": list(package.unreadable),
        },
        "labeled": {folder: _describe_rows(_tweets_in(package, folder)) for folder in FOLDERS},
        "related_with_polarity": {
            name: _by_language(tweets) for name, tweets in with_polarity(package).items()
        },
        "gold_standard": {
            **{
                folder: _compare_with_gold(package.gold[folder], _tweets_in(package, folder))
                for folder in FOLDERS
            },
            OFFICIAL_TEST: _compare_with_gold(package.official, _tweets_in(package, TEST)),
        },
        "by_entity": _by_entity(package),
    }


def with_polarity(package: Package) -> dict[str, list[LabeledTweet]]:
    """Return the related tweets that have a polarity, by split; one is the official test split."""
    tweets = {
        folder: [tweet for tweet in _tweets_in(package, folder) if has_polarity(tweet)]
        for folder in FOLDERS
    }
    if package.official is not None:
        official = package.official
        tweets[OFFICIAL_TEST] = [tweet for tweet in tweets[TEST] if tweet.key in official]
    return tweets


def languages_of(tweets: Iterable[LabeledTweet]) -> dict[str, list[LabeledTweet]]:
    """Return the tweets by language, sorted, and all tweets under ALL."""
    by_language: dict[str, list[LabeledTweet]] = {}
    for tweet in tweets:
        by_language.setdefault(tweet.language or UNKNOWN, []).append(tweet)
    return dict(sorted(by_language.items())) | {
        ALL: [t for of_language in by_language.values() for t in of_language]
    }


def _tweets_in(package: Package, folder: str) -> list[LabeledTweet]:
    return [tweet for tweet in package.tweets if tweet.folder == folder]


def _describe_texts(package: Package) -> dict[str, int]:
    return {
        "files": package.files_with_text,
        "present": sum(bool(tweet.text) for tweet in package.tweets),
        "empty": sum(not tweet.text and tweet.text is not None for tweet in package.tweets),
        "missing": sum(tweet.text is None for tweet in package.tweets),
    }


def _describe_rows(tweets: Sequence[LabeledTweet]) -> dict[str, int]:
    related = [tweet for tweet in tweets if tweet.filtering == RELATED]
    return {
        "rows": len(tweets),
        "related": len(related),
        "unrelated": sum(tweet.filtering == UNRELATED for tweet in tweets),
        "related_with_polarity": sum(tweet.polarity in POLARITIES for tweet in related),
        "related_without_polarity": sum(not tweet.polarity for tweet in related),
        "related_with_broken_polarity": sum(
            bool(tweet.polarity) and tweet.polarity not in POLARITIES for tweet in related
        ),
        "tweets_of_two_entities": sum(
            count > 1 for count in Counter(tweet.tweet_id for tweet in tweets).values()
        ),
    }


def _by_language(tweets: Iterable[LabeledTweet]) -> dict[str, Any]:
    return {
        language: {
            **_describe_tweets(inside),
            "without_near_duplicates": _describe_tweets(
                [tweet for tweet in inside if not tweet.near_duplicate_of]
            ),
            "with_text": _describe_tweets([tweet for tweet in inside if tweet.text]),
        }
        for language, inside in languages_of(tweets).items()
    }


def _describe_tweets(tweets: Sequence[LabeledTweet]) -> dict[str, Any]:
    return {"tweets": len(tweets), "polarities": _polarities(tweets)}


def _polarities(tweets: Iterable[LabeledTweet]) -> dict[str, int]:
    counts = Counter(tweet.polarity for tweet in tweets)
    return {polarity: counts[polarity] for polarity in POLARITIES}


def _compare_with_gold(
    gold: Mapping[Key, str] | None, tweets: Sequence[LabeledTweet]
) -> dict[str, int] | dict[str, str]:
    """Count how often the gold standard agrees with the `labeled` files."""
    if gold is None:
        return {"omitted": "the package holds no goldstandard_polarity.dat of this split"}
    labeled = {tweet.key: tweet.polarity for tweet in tweets if has_polarity(tweet)}
    shared = gold.keys() & labeled.keys()
    return {
        "tweets": len(gold),
        "as_labeled": sum(gold[key] == labeled[key] for key in shared),
        "labeled_otherwise": sum(gold[key] != labeled[key] for key in shared),
        "not_labeled": len(gold.keys() - labeled.keys()),
        "only_labeled": len(labeled.keys() - gold.keys()),
    }


def _by_entity(package: Package) -> dict[str, Any]:
    """Return the number of tweets by polarity, for each entity, split and language."""
    groups: dict[str, dict[str, list[LabeledTweet]]] = {}
    for name, tweets in with_polarity(package).items():
        for tweet in tweets:
            groups.setdefault(tweet.entity_id, {}).setdefault(name, []).append(tweet)
    counts: dict[str, Any] = {}
    for entity_id in sorted(groups):
        entity = package.entities.get(entity_id)
        counts[entity_id] = {
            "name": entity.name if entity else "",
            "domain": entity.domain if entity else "",
        }
        for name, tweets in groups[entity_id].items():
            counts[entity_id][name] = {
                language: _polarities(inside) for language, inside in languages_of(tweets).items()
            }
    return counts
