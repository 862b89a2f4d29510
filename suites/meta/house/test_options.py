"""The command line overrides environment variable, ini file and default, in this order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.session import options
from fixtures.session.options import OPTIONS, Option
from models.errors import UsageMistake
from models.store import PROJECT
from suites.meta.gates.running import environment

# Options whose text is converted: a text, and the value that it stands for.
GIVEN = {
    "threads": ("3", 3),
    "kernel-examples": ("3", 3),
    "kernel-coverage": ("yes", True),
    "texts": ("40", 40),
    "offline": ("yes", True),
    "fixed-sample": ("yes", True),
    "time-limit": ("1.5min", 90.0),
    "update-baseline": ("yes", True),
    "length": ("64", (64,)),
    "schemes": ("float16,float32", ("float16", "float32")),
}
INI_FOLDER = Path("/somewhere/project")
# Values with a path, which is relative to the current folder or to that of the ini file.
PATHS = {
    **dict.fromkeys(
        ("corpus", "bundle", "export-bundle", "known-failures", "recorded", "export-golden"),
        "../given/file",
    ),
    **dict.fromkeys(("cache-dir", "report-dir", "baseline"), "folder"),
    **dict.fromkeys(("subject", "budgets", "guards", "device"), "./mine.toml"),
    "pretrained": "./checkpoint",
}


class StandIn:
    """A replacement for pytest.Config, with one option's texts on the command line and in the ini.

    Args:
        command_line: text of the option; None if it was not given.
        ini: text of the ini key.
    """

    inipath = INI_FOLDER / "pytest.ini"

    def __init__(self, command_line: str | list[str] | None, ini: str | None) -> None:
        self._command_line, self._ini = command_line, ini

    def getoption(self, _name: str) -> str | list[str] | None:
        """Return the value on the command line."""
        return self._command_line

    def getini(self, _name: str) -> str | None:
        """Return the value in the ini file."""
        return self._ini


# Options whose value contains a path and other text, or can be a name. For each: a text, and the
# value that is read from it.
MIXED = {
    "flatbuffer": ("small=files/a.tflite", ("small={}/files/a.tflite",)),
    "tokenizer": ("keras:files/words.json", "keras:{}/files/words.json"),
    "reference": ("files/answers.csv", "{}/files/answers.csv"),
    "labels": ("no, yes", ("no", "yes")),
}


def resolved(option: Option, **given: str | None) -> Any:
    command_line = given.get("command_line")
    if option.several and command_line is not None:
        command_line = [command_line]
    return options._resolve(StandIn(command_line, given.get("ini")), option)


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_command_line_overrides_environment_variable_ini_and_default_in_order(option, monkeypatch):
    default = resolved(option)
    assert default == option.default
    texts = ("one", "two", "three") if option.name not in GIVEN else (GIVEN[option.name][0],) * 3
    folders = (None, None, INI_FOLDER)
    read = [
        option.value_of(text, folder, "here") for text, folder in zip(texts, folders, strict=True)
    ]
    read = [(value,) if option.several else value for value in read]
    assert resolved(option, ini=texts[2]) == read[2]
    monkeypatch.setenv(option.variable, texts[1])
    assert resolved(option, ini=texts[2]) == read[1]
    assert resolved(option, command_line=texts[0], ini=texts[2]) == read[0]


@pytest.mark.parametrize("name", GIVEN)
def test_strings_are_parsed_into_typed_values(name):
    text, value = GIVEN[name]
    (option,) = (candidate for candidate in OPTIONS if candidate.name == name)
    assert resolved(option, command_line=text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("threads", "0"), ("threads", "two"), ("offline", "maybe"), ("texts", "1"), ("texts", "0")],
)
@pytest.mark.parametrize("source", ["switch", "variable", "ini"])
def test_error_on_an_invalid_value_names_its_source(name, text, source, monkeypatch):
    (option,) = (candidate for candidate in OPTIONS if candidate.name == name)
    sources = {"switch": {"command_line": text}, "variable": {}, "ini": {"ini": text}}[source]
    if source == "variable":
        monkeypatch.setenv(option.variable, text)
    with pytest.raises(UsageMistake) as refused:
        resolved(option, **sources)
    assert str(refused.value).startswith(
        f"{getattr(option, source)}: {text!r} is not a valid value"
    )


@pytest.mark.parametrize("name", PATHS)
def test_path_is_relative_to_the_current_folder_or_the_ini_file(name, monkeypatch, tmp_path):
    (option,) = (candidate for candidate in OPTIONS if candidate.name == name)
    text = PATHS[name]
    monkeypatch.chdir(tmp_path)
    in_folder, ini = str((tmp_path / text).resolve()), str((INI_FOLDER / text).resolve())
    assert str(resolved(option, command_line=text)) == in_folder
    assert str(resolved(option, ini=text)) == ini
    monkeypatch.setenv(option.variable, text)
    assert str(resolved(option)) == in_folder
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(resolved(option, command_line=f"~/{text}")) == in_folder


def test_every_option_that_takes_a_path_has_a_test():
    placed = {option.name for option in OPTIONS if option.placed}
    assert placed - {"schemes"} == {*PATHS, *MIXED}


@pytest.mark.parametrize("name", MIXED)
def test_path_inside_a_longer_value_is_relative_to_the_current_folder_or_the_ini_file(
    name, monkeypatch, tmp_path
):
    (option,) = (candidate for candidate in OPTIONS if candidate.name == name)
    text, expected = MIXED[name]
    monkeypatch.chdir(tmp_path)
    for sources, folder in (({"command_line": text}, tmp_path), ({"ini": text}, INI_FOLDER)):
        value = resolved(option, **sources)
        if isinstance(expected, tuple):
            assert value == tuple(part.format(folder) for part in expected)
        else:
            assert value == expected.format(folder)


def test_environment_variable_with_several_values_has_one_value_per_line(monkeypatch):
    (option,) = (candidate for candidate in OPTIONS if candidate.name == "flatbuffer")
    monkeypatch.setenv(option.variable, "/a.tflite\nb=/b.tflite\n")
    assert resolved(option) == ("/a.tflite", "b=/b.tflite")


def test_checkpoint_folder_is_made_absolute_and_hub_id_is_unchanged(monkeypatch, tmp_path):
    (tmp_path / "large").mkdir()
    monkeypatch.chdir(tmp_path)
    (option,) = (candidate for candidate in OPTIONS if candidate.name == "pretrained")
    value = resolved(option, command_line="full=large,small=owner/name")
    assert value == f"full={tmp_path / 'large'},small=owner/name"


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_rejects_empty_option_and_ignores_empty_variable(option, empty, monkeypatch):
    for source, sources in (("switch", {"command_line": empty}), ("ini", {"ini": empty})):
        with pytest.raises(UsageMistake, match="is empty") as refused:
            resolved(option, **sources)
        assert refused.value.key == getattr(option, source)
    monkeypatch.setenv(option.variable, "")
    assert resolved(option) == option.default


UNFIT = {
    "schemes": ("float16,float16", "float16,", ","),
    "pretrained": ("full=", "full=a,full=b", "full=a,small="),
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in UNFIT.items() for text in texts]
)
def test_rejects_list_with_an_empty_or_duplicate_item(name, text):
    (option,) = (candidate for candidate in OPTIONS if candidate.name == name)
    with pytest.raises(UsageMistake) as refused:
        resolved(option, command_line=text)
    assert refused.value.key == option.switch
    assert repr(text) in refused.value.what


@pytest.mark.parametrize("text", ["~nobody-of-that-name/x", "x" * 5000, "a\0b"])
@pytest.mark.parametrize("name", PATHS)
def test_rejects_text_that_cannot_be_a_path(name, text):
    (option,) = (candidate for candidate in OPTIONS if candidate.name == name)
    text += ".toml" if PATHS[name].endswith(".toml") else ""
    with pytest.raises(UsageMistake, match="cannot be a path") as refused:
        resolved(option, command_line=text)
    assert refused.value.key == option.switch


def test_rejects_option_given_twice():
    arguments = ["--edge-texts=3", "--edge-texts=4", "--collect-only", "suites/size"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=PROJECT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert (
        "--edge-texts: is given twice, as '3' and as '4'. Give this option only once" in done.stderr
    )
    assert "Traceback" not in done.stdout + done.stderr


def test_help_shows_every_option_with_its_default():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        cwd=PROJECT,
        env={**environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    help_text = " ".join(done.stdout.split())
    for option in OPTIONS:
        assert option.switch in help_text
        assert f"{option.ini} (string):" in help_text
        if option.default not in {None, ()}:
            assert f"(default: {option.default})" in help_text
        else:
            assert "default" in option.help or option.name in {"corpus", "pretrained"}
