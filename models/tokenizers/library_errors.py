"""Turn the errors of the `tokenizers` library into one kind of error."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Name of the error with which the library's Rust code panics: not a subclass of Exception, and not
# part of a public module.
_PANIC = "PanicException"


class LibraryError(ValueError):
    """An error of the `tokenizers` library, which rejects a file or setting, or fails on a text."""


@contextmanager
def library_errors() -> Iterator[None]:
    """Raise the library's errors as a `LibraryError`; leave edgeproof's own errors unchanged.

    Raises:
        LibraryError: the library raised an error with this message.
    """
    try:
        yield
    except EdgeproofError:
        raise
    except BaseException as error:
        # The library raises a plain Exception for most bad files, and panics for some.
        if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
            raise
        raise LibraryError(str(error) or type(error).__name__) from None
