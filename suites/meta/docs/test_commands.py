"""Every command that the documentation shows is executed.

Each command is executed as it is written, in a copy of the checkout, with the same replacements for
all: `tox` runs the commands of an environment in the current one (tox.py), and pytest collects
instead of running (COLLECT), except for the workflow of docs/my-ci.md, which test_workflow.py runs
completely. If there is no node, Allure draws an empty page (nodejs_wheel.py).
"""

from __future__ import annotations

import fnmatch
import re
import shlex
import shutil

import pytest

from fixtures.session.options import OPTIONS
from models.store import PROJECT
from models.subjects import subject_names
from models.verdicts.metrics import METRICS
from suites.meta.docs.blocks import PAGES, commands
from suites.meta.docs.tox import commands_of
from suites.meta.reports.drawn import write_run

COLLECT = {"PYTEST_ADDOPTS": "--collect-only -q -p no:cacheprovider"}
COMMANDS = commands()
WHOLE = [command for command in COMMANDS if not command.is_a_form]
FORMS = [command for command in COMMANDS if command.is_a_form]
USAGE_ERROR = 4
# Commands that take too long or disturb other tests. Instead of running them, a test checks that
# the programs and options in them exist.
ELSEWHERE = {
    "-e lint": "CI runs it on every change",
    "-e installs": "test_installations.py does the same, and is slow",
    "-e fuzz": "feeds 800,000 files; suites/meta/fuzz feeds a share",
    "-e mutation": "tries some 3,000 faults",
    "-e benchmarks": "they measure the machine, which other tests are using",
    "-m benchmarks.distillation": "trains for an hour on the texts of ../shared",
}
NOT_RUN = [command for command in WHOLE if any(part in command.text for part in ELSEWHERE)]
RUN = [command for command in WHOLE if command not in NOT_RUN]


def ids(commands):
    return [f"{command.page}-{number}" for number, command in enumerate(commands)]


@pytest.fixture(scope="module")
def runs(checkout):
    """Return the checkout with the runs from which the pages draw reports and scoreboards."""
    emulated = ("reports/out/rpi4-emulated", "rpi4-emulated")
    for folder, device in (("reports/out", "host"), ("from-rpi4", "rpi4"), emulated):
        shutil.rmtree(checkout.root / folder, ignore_errors=True)
        write_run(checkout.root / folder, device)
    return checkout


@pytest.mark.parametrize("command", RUN, ids=ids(RUN))
def test_documented_command_succeeds_or_reports_that_it_needs_a_board(command, runs):
    # The runs in this test contain only thirty tests.
    text = command.text.replace("--min-tests=100", "--min-tests=10")
    done = runs.run(text, **COLLECT)
    if command.needs_a_board:
        assert done.code == USAGE_ERROR, done.output
        assert "Traceback" not in done.output
        assert re.search(r"^ERROR: .*\b(Give|Check|Copy)\b", done.output, re.MULTILINE), done.output
    else:
        assert done.code == 0, done.output


@pytest.mark.parametrize("command", NOT_RUN, ids=ids(NOT_RUN))
def test_programs_and_options_named_in_commands_exist(command, checkout):
    environments = re.findall(r"-e (\w+)", command.text)
    lines = [words for name in environments for words in commands_of(name, [])]
    pinned = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    for program, *words in lines or [shlex.split(command.text)]:
        if program != "python":
            assert f'"{program}==' in pinned, "an environment installs it"
            continue
        help_of_module = checkout.run(f"python -m {words[1]} --help")
        assert help_of_module.code == 0, help_of_module.output
        options = re.findall(r"(?<!\S)--[a-z][\w-]*", shlex.join(words))
        assert [option for option in options if option not in help_of_module.output] == []


@pytest.mark.parametrize("command", FORMS, ids=ids(FORMS))
def test_command_templates_use_only_existing_options(command, checkout):
    options = re.findall(r"(?<!\S)--[a-z][\w-]*", command.text)
    head = re.match(r"\S*python3? -m [\w.]+(?: [a-z]+)?(?= [A-Z-]|$)", command.text)
    command_line = head.group() if head and "pytest" not in head.group() else "python -m pytest"
    help_text = checkout.run(f"{command_line} --help").output
    assert [option for option in options if option not in help_text] == []


def test_documentation_contains_enough_commands_to_test():
    assert len(PAGES) > 6
    assert len(COMMANDS) > 15
    assert sum(command.needs_a_board for command in COMMANDS) >= 3


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_readme_names_every_option(option):
    assert f"`{option.switch}`" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_subject():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    families = {re.sub(r"_\d+x$", "", name) for name in subject_names()}
    assert [name for name in families if f"`{name}`" not in text] == []


@pytest.mark.parametrize("metric", METRICS)
def test_documentation_of_the_gates_names_every_metric(metric):
    text = (PROJECT / "docs" / "gates.md").read_text(encoding="utf-8")
    names = re.findall(r"`([a-z_0-9]+\*?)`", text)
    assert any(fnmatch.fnmatchcase(metric, name) for name in names)


def headings_of(page):
    """Return the anchors that GitHub gives to the headings of a page."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def test_links_to_headings_work():
    links = [
        (page, target, heading)
        for page in PAGES
        for target, heading in re.findall(
            r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")
        )
    ]
    assert len(links) > 5
    broken = [
        (page.name, target, heading)
        for page, target, heading in links
        if heading not in headings_of(page.parent / target if target else page)
    ]
    assert broken == []


def test_paths_named_in_pages_exist():
    """Names in capitals are placeholders, and a run makes `reports/out`."""
    paths = [
        (page.name, name)
        for page in PAGES
        for name in re.findall(
            r"`((?:models|fixtures|suites|docs|benchmarks)/[a-z_0-9./*-]+)`",
            page.read_text(encoding="utf-8"),
        )
    ]
    assert len(paths) > 30
    assert [(page, name) for page, name in paths if not any(PROJECT.glob(name.strip("/")))] == []


def test_links_between_pages_work():
    broken = [
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
