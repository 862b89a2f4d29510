"""Write the line that helps if a tokenizer's file does not say enough."""

from __future__ import annotations

PADDED = "the token that training padded with"


def write_token(key: str, which: str) -> str:
    """Return the remedy that has a token written down.

    Args:
        key: of `[tokenizer]`, such as "pad".
        which: the token, in words.
    """
    return f'Write {key} = "..." in [tokenizer] of your TOML file, with {which}'
