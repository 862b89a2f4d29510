"""Build documents for tests from tables in the form of results.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.files.extensible_tables import as_plain, read_open
from reports.documents.document import (
    ArtefactRecord,
    Circumstances,
    DeviceRecord,
    Document,
    Outcome,
    Run,
    SubjectRecord,
)
from reports.documents.results import as_document, new_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.verdicts.measurement import Measurement

Table = dict[str, Any]


def document_from(  # noqa: PLR0913 - callers pass all by name
    *,
    run: Table,
    subject: Table,
    device: Table,
    circumstances: Mapping[str, object],
    artefacts: Sequence[Table],
    measurements: Iterable[Measurement],
    tests: Iterable[Outcome] = (),
) -> Document:
    """Return the document that a run with these tables writes."""
    return new_document(
        run=read_open(run, Run),
        subject=read_open(subject, SubjectRecord),
        device=read_open(device, DeviceRecord),
        circumstances=read_open(circumstances, Circumstances),
        artefacts=read_open(artefacts, list[ArtefactRecord]),
        measurements=measurements,
        tests=tests,
    )


def changed(document: Document, **tables: Any) -> Document:
    """Return a copy of a document with these values in its tables, or with these lists."""
    plain = as_plain(document)
    for name, table in tables.items():
        plain[name] = plain[name] | table if isinstance(table, dict) else as_plain(table)
    return as_document(plain)
