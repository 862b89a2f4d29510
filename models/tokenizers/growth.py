"""Limit how much a normalizer lengthens texts: a few lines of JSON could produce a terabyte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.tokenizers.charsmaps import decoded, longest_replacement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tokenizers import Tokenizer

# Limits: published tokenizers have at most a dozen steps, each of which adds or replaces one or two
# characters.
MOST_STEPS = 64
MOST_ADDED = 64
MOST_GROWTH = 4096


def require_bounded_growth(tokenizer: Tokenizer, file: Path) -> None:
    """Reject a tokenizer whose normalizer can make a text thousands of times as long.

    The bound is the product of the factors of all replacements and character tables, because each
    applies to the output of the previous ones. Unicode normalization is not counted: it makes a
    text at most 18 times as long (Unicode Standard Annex 15), and only once.

    Args:
        tokenizer: the tokenizer, with which nothing has been encoded yet.
        file: the tokenizer's file, for the message.

    Raises:
        UsageMistake: the normalizer has more than `MOST_STEPS` steps, adds more than `MOST_ADDED`
            characters in one, or its replacements multiply to more than `MOST_GROWTH`.
    """
    if tokenizer.normalizer is None:
        return
    steps = list(_steps(json.loads(tokenizer.normalizer.__getstate__())))
    if len(steps) > MOST_STEPS:
        raise _unbounded(f"has {len(steps):,} steps, but at most {MOST_STEPS} are allowed", file)
    growth = 1.0
    for step in steps:
        added = len(step.get("content", "")) + len(step.get("prepend", ""))
        if added > MOST_ADDED:
            problem = f"adds {added:,} characters in one step, but at most {MOST_ADDED} are allowed"
            raise _unbounded(problem, file)
        growth *= _factor(step)
    if growth > MOST_GROWTH:
        problem = f"can make a text more than {MOST_GROWTH:,} times as long"
        raise _unbounded(problem, file)


def _steps(normalizer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each step of a normalizer, with sequences flattened."""
    waiting = [normalizer]
    while waiting:
        step = waiting.pop()
        if step["type"] == "Sequence":
            waiting += step["normalizers"]
        else:
            yield step


def _factor(step: dict[str, Any]) -> float:
    """Return the largest factor by which a normalizer's step can lengthen a text; at least 1."""
    if step["type"] == "Precompiled":
        return max(1.0, longest_replacement(decoded(step["precompiled_charsmap"])))
    if step["type"] != "Replace":
        return 1.0
    content, pattern = len(step["content"]), step["pattern"]
    # A regular expression may match the empty string, which adds `content` to each character.
    factor = content / max(len(pattern["String"]), 1) if "String" in pattern else content + 1
    return max(1.0, factor)


def _unbounded(problem: str, file: Path) -> UsageMistake:
    return UsageMistake(
        f"the tokenizer's normalizer {problem}",
        file=file,
        key="normalizer",
        remedy="Remove the steps that add text from the tokenizer.json, or give ids in a "
        "column: --edge-columns=text=text,label=label,ids=ids",
    )
