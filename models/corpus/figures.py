"""Figures of any corpus: counts by split, polarity and entity, what was left out, lengths."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from models.corpus.tokenize import describe_lengths, token_lengths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tokenizers import Tokenizer

    from models.corpus.tweets import Corpus, LeftOut, Tweet


def describe_corpus(corpus: Corpus) -> dict[str, Any]:
    """Counts of each split by polarity, over all and of each entity."""
    return {
        split: {
            "tweets": len(tweets),
            "polarities": _polarities(tweets, corpus.labels),
            "by_entity": _by_entity(tweets, corpus.labels),
        }
        for split, tweets in corpus.splits.items()
    }


def describe_left_out(left_out: Iterable[LeftOut], *, counts_only: bool) -> dict[str, Any]:
    """How many tweets were left out for each reason, and which."""
    found: dict[str, dict[str, Any]] = {}
    for each in left_out:
        reason = found.setdefault(each.reason, {"count": 0, "tweets": []})
        reason["count"] += each.count
        if each.tweet_id or each.where:
            reason["tweets"].append({"tweet_id": each.tweet_id, "where": each.where})
    if counts_only:
        return {reason: each["count"] for reason, each in sorted(found.items())}
    return dict(sorted(found.items()))


def describe_tokens(
    tokenizer: Tokenizer, tweets: Sequence[Tweet], *, pair_with_entity: bool, max_tokens: int
) -> dict[str, Any]:
    """Lengths in tokens, special ones included, before truncation."""
    if not tweets:
        return {"tweets": 0}
    lengths = token_lengths(tokenizer, tweets, pair_with_entity=pair_with_entity)
    within = round(float((lengths <= max_tokens).mean()), 6)
    return {
        "tweets": len(tweets),
        **describe_lengths(lengths),
        f"share_within_{max_tokens}": within,
    }


def _polarities(tweets: Iterable[Tweet], labels: Sequence[str]) -> dict[str, int]:
    counts = Counter(tweet.label for tweet in tweets)
    return {label: counts[at] for at, label in enumerate(labels)}


def _by_entity(tweets: Iterable[Tweet], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    groups: dict[str, list[Tweet]] = {}
    for tweet in tweets:
        groups.setdefault(tweet.entity_id, []).append(tweet)
    return {entity: _polarities(groups[entity], labels) for entity in sorted(groups)}
