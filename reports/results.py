"""Read and write results.json, the document of a run from which every report is drawn.

Its schema is results.schema.json. Written whole or not at all, and alike for alike contents.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from models.documents import parse_json
from models.errors import EdgeproofError
from models.files import LARGEST_DOCUMENT, read_text, write_whole
from models.foreign_text import in_json
from models.tables import Table
from models.verdicts.measurement import Measurement
from reports.contract import Circumstances, NamedDevice, NamedSubject, Run, check_details
from reports.migration import migrated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA_VERSION = 4
SCHEMA_FILE = Path(__file__).with_name("results.schema.json")
TOP_LEVEL = (
    "schema",
    "run",
    "subject",
    "device",
    "circumstances",
    "artefacts",
    "measurements",
    "tests",
)


class Artefact(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact: its name, the SHA-256 and the size of its file."""

    name: str
    sha256: str
    bytes: int


class Outcome(Table, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of a test; `message` says why it did not pass.

    Where several runs are one document, `subject` and `device` say whose it is.
    """

    id: str
    outcome: Literal[
        "passed",
        "failed",
        "error",
        "xfailed",
        "xpassed",
        "measured",
        "skipped",
        "not_applicable",
        "not_run",
    ]
    seconds: float
    message: str = ""
    subject: str = ""
    device: str = ""


class Document(Table, frozen=True, kw_only=True):
    """The top level of the document; the open tables may have further keys."""

    schema: int
    run: Run
    subject: NamedSubject
    device: NamedDevice
    circumstances: Circumstances
    artefacts: list[Artefact]
    measurements: list[dict[str, Any]]
    tests: list[Outcome]


def new_document(  # noqa: PLR0913 - the contract's keys, all named
    *,
    run: Mapping[str, Any],
    subject: Mapping[str, Any],
    device: Mapping[str, Any],
    circumstances: Mapping[str, Any],
    artefacts: Iterable[Mapping[str, Any]],
    measurements: Iterable[Measurement],
    tests: Iterable[Outcome] = (),
) -> dict[str, Any]:
    """Put a document together, with keys and measurements in a fixed order.

    Args:
        run: see `reports.contract.Run`; more keys are welcome, here and below.
        subject: see `NamedSubject` there.
        device: see `NamedDevice` there.
        circumstances: versions, backends, threads, load; `backend` names the one that is judged.
        artefacts: see `Artefact`.
        measurements: in any order.
        tests: how each ended, in the order they ran.

    Raises:
        EdgeproofError: a required key is missing or mistyped, or a number is not finite.
    """
    document = {
        "schema": SCHEMA_VERSION,
        "run": _sorted(run),
        "subject": _sorted(subject),
        "device": _sorted(device),
        "circumstances": _sorted(circumstances),
        "artefacts": sorted((_sorted(artefact) for artefact in artefacts), key=_artefact_order),
        "measurements": [one.to_dict() for one in sorted(measurements, key=_measurement_order)],
        "tests": [msgspec.to_builtins(one) for one in tests],
    }
    _check(document, None)
    _serialized(document, None)
    return document


def write_results(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document atomically: `path` holds the old one or the new one.

    Raises:
        EdgeproofError: the document is not valid, or the folder cannot be written to.
    """
    _check(document, path)
    text = _serialized(document, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})",
            file=path,
            remedy="Free space there, or make the folder writable",
        ) from None


def read_results(path: Path) -> dict[str, Any]:
    """Read and check a document; one of an earlier version is returned as one of this version.

    Raises:
        EdgeproofError: missing, unreadable, not JSON, of a later schema version, or not valid.
    """
    try:
        document = parse_json(read_text(path, LARGEST_DOCUMENT))
    except FileNotFoundError:
        raise EdgeproofError(
            "no such file", file=path, remedy="Run the suite first: it writes this file"
        ) from None
    except (OSError, ValueError) as error:
        raise EdgeproofError(
            f"cannot be read as JSON ({error})", file=path, remedy="Run the suite again"
        ) from None
    document = _of_today(document, path)
    _check(document, path)
    return dict(document)


def measurements_of(document: Mapping[str, Any]) -> list[Measurement]:
    """Return the measurements of a document, typed.

    Raises:
        EdgeproofError: one of them is not valid.
    """
    return [Measurement.from_dict(one) for one in document["measurements"]]


def outcomes_of(document: Mapping[str, Any]) -> list[Outcome]:
    """Return how the tests of a document ended, typed."""
    return msgspec.convert(document["tests"], type=list[Outcome])


def _check(document: object, path: Path | None) -> None:
    """Reject what breaks the contract, the version first."""
    version = document.get("schema") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise EdgeproofError(
            f"has the schema version {version!r}",
            file=path,
            key="schema",
            remedy=f"This edgeproof reads versions 1 to {SCHEMA_VERSION}: run the suite again",
        )
    try:
        typed = msgspec.convert(document, type=Document, strict=True)
    except RecursionError:
        raise EdgeproofError(
            "is nested too deeply", file=path, remedy="Run the suite again"
        ) from None
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        what, _, where = str(error).partition(" - at `$")
        raise EdgeproofError(
            what, file=path, key=where.strip("`.") or "top level", remedy=f"See {SCHEMA_FILE.name}"
        ) from None
    if typed.run.merged is not None:
        _check_owners(typed, path)
    for index, one in enumerate(typed.measurements):
        try:
            check_details(Measurement.from_dict(one).details)
        except EdgeproofError as error:
            raise EdgeproofError(
                error.what, file=path, key=f"measurements[{index}]", remedy=error.remedy
            ) from None
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise EdgeproofError(
                str(error), file=path, key=f"measurements[{index}]", remedy="Run the suite again"
            ) from None


def _of_today(document: Any, path: Path) -> Any:
    """Return a document of an earlier version as one of this version, any other as it is."""
    version = document.get("schema") if isinstance(document, dict) else None
    if type(version) is not int or not 0 < version < SCHEMA_VERSION:
        return document
    try:
        return migrated(document, SCHEMA_VERSION)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EdgeproofError(
            f"does not keep the contract of version {version} ({type(error).__name__}: {error})",
            file=path,
            remedy="Run the suite again",
        ) from None


def _check_owners(document: Document, path: Path | None) -> None:
    """Reject measurements and tests of runs that the document does not list."""
    runs = [(one.subject.name, one.device.name) for one in document.run.merged or ()]
    whose = {
        "measurements": [(one.get("subject"), one.get("device")) for one in document.measurements],
        "tests": [(one.subject, one.device) for one in document.tests],
    }
    for kind, owners in whose.items():
        for index, owner in enumerate(owners):
            if runs.count(owner) != 1:
                raise EdgeproofError(
                    f"is of {owner[0]!r} on {owner[1]!r}, and {runs.count(owner)} runs are of that",
                    file=path,
                    key=f"{kind}[{index}]",
                    remedy="Merge the runs again: python -m reports.merge",
                )


def _serialized(document: Mapping[str, Any], path: Path | None) -> str:
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EdgeproofError(
            f"holds what JSON cannot ({error})",
            file=path,
            remedy="Put only text, finite numbers, lists and tables in it",
        ) from None
    return in_json(text) + "\n"


def _sorted(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: table[key] for key in sorted(table)}


def _artefact_order(artefact: Mapping[str, Any]) -> str:
    return str(artefact.get("name"))


def _measurement_order(one: Measurement) -> tuple[str, ...]:
    return (one.scheme, one.metric, one.backend or "", one.device, one.test)
