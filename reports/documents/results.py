"""Read and write results.json, the document of a run from which every report is drawn.

Its schema is results.schema.json, its types are in `reports.documents.document`. It is written
atomically, and equal contents give equal files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from models.errors import EdgeproofError
from models.escaping import in_json
from models.files.extensible_tables import as_plain, read_open
from models.files.json_documents import parse_json, problem_and_place
from models.files.regular_files import LARGEST_DOCUMENT, read_text, write_whole
from models.verdicts.measurement import Measurement
from reports.documents.document import (
    ArtefactRecord,
    Circumstances,
    DeviceRecord,
    Document,
    Outcome,
    Run,
    SubjectRecord,
)
from reports.documents.migration import migrated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.files.extensible_tables import Open

SCHEMA_VERSION = 4
SCHEMA_FILE = Path(__file__).with_name("results.schema.json")
TOP_LEVEL = Document.__struct_fields__


def new_document(  # noqa: PLR0913 - one keyword for each part of a document
    *,
    run: Run,
    subject: SubjectRecord,
    device: DeviceRecord,
    circumstances: Circumstances,
    artefacts: Iterable[ArtefactRecord],
    measurements: Iterable[Measurement],
    tests: Iterable[Outcome] = (),
) -> Document:
    """Assemble a document, with keys and measurements in a fixed order.

    Args:
        run: facts of the run besides its numbers.
        subject: the judged subject.
        device: the device.
        circumstances: the circumstances of the run.
        artefacts: the judged and used files, in any order.
        measurements: the measurements, in any order.
        tests: the outcomes of the tests, in the order in which they ran.

    Raises:
        EdgeproofError: a value is mistyped, or a number is not finite.
    """
    document = {
        "schema": SCHEMA_VERSION,
        "run": _sorted(run),
        "subject": _sorted(subject),
        "device": _sorted(device),
        "circumstances": _sorted(circumstances),
        "artefacts": [
            _sorted(artefact) for artefact in sorted(artefacts, key=lambda artefact: artefact.name)
        ],
        "measurements": [
            measurement.to_dict() for measurement in sorted(measurements, key=_measurement_order)
        ],
        "tests": as_plain(list(tests)),
    }
    _serialized(document, None)
    return as_document(document)


def write_results(path: Path, document: Document) -> None:
    """Write a document atomically: `path` contains either the old one or the new one.

    Raises:
        EdgeproofError: the document is not valid, or the folder cannot be written to.
    """
    plain = as_plain(document)
    text = _serialized(plain, path)
    as_document(plain, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})",
            file=path,
            remedy="Free space on its disk, or make the folder writable",
        ) from None


def read_results(path: Path) -> Document:
    """Read and check a document; convert an earlier version into the current version.

    Raises:
        EdgeproofError: the file is missing, unreadable, not JSON, has a later schema version, or is
            not valid.
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
    return as_document(_of_today(document, path), path)


def as_document(plain: object, path: Path | None = None) -> Document:
    """Convert the content of results.json into types; check the version, then the schema.

    Args:
        plain: the parsed JSON.
        path: path of the file, for messages; None if there is no file yet.

    Raises:
        EdgeproofError: the content has an unknown version or is not valid.
    """
    version = plain.get("schema") if isinstance(plain, dict) else None
    if not isinstance(plain, dict) or version != SCHEMA_VERSION:
        raise EdgeproofError(
            f"has the unknown schema version {version!r}",
            file=path,
            key="schema",
            remedy=f"This edgeproof reads versions 1 to {SCHEMA_VERSION}: run the suite again",
        )
    try:
        # Measurements are validated separately, with messages of their own.
        rows = msgspec.convert(plain["measurements"], list[Any]) if "measurements" in plain else []
        without = plain if "measurements" not in plain else plain | {"measurements": []}
        document = read_open(without, Document)
    except RecursionError:
        raise EdgeproofError(
            "cannot be read, because its tables and lists are nested too deeply",
            file=path,
            remedy="Run the suite again, which replaces this file",
        ) from None
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        problem, location = problem_and_place(error)
        raise EdgeproofError(
            problem,
            file=path,
            key=location or "top level",
            remedy=f"Correct the document as {SCHEMA_FILE.name} demands",
        ) from None
    measurements = [_measurement(row, index, path) for index, row in enumerate(rows)]
    document = msgspec.structs.replace(document, measurements=measurements)
    if document.merged is not None:
        _check_owners(document, path)
    return document


def _measurement(plain: object, index: int, path: Path | None) -> Measurement:
    """Convert the entry at `index` of a document's measurements; an error names the entry."""
    key = f"measurements[{index}]"
    try:
        return Measurement.from_dict(plain)
    except EdgeproofError as error:
        raise EdgeproofError(error.what, file=path, key=key, remedy=error.remedy) from None


def _of_today(document: Any, path: Path) -> Any:
    """Convert a document of an earlier version; return others unchanged."""
    version = document.get("schema") if isinstance(document, dict) else None
    if type(version) is not int or not 0 < version < SCHEMA_VERSION:
        return document
    try:
        return migrated(document, SCHEMA_VERSION)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EdgeproofError(
            f"is not a valid document of version {version} ({type(error).__name__}: {error})",
            file=path,
            remedy="Run the suite again",
        ) from None


def _check_owners(document: Document, path: Path | None) -> None:
    """Reject a measurement or test unless exactly one run has its subject and device."""
    runs = [(part.subject.name, part.device.name) for part in document.merged or ()]
    owners_of = {
        "measurements": [
            (measurement.subject, measurement.device) for measurement in document.measurements
        ],
        "tests": [(test.subject, test.device) for test in document.tests],
    }
    for kind, owners in owners_of.items():
        for index, owner in enumerate(owners):
            if runs.count(owner) != 1:
                raise EdgeproofError(
                    f"is for {owner[0]!r} on {owner[1]!r}, but {runs.count(owner)} "
                    "runs in the document have this subject and device",
                    file=path,
                    key=f"{kind}[{index}]",
                    remedy="Merge the runs again: python -m reports.merge",
                )


def _serialized(plain: dict[str, Any], path: Path | None) -> str:
    try:
        text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EdgeproofError(
            f"contains a value that JSON cannot represent ({error})",
            file=path,
            remedy="Put only text, finite numbers, lists and tables in it",
        ) from None
    return in_json(text) + "\n"


def _sorted(table: Open) -> dict[str, Any]:
    """Return a table's plain values with its keys in alphabetical order."""
    return dict(sorted(as_plain(table).items()))


def _measurement_order(measurement: Measurement) -> tuple[str, ...]:
    return (
        measurement.scheme,
        measurement.metric,
        measurement.backend or "",
        measurement.device,
        measurement.test,
    )
