"""Clean texts in named steps, and normalize texts to find duplicates.

The steps are stored in tokenizer.json, so that a device applies them too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tokenizers import Regex
from tokenizers.normalizers import BertNormalizer, Normalizer, Replace, Sequence, Strip

from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINK = r"(?:https?://|www\.)\S+"
_MENTION = r"@\w+"

# Pattern and replacement of each step. The order matters: links contain punctuation, mentions and
# hashtags begin with it, and every removal leaves spaces.
STEPS = {
    "links": (_LINK, " "),
    "mentions": (_MENTION, " "),
    "hashtags": (r"#(?=\w)", ""),
    "symbols": (r"\p{S}", " "),
    "punctuation": (r"\p{P}", " "),
    "spaces": (r"\s+", " "),
}
# The paper (arXiv 2310.03971) removes "redundant spaces, symbols, and punctuation".
COMBINED = {"paper": ("symbols", "punctuation", "spaces")}

# Emoji are kept, because an emoji can be all that distinguishes a happy text from an angry one.
_PASSED_ON = re.compile(rf"{_LINK}|\bRT\b|{_MENTION}", re.IGNORECASE)
_NOISE = re.compile(r"[\s!-/:-@\[-`{-~\u2010-\u2027\u2030-\u205e\ufe0f]")


def normalized(text: str) -> str:
    """Return a text in lower case without links, mentions, RT marks, punctuation and spaces.

    Two texts with the same form are copies of each other, apart from additions by a repost. A text
    that consists only of parts to remove is returned whole, in lower case.
    """
    folded = text.casefold()
    return _NOISE.sub("", _PASSED_ON.sub(" ", folded)) or folded


def normalizer_for(cleaning: Iterable[str], *, lowercase: bool | None) -> Normalizer:
    """Return one normalizer with all named steps, so that a device cleans texts as training did.

    Args:
        cleaning: names of STEPS or of COMBINED; their order does not matter.
        lowercase: whether BERT's own normalizer lowers case and strips accents; None leaves that
            normalizer out, because a pretrained tokenizer has its own.

    Raises:
        UsageMistake: a name is not a cleaning step.
    """
    requested = {step for name in cleaning for step in COMBINED.get(name, (name,))}
    unknown = sorted(requested - STEPS.keys())
    if unknown:
        raise UsageMistake(
            f"no cleaning step is called {', '.join(map(repr, unknown))}",
            key="tokenizer.cleaning",
            remedy=f"Use any of {', '.join((*STEPS, *COMBINED))}",
        )
    steps: list[Normalizer] = [
        Replace(Regex(pattern), by) for name, (pattern, by) in STEPS.items() if name in requested
    ]
    if "spaces" in requested:
        steps.append(Strip())
    if lowercase is not None:
        steps.append(BertNormalizer(lowercase=lowercase))
    return Sequence(steps)
