"""Write the remedy for a tokenizer's file that lacks a setting."""

from __future__ import annotations

PADDED = "the token that training padded with"


def write_token(key: str, token_in_words: str) -> str:
    """Return the remedy to declare a token.

    Args:
        key: a key of `[tokenizer]`, such as "pad".
        token_in_words: the token, in words, such as "the token that training padded with".
    """
    return f'Write {key} = "..." in [tokenizer] in your TOML file, with {token_in_words}'
