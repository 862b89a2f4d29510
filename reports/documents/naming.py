"""Give runs distinct names, so that two runs of one subject on one device can be told apart."""

from __future__ import annotations

import hashlib
import itertools
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from reports.documents.document import Document

# Maximum length of a slug in bytes. File systems allow 255 for a name, which also contains other
# parts.
LONGEST = 120


class Identity(NamedTuple):
    """The facts that distinguish a run from other runs.

    Attributes:
        subject: name of the subject.
        device: name of the device.
        target: address of the device; None for this machine, or if unknown.
        commit: the commit as from `commit_of`; "" if unknown.
        moment: the start as from `moment_of`.
    """

    subject: str
    device: str
    target: str | None
    commit: str
    moment: str

    @property
    def address(self) -> str:
        """Return a board's address without scheme and path: "pi@one" for "ssh://pi@one/path"."""
        return (self.target or "").rpartition("://")[2].partition("/")[0]


def identity_of(document: Document) -> Identity:
    """Return the facts that distinguish a run from other runs."""
    run, device = document.run, document.device
    names = document.subject.name, device.name
    commit = commit_of(run.commit, changed=run.changed)
    return Identity(*names, device.target, commit, moment_of(run.started))


def device_names(runs: Sequence[Identity]) -> list[str]:
    """Return a name for each run's device, unique among runs of the same subject.

    If several runs have the same device name, append the first fact in which they differ: the
    board's address, the commit, the time of the start, or else a number.
    """
    names = [(run.subject, run.device) for run in runs]
    for facts in (
        [run.address for run in runs],
        [run.commit for run in runs],
        [run.moment for run in runs],
    ):
        names = _told_apart(names, facts)
    return _numbered(names)


def require_distinct(documents: Iterable[tuple[Path, Document]]) -> None:
    """Check that each document contains one run, and that all runs differ.

    Raises:
        UsageMistake: a document combines several runs, or two contain the same run.
    """
    files: dict[str, Path] = {}
    for file, document in documents:
        if document.merged is not None:
            raise UsageMistake(
                "combines several runs, but one run is needed here",
                file=file,
                remedy="Give the folders of the single runs instead",
            )
        first = files.setdefault(document.run.id, file)
        if first is not file:
            raise UsageMistake(
                f"contains the same run as {first}", file=file, remedy="Give each run only once"
            )


def _numbered(named: list[tuple[str, str]]) -> list[str]:
    """Append a number to names that are still shared, avoiding names that exist."""
    used = set(named)
    names = []
    for subject, device in named:
        name = device
        if named.count((subject, device)) > 1:
            numbers = (f"{device}-{number}" for number in itertools.count(1))
            name = next(candidate for candidate in numbers if (subject, candidate) not in used)
            used.add((subject, name))
        names.append(name)
    return names


def _told_apart(names: list[tuple[str, str]], facts: list[str]) -> list[tuple[str, str]]:
    """Append its run's fact to each name that several runs share, if their facts differ."""
    pairs = list(zip(names, facts, strict=True))

    def told(name: tuple[str, str], fact: str) -> tuple[str, str]:
        differ = len({fact_of for name_of, fact_of in pairs if name_of == name}) > 1
        return (name[0], f"{name[1]}, {fact}") if differ and fact else name

    return [told(name, fact) for name, fact in pairs]


def commit_of(commit: str | None, *, changed: bool | None) -> str:
    """Return a commit's short hash, and whether there were uncommitted changes; "" if unknown."""
    changes = " with changes" if changed else ""
    return f"commit {commit[:9]}{changes}" if commit else ""


def slug(name: str) -> str:
    """Return a name that is safe for files; a long one is shortened, and a hash is appended."""
    plain = re.sub(r"[^\w.]+", "-", name)
    if len(plain.encode()) <= LONGEST:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain.encode()[:LONGEST].decode(errors='ignore')}-{digest}"


def moment_of(started: str) -> str:
    """Return when a run began, to the minute, in UTC; `started` is ISO 8601."""
    began = datetime.fromisoformat(started).astimezone(UTC)
    return f"{began:%Y-%m-%d %H:%M} UTC"
