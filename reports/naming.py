"""Give runs distinct names: two runs of one subject on one device must not hide each other."""

from __future__ import annotations

import hashlib
import itertools
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Bytes of a slug: file systems take 255, some of which are for what stands around it.
LONGEST = 120


def device_names(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for the device of each run: its own, unless another run of its subject has it.

    Where one does, what they differ in is added: the board's address, the commit, then when they
    began, then a number.
    """
    named = [(str(one["subject"]["name"]), str(one["device"]["name"])) for one in documents]
    for facts in (
        [_address_of(one["device"]) for one in documents],
        [commit_of(one["run"]) for one in documents],
        [moment_of(one["run"]) for one in documents],
    ):
        named = _told_apart(named, facts)
    return _numbered(named)


def _numbered(named: list[tuple[str, str]]) -> list[str]:
    """Append a number to names that are still shared, avoiding names that exist."""
    used = set(named)
    names = []
    for subject, device in named:
        name = device
        if named.count((subject, device)) > 1:
            numbers = (f"{device}-{number}" for number in itertools.count(1))
            name = next(each for each in numbers if (subject, each) not in used)
            used.add((subject, name))
        names.append(name)
    return names


def _told_apart(named: list[tuple[str, str]], facts: list[str]) -> list[tuple[str, str]]:
    """Add a distinguishing fact to the names that several runs share."""
    known = list(zip(named, facts, strict=True))

    def told(name: tuple[str, str], fact: str) -> tuple[str, str]:
        differ = len({other for one, other in known if one == name}) > 1
        return (name[0], f"{name[1]}, {fact}") if differ and fact else name

    return [told(name, fact) for name, fact in known]


def _address_of(device: Mapping[str, Any]) -> str:
    """Return a board's address without scheme and path: "pi@one" of "ssh://pi@one/of/python"."""
    return str(device.get("target", "")).rpartition("://")[2].partition("/")[0]


def commit_of(run: Mapping[str, Any]) -> str:
    """Return the short commit of a run; "" if unknown."""
    commit = run.get("commit")
    return f"commit {commit[:9]}{' with changes' if run.get('changed') else ''}" if commit else ""


def slug(name: str) -> str:
    """Return a name that is safe for files; a long one is cut and gets a hash."""
    plain = re.sub(r"[^\w.]+", "-", name)
    if len(plain.encode()) <= LONGEST:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain.encode()[:LONGEST].decode(errors='ignore')}-{digest}"


def moment_of(run: Mapping[str, Any]) -> str:
    """Return when a run began, to the minute, in UTC."""
    began = datetime.fromisoformat(str(run["started"])).astimezone(UTC)
    return f"{began:%Y-%m-%d %H:%M} UTC"
