"""A run with hostile texts is safe in the terminal, in JUnit's XML and in Allure's results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from models.escaping import one_line
from models.store import PROJECT
from suites.meta.foreign_text.payloads import PARTS, acting_in_a_log

if TYPE_CHECKING:
    from pathlib import Path

# For each of these texts, one test ends in each possible way.
TEXTS = [text for text in PARTS if acting_in_a_log(text) and len(text) < 100]
LINES = "hello\n::stop-commands::x\n##[error]y\n\x1b[31mz"
TESTS = '''
import pytest
from suites.meta.foreign_text.test_runs import LINES, TEXTS

CASES = [LINES, *TEXTS]


@pytest.mark.parametrize("number", range(len(CASES)))
@pytest.mark.parametrize("way", ["equal", "raise", "fail", "skip", "print", "property"])
def test_outcome_with_a_hostile_text(number, way, record_property):
    """A requirement."""
    case = CASES[number]
    if way == "equal":
        assert [case] == ["another"]
    if way == "raise":
        raise ValueError(f"first\\n{case}")
    if way == "fail":
        pytest.fail(f"{case}\\n{case}", pytrace=False)
    if way == "skip":
        pytest.skip(case)
    if way == "property":
        record_property("label", case)
    print(case.encode("utf-8", "replace").decode())
    assert way == "property"


@pytest.fixture
def broken():
    raise RuntimeError(LINES)


def test_broken_fixture_with_a_hostile_text(broken):
    pass
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[str, Path]:
    """Return the printed output of a run in CI, and its folder."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "test_words.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "fixtures.session.safe_reports"]
    command += ["-p", "no:cacheprovider", f"--rootdir={folder}", "-c", "/dev/null", "--capture=sys"]
    command += [f"--junitxml={folder}/junit.xml", "-o", "junit_logging=all", "--color=no"]
    command += [f"--alluredir={folder}/allure", str(folder / "test_words.py")]
    places = {"PYTHONPATH": str(PROJECT), "CI": "true", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, env=os.environ | places, cwd=PROJECT, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 1, done.stderr.decode()[-3000:]
    return done.stdout.decode("utf-8"), folder


def test_payloads_in_test_output_have_no_effect_in_the_log_of_a_run(run) -> None:
    log, _ = run
    assert acting_in_a_log(log) == []
    assert "INTERNALERROR" not in log
    assert one_line("##[error]y") in log, "it is shown"
    assert "\n\\x3a:stop-commands::x" in log, "each line of a message is"


def test_junit_file_is_well_formed_and_shows_the_escaped_messages(run) -> None:
    _, folder = run
    root = ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - a trusted file, written by edgeproof
    cases = root.findall(".//testcase")
    assert len(cases) == 6 * (1 + len(TEXTS)) + 1
    text_of_all = "".join(root.itertext())
    assert "\\x3a:stop-commands::x" in text_of_all
    assert acting_in_a_log(text_of_all) == []


def test_allure_results_are_written_with_escaped_messages(run) -> None:
    _, folder = run
    files = sorted((folder / "allure").glob("*-result.json"))
    assert len(files) == 6 * (1 + len(TEXTS)) + 1
    messages = ""
    for file in files:
        test = json.loads(file.read_text(encoding="utf-8"))
        details = test.get("statusDetails", {})
        for text in _texts(test):
            assert acting_in_a_log(text) == [], file.name
        messages += details.get("message", "")
    assert "\\x3a:stop-commands::x" in messages
    for file in (folder / "allure").glob("*-attachment.txt"):
        assert acting_in_a_log(file.read_text(encoding="utf-8")) == []


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]
