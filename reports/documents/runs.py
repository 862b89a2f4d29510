"""Read the folders of runs: `results.json` and `allure-results/` of each."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.escaping import one_line
from models.files.regular_files import LARGEST_DOCUMENT, read_text
from reports.documents.naming import (
    Identity,
    device_names,
    identity_of,
    moment_of,
    require_distinct,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.documents.document import Document

# Default folder for the files of a run.
OUT = Path(__file__).parents[1] / "out"
ALLURE_RESULTS = "allure-results"
RESULTS = "results.json"
FAULTS = "faults.json"
# Maximum length of an environment's name in Allure, in characters.
LONGEST = 64
RUN_FIRST = "Run `tox -e host` first, which writes results"


@dataclass
class Run:
    """The results of one run.

    Attributes:
        folder: folder of the run, from the command line.
        tests: Allure's result of each test, by its file.
        unreadable: files that were not completely written because the run was killed.
        document: its results.json, with a device name that no other run has; None if the run
            measured nothing.
        environments: name of Allure's environment by device, unique among all runs.
    """

    folder: Path
    tests: dict[Path, dict[str, Any]]
    unreadable: list[Path]
    document: Document | None
    environments: dict[str, str] = field(default_factory=dict)

    @property
    def allure_results(self) -> Path:
        """Return the folder of the run that contains Allure's results."""
        return self.folder / ALLURE_RESULTS

    @property
    def devices(self) -> set[str]:
        """Return the devices named in the run's tests."""
        return {device for test in self.tests.values() for device in labels_of(test, "device")}

    @property
    def began(self) -> float:
        """Return the start of the run's first test in ms since 1970; inf without tests."""
        return min((float(test["start"]) for test in self.tests.values()), default=math.inf)


@dataclass(frozen=True)
class Survey:
    """A summary of several runs.

    Attributes:
        tests: number of tests in all runs.
        began: start of the first test, in ms since 1970.
        environments: facts of each environment in Allure's report, by the environment's name.
        of_device: names of the environments of each device.
    """

    tests: int
    began: float
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    of_device: dict[str, list[str]] = field(default_factory=dict)


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Read the folders of runs, and give their devices distinct names.

    If a folder has no results of its own, such as the folder of a fleet, its subfolders with
    results are read.

    Raises:
        UsageMistake: a folder has no results, a results.json combines several runs, or two folders
            contain the same run.
        EdgeproofError: a results.json is not valid.
    """
    run_folders = [run_folder for folder in folders for run_folder in _folders_of(folder)]
    for at, folder in enumerate(run_folders):
        if folder.resolve() in [earlier.resolve() for earlier in run_folders[:at]]:
            raise UsageMistake("is given twice", file=folder, remedy="Give each run only once")
    runs = [read_run(folder) for folder in run_folders]
    require_distinct((run.folder / RESULTS, run.document) for run in runs if run.document)
    return _told_apart(runs)


def _folders_of(folder: Path) -> list[Path]:
    if (folder / ALLURE_RESULTS).is_dir():
        return [folder]
    return sorted(results.parent for results in folder.glob(f"*/{ALLURE_RESULTS}")) or [folder]


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises:
        UsageMistake: the folder contains no results.
        EdgeproofError: its results.json is not valid.
    """
    from reports.documents.results import read_results  # noqa: PLC0415 - a usage mistake is reported before this import

    tests, unreadable = {}, []
    for file in sorted((folder / ALLURE_RESULTS).glob("*-result.json")):
        try:
            test = json.loads(read_text(file, LARGEST_DOCUMENT))
            float(test["start"])
            labels_of(test, "device")
            tests[file] = test
        except (OSError, ValueError, KeyError, TypeError):
            unreadable.append(file)
    if not tests:
        raise UsageMistake(f"has no results in {ALLURE_RESULTS}/", file=folder, remedy=RUN_FIRST)
    known = folder / RESULTS
    document = read_results(known) if known.is_file() else None
    return Run(folder, tests, unreadable, document)


def labels_of(test: dict[str, Any], name: str) -> list[str]:
    """Return the values of a label in one of Allure's results."""
    return [str(label["value"]) for label in test["labels"] if label["name"] == name]


def test_id(test: dict[str, Any]) -> str:
    """Return pytest's id of the test in one of Allure's results."""
    return "/".join(test.get("titlePath", ())) + f"::{test['name']}"


def survey(runs: Iterable[Run]) -> Survey:
    """Count the tests of several runs, and gather the facts of their environments."""
    every = list(runs)
    environments: dict[str, dict[str, str]] = {}
    of_device: dict[str, list[str]] = {}
    for run in every:
        for device, name in run.environments.items():
            environments[name] = _facts(run)
            of_device.setdefault(device, []).append(name)
    began = min(run.began for run in every)
    return Survey(sum(len(run.tests) for run in every), began, environments, of_device)


def _told_apart(runs: list[Run]) -> list[Run]:
    """Give each device of each run an environment with a unique name, and return the runs.

    If runs of one subject share a device's name, the device is renamed in their documents.
    """
    placed = [(run, device) for run in runs for device in sorted(run.devices)]
    identities = [_identity(run, device) for run, device in placed]
    names, used = device_names(identities), set[str]()
    for at, ((run, device), identity, name) in enumerate(
        zip(placed, identities, names, strict=True)
    ):
        shared = names.count(name) > 1
        full = f"{identity.subject} on {name}" if shared else name
        run.environments[device] = _environment(full, at, used)
        used.add(run.environments[device])
        if run.document is not None and run.document.device.name == device:
            run.document = run.document.renamed(name)
    return runs


def _environment(name: str, at: int, used: set[str]) -> str:
    """Return an environment name that Allure accepts: no hidden character, no slash, short."""
    plain = re.sub(r"[/\\]+", "-", one_line(name)).strip()
    plain = "unnamed" if set(plain) <= {"."} else plain
    # Allure counts UTF-16 units, as JavaScript does.
    if len(plain.encode("utf-16-le")) // 2 > LONGEST or plain in used:
        first = plain.encode("utf-16-le")[: 2 * (LONGEST - 6)].decode("utf-16-le", "ignore")
        return f"{first} {at}"
    return plain


def _identity(run: Run, device: str) -> Identity:
    """Return the facts that distinguish a run from other runs, even if it measured nothing."""
    if run.document is not None:
        return identity_of(run.document)._replace(device=device)
    subjects = {subject for test in run.tests.values() for subject in labels_of(test, "subject")}
    began = datetime.fromtimestamp(run.began / 1000, UTC).isoformat()
    subject = " + ".join(sorted(subjects)) or "unnamed"
    return Identity(subject, device, None, "", moment_of(began))


def _facts(run: Run) -> dict[str, str]:
    """Return the circumstances of a run from results.json, as plain text."""
    from models.files.extensible_tables import as_plain  # noqa: PLC0415 - a usage mistake is reported before this import

    if run.document is None:
        return {}
    document = run.document
    plain = {
        name: str(value)
        for name, value in as_plain(document.circumstances).items()
        if isinstance(value, (str, int, float))
    }
    return plain | {
        "subject": document.subject.name,
        "run": document.run.started,
        "edgeproof": document.run.version,
        "commit": document.run.commit or "unknown",
        "emulated": "yes" if document.device.emulated else "no",
    }
