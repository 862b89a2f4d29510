"""Run pytest on the suites in a separate process, and read how each test ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from fixtures.results.junit import EACH
from models.store import PROJECT
from reports.documents.results import read_results

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reports.documents.document import Document
    from suites.meta.gates.miniature import Miniature

ROOMS = (
    *("accuracy", "agreement", "backends", "conformance", "goal", "instructions", "latency"),
    *("memory", "privacy", "size", "tokenization"),
)
GATES = tuple(f"suites/{room}" for room in ROOMS)
TIMEOUT = 900


@dataclass(frozen=True)
class PytestRun:
    """The result of a run of pytest.

    Attributes:
        code: its exit code.
        output: stdout and stderr.
        tests: outcome and message by test id; outcomes are `passed`, `failed`, `error`,
            `skipped` or `measured`.
        reports: folder of results.json, if it was written.
    """

    code: int
    output: str
    tests: dict[str, tuple[str, str]]
    reports: Path

    def ids(self, outcome: str) -> list[str]:
        """Return the ids of the tests with this outcome."""
        return [name for name, (ended, _) in self.tests.items() if ended == outcome]

    def results(self) -> dict[str, Any]:
        """Return the content of results.json."""
        document: dict[str, Any] = json.loads((self.reports / "results.json").read_text("utf-8"))
        return document

    def document(self) -> Document:
        """Return results.json as a document."""
        return read_results(self.reports / "results.json")


def environment() -> dict[str, str]:
    """Return this process's environment without variables that affect a run."""
    steering = ("EDGEPROOF_", "PYTEST_")
    return {name: text for name, text in os.environ.items() if not name.startswith(steering)}


def without_repeated(usual: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Return the usual arguments without options that are given again."""
    options = {argument.partition("=")[0] for argument in arguments}
    return [argument for argument in usual if argument.partition("=")[0] not in options]


def run(
    mini: Miniature,
    reports: Path,
    tests: Sequence[str] = GATES,
    arguments: Sequence[str] = (),
    variables: dict[str, str] | None = None,
) -> PytestRun:
    """Run suites on the miniature in a separate pytest.

    Args:
        mini: the subject and its store.
        reports: folder for all output of the run.
        tests: files, folders or ids.
        arguments: more arguments of pytest.
        variables: environment variables, in addition to those of this process.
    """
    options = [
        *(f"--edge-subject={mini.subject}", f"--edge-corpus={mini.corpus}"),
        *(f"--edge-budgets={mini.budgets}", f"--edge-cache-dir={mini.store}"),
    ]
    # The miniature of a checkpoint has no regression guards.
    if mini.guards.is_file():
        options.append(f"--edge-guards={mini.guards}")
    options = without_repeated(options, arguments)
    return run_pytest(reports, [*tests, *options, *arguments], variables)


def run_pytest(
    reports: Path,
    arguments: Sequence[str],
    variables: dict[str, str] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> PytestRun:
    """Run pytest in this checkout, with all output below `reports`.

    Args:
        reports: folder for the output, made if it is missing.
        arguments: arguments of pytest.
        variables: environment variables, in addition to those of this process.
        timeout: time after which pytest is killed, in s.
    """
    reports.mkdir(parents=True, exist_ok=True)
    junit = reports / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={junit}"]
    command += ["-o", "junit_family=xunit1"]
    command += without_repeated([f"--edge-report-dir={reports}"], arguments)
    command += [f"--alluredir={reports / 'allure'}", *arguments]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**environment(), **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    tests = _read_junit(junit) if junit.is_file() else {}
    return PytestRun(done.returncode, done.stdout + done.stderr, tests, reports)


def _read_junit(file: Path) -> dict[str, tuple[str, str]]:
    tests: dict[str, tuple[str, str]] = {}
    document = ET.parse(file)  # noqa: S314 - a trusted file, written by pytest
    for case in document.iter("testcase"):
        name = f"{case.get('file')}::{case.get('name')}"
        for ended in ("failure", "error", "skipped"):
            element = case.find(ended)
            if element is not None:
                word = {"failure": "failed"}.get(ended, ended)
                tests[name] = word, f"{element.get('message')}\n{element.text or ''}"
        tests.setdefault(name, ("passed", ""))
    for test in document.iterfind(f"testsuite/properties/property[@name='{EACH}']"):
        tests[str(test.get("value"))] = "measured", ""
    return tests
