"""Read and write faults.json: the planted faults of each gate, and the result of each.

`suites/meta/gates` plants the faults and writes the file; the report uses it to show that each gate
can fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from models.errors import EdgeproofError, UsageMistake
from models.files.json_documents import parse_json, problem_and_place
from models.files.regular_files import LARGEST_DOCUMENT, read_regular, write_whole
from models.files.toml_tables import Table
from reports.documents.naming import commit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SCHEMA_VERSION = 1
WRITTEN_BY = "Run `tox -e meta`, which writes this file again"
# Name of the property in which a test that plants a fault records the message of the gate.
SAID = "the gate said"
# Folder of edgeproof's own tests, which do not judge a subject.
META = "suites/meta/"


class Seen(Table, frozen=True, kw_only=True, omit_defaults=True):
    """The result of planting a fault.

    Attributes:
        outcome: `red` if the gate failed, as it must; `missed` if it did not, which fails
            `tox -e meta`; `skipped` if this machine lacks something that the fault needs.
        said: message of the gate, or why the fault was missed or skipped.
        when: date and time, ISO 8601.
        commit: commit of the checkout; "" if unknown.
        changed: whether the checkout had uncommitted changes.
    """

    outcome: Literal["red", "missed", "skipped"]
    said: str
    when: str
    commit: str = ""
    changed: bool = False


class PlantedFault(Table, frozen=True, kw_only=True, omit_defaults=True):
    """A planted fault, and the gate that must turn red.

    Attributes:
        name: unique description of the fault.
        of: the faulty part: data, conversion, runtime, statistics, ...
        gate: id of the gate's test, without parameters.
        only: part of the parameters of the tests that turn red; "" if all of them do.
        file: the source file with the fault; "" if the fault is planted in a file that a run makes.
        seen: the last result; None if the fault was never planted on this machine.
    """

    name: str
    of: str
    gate: str
    only: str = ""
    file: str = ""
    seen: Seen | None = None

    @property
    def is_shown(self) -> bool:
        """Tell whether the gate turned red when the fault was planted."""
        return self.seen is not None and self.seen.outcome == "red"


class _File(Table, frozen=True, kw_only=True):
    schema: int
    faults: list[PlantedFault]


def read_faults(file: Path) -> list[PlantedFault]:
    """Read the planted faults, in the order in which they were written.

    Raises:
        UsageMistake: the file is missing, unreadable, not JSON, has another schema version, or is
            not valid.
    """
    try:
        table = msgspec.convert(parse_json(read_regular(file, LARGEST_DOCUMENT)), type=_File)
    except FileNotFoundError:
        raise UsageMistake(
            "no such file", file=file, remedy="Run `tox -e meta`, which writes this file"
        ) from None
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})", file=file, remedy="Give a readable file"
        ) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        problem, location = problem_and_place(error)
        key = location or None
        raise UsageMistake(
            f"is not a table of planted faults ({problem})", file=file, key=key, remedy=WRITTEN_BY
        ) from None
    if table.schema != SCHEMA_VERSION:
        raise UsageMistake(
            f"has the schema version {table.schema}, not {SCHEMA_VERSION}",
            file=file,
            key="schema",
            remedy=WRITTEN_BY,
        )
    return table.faults


def write_faults(file: Path, faults: Iterable[PlantedFault]) -> None:
    """Write the planted faults atomically.

    Raises:
        EdgeproofError: the folder cannot be written to.
    """
    text = msgspec.json.encode(_File(schema=SCHEMA_VERSION, faults=list(faults)))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(file) as draft:
            draft.write(msgspec.json.format(text, indent=1) + b"\n")
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})",
            file=file,
            remedy="Free space on its disk, or make the folder writable",
        ) from None


def gate_of(test: str) -> str:
    """Return a test's id without its parameters."""
    return test.partition("[")[0]


def by_gate(faults: Iterable[PlantedFault]) -> dict[str, list[PlantedFault]]:
    """Return the faults of each gate, sorted by the gates' ids, edgeproof's own tests last."""
    faults_of: dict[str, list[PlantedFault]] = {}
    for fault in sorted(faults, key=lambda fault: (fault.gate.startswith(META), fault.gate)):
        faults_of.setdefault(fault.gate, []).append(fault)
    return faults_of


def sentences(faults: Sequence[PlantedFault]) -> list[tuple[str, str]]:
    """Return pairs of a heading and the names of faults, for the faults of one gate."""
    seen_here = [fault.name for fault in faults if fault.is_shown]
    not_seen = [fault.name for fault in faults if not fault.is_shown]
    groups = [
        ("Shown to fail for", seen_here),
        ("Must fail for, but not tried on this machine", not_seen),
    ]
    return [(label, "; ".join(names)) for label, names in groups if names]


def planted_at(faults: Iterable[PlantedFault]) -> list[str]:
    """Return the commits and dates at which the faults were planted, the latest first."""
    sightings = sorted(
        (fault.seen for fault in faults if fault.seen),
        key=lambda sighting: sighting.when,
        reverse=True,
    )
    lines = (
        f"{commit_of(sighting.commit, changed=sighting.changed)} on {sighting.when[:10]}".strip()
        for sighting in sightings
    )
    return list(dict.fromkeys(lines))
