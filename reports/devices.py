"""`python -m reports.devices FOLDER... --out FILE`: one document of one subject on several devices.

What was measured of a board that was lost is in it too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from models.errors import EdgeproofError
from reports.results import (
    measurements_of,
    new_document,
    outcomes_of,
    read_results,
    write_results,
)
from reports.scoreboard import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.verdicts.measurement import Measurement
    from reports.results import Outcome

FILE = "results.json"


def main(arguments: list[str] | None = None) -> int:
    """Merge, write, print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reports.devices", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="where runs left their results.json")
    parser.add_argument("--out", type=Path, required=True, help="the document to write")
    options = parser.parse_args(arguments)
    try:
        documents = [read_results(folder / FILE) for folder in options.folders]
        write_results(options.out, merge_devices(documents))
    except EdgeproofError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for one in documents:
        sys.stdout.write(f"\n{one['device']['name']}\n{as_text(one)}")
    sys.stdout.write(f"\n{options.out}\n")
    return 0


def merge_devices(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one document of several, each of the same subject on another device.

    Two boards of one kind are told apart by a number.

    Raises:
        EdgeproofError: they are of different subjects.
    """
    subjects = {one["subject"]["name"] for one in documents}
    if len(subjects) != 1:
        raise EdgeproofError(
            f"{', '.join(sorted(subjects))} are different subjects",
            remedy="Merge runs of one subject on several devices",
        )
    named = list(zip(_names(documents), documents, strict=True))
    first = documents[0]
    artefacts = {one["name"]: one for document in documents for one in document["artefacts"]}
    return new_document(
        run=dict(first["run"]) | {"finished": max(_finished(one) for one in documents)},
        subject=first["subject"],
        device={
            "name": " + ".join(name for name, _ in named),
            "emulated": any(one["device"]["emulated"] for one in documents),
            "devices": {name: one["device"] for name, one in named},
        },
        circumstances=dict(first["circumstances"])
        | {"devices": {name: one["circumstances"] for name, one in named}},
        artefacts=artefacts.values(),
        measurements=[
            _of(measurement, name) for name, one in named for measurement in measurements_of(one)
        ],
        tests=[
            _outcome(outcome, one["device"]["name"], name)
            for name, one in named
            for outcome in outcomes_of(one)
        ],
    )


def _names(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name each device as its document does, and number those that are named alike."""
    given = [str(one["device"]["name"]) for one in documents]
    return [
        name if given.count(name) == 1 else f"{name}-{1 + given[:at].count(name)}"
        for at, name in enumerate(given)
    ]


def _finished(document: Mapping[str, Any]) -> str:
    return str(document["run"].get("finished", document["run"]["started"]))


def _of(measurement: Measurement, name: str) -> Measurement:
    test = _renamed(measurement.test, measurement.device, name)
    return msgspec.structs.replace(measurement, device=name, test=test)


def _outcome(outcome: Outcome, old: str, new: str) -> Outcome:
    """Return how a test ended under an id that says on which device."""
    renamed = _renamed(outcome.id, old, new)
    told = renamed if f"[{new}-" in renamed else f"{renamed} on {new}"
    return msgspec.structs.replace(outcome, id=told)


def _renamed(test: str, old: str, new: str) -> str:
    return test.replace(f"[{old}-", f"[{new}-", 1)


if __name__ == "__main__":
    sys.exit(main())
