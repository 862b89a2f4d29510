"""Write the remedy for a tokenizer's file that lacks a setting."""

from __future__ import annotations

PADDED = "the token that training padded with"


def write_token(key: str, which: str) -> str:
    """Return the remedy to declare a token.

    Args:
        key: of `[tokenizer]`, such as "pad".
        which: the token, in words.
    """
    return f'Write {key} = "..." in [tokenizer] in your TOML file, with {which}'
