"""Count the texts of any corpus by split, label and group, with omitted texts and lengths."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from models.corpus.tokenize import describe_lengths, token_lengths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tokenizers import Tokenizer

    from models.corpus.texts import Corpus, LabelledText, LeftOut


def describe_corpus(corpus: Corpus) -> dict[str, Any]:
    """Return the number of texts of each split: in all, by label, and by group and label."""
    return {
        split: {
            "texts": len(texts),
            "labels": _by_label(texts, corpus.labels),
            "by_group": _by_group(texts, corpus.labels),
        }
        for split, texts in corpus.splits.items()
    }


def describe_left_out(left_out: Iterable[LeftOut], *, counts_only: bool) -> dict[str, Any]:
    """Return the number of omitted texts by reason; list the texts, too, unless `counts_only`."""
    reasons: dict[str, dict[str, Any]] = {}
    for entry in left_out:
        reason = reasons.setdefault(entry.reason, {"count": 0, "texts": []})
        reason["count"] += entry.count
        if entry.text_id or entry.where:
            reason["texts"].append({"text_id": entry.text_id, "where": entry.where})
    if counts_only:
        return {reason: entry["count"] for reason, entry in sorted(reasons.items())}
    return dict(sorted(reasons.items()))


def describe_tokens(
    tokenizer: Tokenizer, texts: Sequence[LabelledText], *, pair_with_group: bool, max_tokens: int
) -> dict[str, Any]:
    """Return statistics of the texts' lengths in tokens, special tokens included, untruncated."""
    if not texts:
        return {"texts": 0}
    lengths = token_lengths(tokenizer, texts, pair_with_group=pair_with_group)
    within = round(float((lengths <= max_tokens).mean()), 6)
    return {
        "texts": len(texts),
        **describe_lengths(lengths),
        f"share_within_{max_tokens}": within,
    }


def _by_label(texts: Iterable[LabelledText], labels: Sequence[str]) -> dict[str, int]:
    counts = Counter(row.label for row in texts)
    return {label: counts[at] for at, label in enumerate(labels)}


def _by_group(texts: Iterable[LabelledText], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    groups: dict[str, list[LabelledText]] = {}
    for row in texts:
        groups.setdefault(row.group_id, []).append(row)
    return {group: _by_label(groups[group], labels) for group in sorted(groups)}
