"""Several subjects in one results.json: `python -m reports.merge --out FILE FOLDER ...`.

Each folder is what `--edge-report-dir` was given: it holds the results.json of one subject. Every
measurement and every test says which subject it is of. Prints bytes against accuracy, smallest
file first.

Exit codes: 0 written; 1 a document cannot be read or written, or they do not go together.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from models.errors import EdgeproofError
from reports.results import measurements_of, new_document, outcomes_of, read_results, write_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.verdicts.measurement import Measurement

FILE = "results.json"
COLUMNS = ("subject", "scheme", "bytes", "smaller", "pieces", "accuracy", "drop", "verdicts")
SIZE, RATIO, DROP = "flatbuffer_bytes", "size_ratio_bert_large_weights", "accuracy_drop"


def main(arguments: list[str] | None = None) -> int:
    """Merge, write, print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reports.merge", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="where runs left their results.json")
    parser.add_argument("--out", type=Path, required=True, help="the document to write")
    options = parser.parse_args(arguments)
    try:
        document = merge([read_results(folder / FILE) for folder in options.folders])
        write_results(options.out, document)
    except EdgeproofError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(as_table(document) + "\n")
    return 0


def merge(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one document of several, each of another subject.

    Raises:
        EdgeproofError: two are of one subject, or they were not measured on one device.
    """
    names = [one["subject"]["name"] for one in documents]
    if len(set(names)) != len(names):
        raise _apart(f"two of {', '.join(names)} are one subject")
    if any(one["device"] != documents[0]["device"] for one in documents):
        raise _apart(f"{', '.join(names)} were not measured on one device")
    named = list(zip(names, documents, strict=True))
    schemes = [scheme for one in documents for scheme in one["subject"]["schemes"]]
    return new_document(
        run=dict(documents[0]["run"])
        | {
            "finished": documents[-1]["run"].get("finished"),
            "localizations": [
                found | {"tests": [f"{test} of {name}" for test in found["tests"]]}
                for name, one in named
                for found in one["run"].get("localizations", [])
            ],
        },
        subject={
            "name": " + ".join(names),
            "schemes": list(dict.fromkeys(schemes)),
            "subjects": [one["subject"] for one in documents],
        },
        device=documents[0]["device"],
        circumstances=dict(documents[0]["circumstances"])
        | {"subjects": {name: one["circumstances"] for name, one in named}},
        artefacts=[
            dict(artefact) | {"name": f"{name}/{artefact['name']}"}
            for name, one in named
            for artefact in one["artefacts"]
        ],
        measurements=[
            msgspec.structs.replace(measurement, subject=name)
            for name, one in named
            for measurement in measurements_of(one)
        ],
        tests=[
            msgspec.structs.replace(outcome, id=f"{outcome.id} of {name}")
            for name, one in named
            for outcome in outcomes_of(one)
        ],
    )


def as_table(document: Mapping[str, Any]) -> str:
    """Return one line for each variant: its bytes, accuracy and drop, the smallest first."""
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for one in measurements_of(document):
        found.setdefault((one.subject, one.scheme), {})[one.metric] = one
    pieces = {
        subject["name"]: subject.get("vocabulary", {}).get("pieces", "")
        for subject in document["subject"]["subjects"]
    }
    variants = {key: taken for key, taken in found.items() if SIZE in taken}
    rows = [
        (subject, scheme, *_cells(taken, pieces[subject]))
        for (subject, scheme), taken in sorted(variants.items(), key=lambda kv: kv[1][SIZE].value)
    ]
    widths = [max(len(row[at]) for row in (COLUMNS, *rows)) for at in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (COLUMNS, *rows)
    ]
    return "\n".join(lines)


def _cells(taken: Mapping[str, Measurement], pieces: object) -> tuple[str, ...]:
    judged = [f"{taken[m].verdict}" for m in (SIZE, DROP) if m in taken and taken[m].verdict]
    return (
        f"{taken[SIZE].value:,.0f}",
        f"{taken[RATIO].value:,.0f} x" if RATIO in taken else "",
        f"{pieces:,}" if isinstance(pieces, int) else "",
        f"{100 * taken['accuracy'].value:.1f} %" if "accuracy" in taken else "",
        _drop(taken[DROP]) if DROP in taken else "",
        ", ".join(judged),
    )


def _drop(one: Measurement) -> str:
    ends = ("?" if end is None else f"{100 * end:.1f}" for end in (one.low, one.high))
    return f"{100 * one.value:.1f} [{', '.join(ends)}] points"


def _apart(what: str) -> EdgeproofError:
    return EdgeproofError(what, remedy="Give the folders of one subject each, from one device")


if __name__ == "__main__":
    sys.exit(main())
