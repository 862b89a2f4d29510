"""Options: one group, shown with their defaults; option > environment > ini > default."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fixtures import options
from fixtures.options import OPTIONS, Option
from models.store import PROJECT
from suites.meta.gates.running import environment

# For options whose text is read into something else.
GIVEN = {
    "threads": ("3", 3),
    "tweets": ("40", 40),
    "offline": ("yes", True),
    "update-baseline": ("yes", True),
    "schemes": ("float16", ("float16",)),
}


class StandIn:
    """Stands in for pytest.Config: what was given on the command line, and in the ini file.

    Args:
        command_line: the option's text, None where it was not given.
        ini: the ini key's text.
    """

    def __init__(self, command_line: str | None, ini: str | None) -> None:
        self._command_line, self._ini = command_line, ini

    def getoption(self, _name: str) -> str | None:
        """Return what was given on the command line."""
        return self._command_line

    def getini(self, _name: str) -> str | None:
        """Return what the ini file says."""
        return self._ini


def resolved(option: Option, **given: str | None) -> Any:
    return options._resolve(StandIn(given.get("command_line"), given.get("ini")), option)


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_option_then_environment_then_ini_then_default(option, monkeypatch):
    default = resolved(option)
    assert default == option.default
    texts = ("one", "two", "three") if option.name not in GIVEN else (GIVEN[option.name][0],) * 3
    read = [option.read(text) for text in texts]
    assert resolved(option, ini=texts[2]) == read[2]
    monkeypatch.setenv(option.variable, texts[1])
    assert resolved(option, ini=texts[2]) == read[1]
    assert resolved(option, command_line=texts[0], ini=texts[2]) == read[0]


@pytest.mark.parametrize("name", GIVEN)
def test_texts_are_read_into_values(name):
    text, value = GIVEN[name]
    (option,) = (one for one in OPTIONS if one.name == name)
    assert resolved(option, command_line=text) == value


@pytest.mark.parametrize(
    ("name", "text"), [("threads", "0"), ("threads", "two"), ("offline", "maybe")]
)
@pytest.mark.parametrize("source", ["switch", "variable", "ini"])
def test_a_misfit_names_where_it_was_given(name, text, source, monkeypatch):
    (option,) = (one for one in OPTIONS if one.name == name)
    given = {"switch": {"command_line": text}, "variable": {}, "ini": {"ini": text}}[source]
    if source == "variable":
        monkeypatch.setenv(option.variable, text)
    with pytest.raises(pytest.UsageError) as refused:
        resolved(option, **given)
    assert str(refused.value).startswith(f"{getattr(option, source)}: {text!r} does not fit")


def test_help_shows_every_option_with_its_default():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        cwd=PROJECT,
        env={**environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    shown = " ".join(done.stdout.split())
    for option in OPTIONS:
        assert option.switch in shown
        assert f"{option.ini} (string):" in shown
        if option.default not in {None, ()}:
            assert f"(default: {option.default})" in shown
        else:
            assert "default" in option.help or option.name in {"corpus", "pretrained"}
