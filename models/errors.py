"""Define errors that a user can fix: each names the file, the key and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.escaping import one_line

if TYPE_CHECKING:
    from pathlib import Path


class EdgeproofError(Exception):
    """An error outside of edgeproof's code, with a message that says how to fix it.

    Each part is escaped for one line of a terminal, because messages often hold text from outside.

    Args:
        what: the problem, with the wrong value.
        remedy: what the user can do about it.
        file: the file with the problem.
        key: the key, column, member or tensor inside that file.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        remedy: str,
        file: Path | str | None = None,
        key: str | None = None,
    ) -> None:
        self.what = one_line(what)
        self.remedy = one_line(remedy)
        self.file = None if file is None else one_line(file)
        self.key = None if key is None else one_line(key)
        super().__init__(self.what)

    def describe(self) -> dict[str, str | None]:
        """Return the parts of the message, so that another process can raise the error again."""
        return {"what": self.what, "remedy": self.remedy, "file": self.file, "key": self.key}

    @property
    def cause(self) -> str:
        """Return a text that all errors with the same cause share; by default the message."""
        return str(self)

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key) if part)
        return f"{place + ': ' if place else ''}{self.what}. {self.remedy}"


class Unreachable(EdgeproofError):  # noqa: N818 - named for a state
    """The device is unreachable, so that all further requests will fail, too."""


class NotFinite(EdgeproofError):  # noqa: N818 - named for a state of the answers
    """The answers of a candidate hold NaN or Inf.

    Attributes:
        scheme: scheme of the candidate that gave them; None if it is unknown.
    """

    scheme: str | None = None


class TooFew(EdgeproofError):  # noqa: N818 - named for a state of the sample
    """There are too few texts for a measurement.

    Args:
        has: number of texts that exist.
        needs: number of texts that are needed.
    """

    def __init__(self, has: int, needs: int) -> None:
        texts = "1 text is" if has == 1 else f"{has:,} texts are"
        noun = "text" if needs == 1 else "texts"
        super().__init__(
            f"{texts} too few: this measurement needs at least {needs:,}",
            remedy=f"Give at least {needs:,} {noun}",
        )


class StoreError(EdgeproofError):
    """A stored file was changed, or nothing can be stored, so that every test would fail."""


class UsageMistake(EdgeproofError):  # noqa: N818 - named for a mistake of the user
    """The user's request is invalid: pytest ends with exit code 4."""

    exit_code = 4
