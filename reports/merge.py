"""Merge several runs into one results.json: `python -m reports.merge --out FILE FOLDER ...`.

Each FOLDER is the `--edge-report-dir` of a run. In the merged document, every measurement and test
names its subject and its device; devices get distinct names if several runs share subject and
device. The command prints the scoreboard of each run and, for several subjects, a table of bytes
and accuracy.

Exit codes: 0 written; 1 a document cannot be read or written; 4 usage.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from models.command_line import Parser, complain, path, run_command
from models.errors import EdgeproofError, UsageMistake
from models.escaping import one_line
from models.files.extensible_tables import read_open
from reports.documents.document import ArtefactRecord, DeviceRecord, Merged, SubjectRecord
from reports.documents.naming import device_names, identity_of, require_distinct
from reports.documents.results import new_document, read_results, write_results
from reports.documents.runs import RESULTS
from reports.texts import columns
from reports.texts.scoreboard import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from models.verdicts.measurement import Measurement
    from reports.documents.document import Document

COLUMNS = ("subject", "scheme", "bytes", "smaller", "pieces", "accuracy", "drop", "verdicts")
SIZE, RATIO, DROP = "flatbuffer_bytes", "size_ratio_bert_large_weights", "accuracy_drop"


def main(arguments: list[str] | None = None) -> int:
    """Merge the runs, write the document and print the scoreboards; return the exit code."""
    parser = Parser(prog="python -m reports.merge", description=__doc__)
    parser.add_argument(
        "folders", nargs="+", type=path, help=f"folders of runs, each with {RESULTS}"
    )
    parser.add_argument("--out", type=path, required=True, help="the document to write")
    try:
        options = parser.parse_args(arguments)
        files = [folder / RESULTS for folder in options.folders]
        if options.out in files:
            raise UsageMistake(
                "this output is also one of the inputs, so it would be overwritten",
                file=options.out,
                key="--out",
                remedy="Write the merged document to another path",
            )
        documents = [read_results(file) for file in files]
        require_distinct(zip(files, documents, strict=True))
        document = merge(documents)
        write_results(options.out, document)
    except EdgeproofError as error:
        return complain(error)
    sys.stdout.write(as_text(document))
    if len({part.subject.name for part in document.parts()}) > 1:
        sys.stdout.write(f"\n{as_table(document)}\n")
    sys.stdout.write(f"\n{one_line(options.out)}\n")
    return 0


def merge(documents: Sequence[Document]) -> Document:
    """Merge several runs into one document; `Document.parts` splits it again."""
    names = device_names([identity_of(document) for document in documents])
    documents_by_name = list(zip(names, documents, strict=True))
    subjects = dict.fromkeys(document.subject.name for document in documents)
    schemes = dict.fromkeys(scheme for document in documents for scheme in document.subject.schemes)
    first = documents[0]
    return new_document(
        run=replace(
            first.run,
            finished=max(_finished(document) for document in documents),
            localizations=[],
            merged=[_merged(name, document) for name, document in documents_by_name],
        ),
        subject=read_open({"name": " + ".join(subjects), "schemes": list(schemes)}, SubjectRecord),
        device=DeviceRecord(
            name=" + ".join(dict.fromkeys(names)),
            emulated=any(document.device.emulated for document in documents),
        ),
        circumstances=first.circumstances,
        artefacts=_artefacts(documents_by_name),
        measurements=[
            replace(measurement, device=name, subject=document.subject.name)
            for name, document in documents_by_name
            for measurement in document.measurements
        ],
        tests=[
            replace(outcome, device=name, subject=document.subject.name)
            for name, document in documents_by_name
            for outcome in document.tests
        ],
    )


def _merged(name: str, document: Document) -> Merged:
    """Return the entry for a run in the merged document, with its device renamed."""
    device = replace(document.device, name=name)
    return Merged(
        run=document.run,
        subject=document.subject,
        circumstances=document.circumstances,
        device=device,
    )


def _finished(document: Document) -> str:
    return document.run.finished or document.run.started


def _artefacts(documents: Sequence[tuple[str, Document]]) -> Iterator[ArtefactRecord]:
    """Add the subject to each artefact's name, and the device if the name is still ambiguous.

    Several boards usually run the same files, which one host has built; their names then contain no
    device.
    """
    hashes: dict[str, str] = {}
    for device, document in documents:
        for artefact in document.artefacts:
            name = f"{document.subject.name}/{artefact.name}"
            if hashes.get(name, artefact.sha256) != artefact.sha256:
                name = f"{device}/{name}"
            if name not in hashes:
                hashes[name] = artefact.sha256
                yield replace(artefact, name=name)


def as_table(document: Document) -> str:
    """Return a line for each variant, with bytes, accuracy and drop, the smallest first."""
    variants_found: dict[tuple[str, ...], dict[str, Measurement]] = {}
    for measurement in document.measurements:
        variants_found.setdefault(
            (measurement.subject, measurement.device, measurement.scheme), {}
        )[measurement.metric] = measurement
    pieces = {
        part.subject.name: part.subject.vocabulary.get("pieces", "") for part in document.parts()
    }
    variants = {key: measured for key, measured in variants_found.items() if SIZE in measured}
    rows = [
        (subject, scheme, *_cells(measured, pieces.get(subject, "")))
        for (subject, _, scheme), measured in sorted(
            variants.items(), key=lambda item: item[1][SIZE].value
        )
    ]
    table = [COLUMNS, *rows]
    return "\n".join(columns.as_lines(table, left=range(len(COLUMNS)), ruled=False))


def _cells(measured: Mapping[str, Measurement], pieces: object) -> tuple[str, ...]:
    judged = [
        f"{measured[m].verdict}" for m in (RATIO, DROP) if m in measured and measured[m].verdict
    ]
    return (
        f"{measured[SIZE].value:,.0f}",
        f"{measured[RATIO].value:,.0f} x" if RATIO in measured else "",
        f"{pieces:,}" if isinstance(pieces, int) else "",
        _accuracy(measured["accuracy"]) if "accuracy" in measured else "",
        _drop(measured[DROP]) if DROP in measured else "",
        ", ".join(judged),
    )


def _accuracy(measurement: Measurement) -> str:
    """Return an accuracy; with its interval if it comes from a part of the texts."""
    interval = _interval(measurement) if measurement.is_of_a_part else ""
    return f"{100 * measurement.value:.1f}{interval} %"


def _drop(measurement: Measurement) -> str:
    return f"{100 * measurement.value:.1f}{_interval(measurement)} points"


def _interval(measurement: Measurement) -> str:
    """Return the 95 % interval of a share, in percent and after a space."""
    ends = (
        "?" if end is None else f"{100 * end:.1f}" for end in (measurement.low, measurement.high)
    )
    return f" [{', '.join(ends)}]"


if __name__ == "__main__":
    sys.exit(run_command(main))
