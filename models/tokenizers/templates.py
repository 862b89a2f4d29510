"""Build the template of special tokens around a text, or around each text of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import processors

from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Mapping


def around(
    words: Mapping[str, int], start: str | None, end: str | None, *, second_start: str | None = None
) -> processors.PostProcessor:
    """Return the template with `start` before a text or pair, and `end` after each of its texts.

    Args:
        words: ids by token.
        start: the token before the first text; None or "" for none.
        end: the token after each text; None or "" for none.
        second_start: the token before the second text; None for none. Without this token,
            the second text has segment 1, as in BERT; with it, segment 0, as in RoBERTa.

    Raises:
        UsageMistake: the name of a token has a special meaning in the library's templates.
    """
    segment = 1 if second_start is None else 0
    single = _parts(start, "$A", end)
    second = _parts(*(f"{part}:{segment}" if part else None for part in (second_start, "$B", end)))
    for token in (start, end):
        # In the library's templates, $A stands for a text, and a segment follows a colon.
        if token and (token.startswith("$") or ":" in token):
            raise UsageMistake(
                f"{token!r} cannot be put around a text: $ and : have another meaning there",
                key="tokenizer.start" if token == start else "tokenizer.end",
                remedy="Give a tokenizer.json, or ids in a column of the corpus",
            )
    special = {token: words[token] for token in (start, end, second_start) if token}
    return processors.TemplateProcessing(
        single=single, pair=single + second, special_tokens=list(special.items())
    )


def _parts(*parts: str | None) -> list[str]:
    return [part for part in parts if part]
