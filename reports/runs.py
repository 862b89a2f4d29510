"""The folders a report is drawn from: each a run's `results.json` and its `allure-results/`."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ALLURE_RESULTS = "allure-results"
RESULTS = "results.json"
RUN_FIRST = "Run `tox -e host` first: it writes them"


@dataclass
class Run:
    """One run.

    Attributes:
        folder: what was named on the command line.
        tests: Allure's result of each test, by its file.
        unreadable: files that a killed run left half-written.
        document: its results.json; None where it measured nothing.
    """

    folder: Path
    tests: dict[Path, dict[str, Any]]
    unreadable: list[Path]
    document: dict[str, Any] | None

    @property
    def allure_results(self) -> Path:
        """Where Allure's results lie."""
        return self.folder / ALLURE_RESULTS

    @property
    def devices(self) -> set[str]:
        """The devices that its tests name."""
        return {device for test in self.tests.values() for device in labels_of(test, "device")}

    @property
    def began(self) -> float:
        """When its first test began, in milliseconds since 1970."""
        return min((float(test["start"]) for test in self.tests.values()), default=math.inf)


@dataclass(frozen=True)
class Survey:
    """What several runs hold: tests, when the first began, what is known of each device."""

    tests: int
    began: float
    devices: dict[str, dict[str, str]] = field(default_factory=dict)


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises:
        UsageMistake: there are no results in it.
        EdgeproofError: its results.json is not valid.
    """
    from reports.results import read_results  # noqa: PLC0415 - a usage mistake must not wait

    tests, unreadable = {}, []
    for file in sorted((folder / ALLURE_RESULTS).glob("*-result.json")):
        try:
            test = json.loads(file.read_text(encoding="utf-8"))
            float(test["start"])
            labels_of(test, "device")
            tests[file] = test
        except (OSError, ValueError, KeyError, TypeError):
            unreadable.append(file)
    if not tests:
        raise UsageMistake(
            f"holds no results yet in {ALLURE_RESULTS}/", file=folder, remedy=RUN_FIRST
        )
    known = folder / RESULTS
    document = read_results(known) if known.is_file() else None
    return Run(folder, tests, unreadable, document)


def labels_of(test: dict[str, Any], name: str) -> list[str]:
    """The values of a label of one of Allure's results."""
    return [str(label["value"]) for label in test["labels"] if label["name"] == name]


def test_id(test: dict[str, Any]) -> str:
    """The id that pytest gave the test of one of Allure's results."""
    return "/".join(test.get("titlePath", ())) + f"::{test['name']}"


def survey(runs: Iterable[Run]) -> Survey:
    """Count the tests of several runs, and gather what is known of their devices."""
    every = list(runs)
    devices: dict[str, dict[str, str]] = {}
    for run in every:
        for device in sorted(run.devices):
            devices[device] = devices.get(device, {}) | _facts(run)
    return Survey(sum(len(run.tests) for run in every), min(run.began for run in every), devices)


def _facts(run: Run) -> dict[str, str]:
    """What results.json says of a run's circumstances, as plain text."""
    if run.document is None:
        return {}
    given = run.document
    plain = {
        name: str(value)
        for name, value in given["circumstances"].items()
        if isinstance(value, (str, int, float))
    }
    return plain | {
        "subject": given["subject"]["name"],
        "run": given["run"]["started"],
        "edgeproof": given["run"]["version"],
        "commit": str(given["run"].get("commit") or "unknown"),
        "emulated": "yes" if given["device"]["emulated"] else "no",
    }
