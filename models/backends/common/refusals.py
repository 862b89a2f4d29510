"""Define the error of a backend or a runner that cannot answer a request."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - the protocol's term
    """A request cannot be answered: `kind` is for programs, the message for people."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def one_line(error: Exception) -> str:
    """Return a native error's message without its line breaks and final period."""
    return " ".join(str(error).split()).rstrip(".") or repr(error)
