"""A runtime that cannot share this environment runs in a separate Python environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from models.backends.common.registry import find_backend
from models.errors import EdgeproofError, UsageMistake
from models.runtime import available, interpreters, own_python
from models.runtime.client import Runner
from models.runtime.interpreters import Interpreter, interpreter_for, own_folder, program_in
from models.runtime.own_python import CARD, give_own_python, groups, main
from models.runtime.transports import LocalTransport

OWN = "tflite_runtime"
DISTRIBUTION = find_backend(OWN).distribution


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """Replace the folder of this environment by an empty folder, and return the empty folder."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


@pytest.fixture
def pip(prefix, monkeypatch):  # noqa: ARG001 - requested for its effect
    """Replace pip by an object that records its commands, or fails if `fails` is set."""

    class Pip:
        def __init__(self):
            self.installed = []
            self.fails = False

    recorder = Pip()
    run = own_python._run

    def installs(command):
        if "pip" not in command:
            return run(command)
        if recorder.fails:
            raise EdgeproofError("no such wheel", remedy="Check the network")
        recorder.installed.append(command)
        (site,) = Path(command[4]).parents[1].glob("lib/python3.*/site-packages")
        for requirement in command[-len(groups()[OWN]) :]:
            name, version = requirement.split("==")
            folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        return None

    monkeypatch.setattr(own_python, "_run", installs)
    return recorder


@pytest.mark.usefixtures("prefix")
def test_runtime_without_a_separate_environment_uses_the_current_python():
    assert interpreter_for(OWN) == Interpreter(sys.executable)
    assert interpreter_for(None) == Interpreter(sys.executable)


@pytest.mark.usefixtures("pip")
def test_separate_environment_is_created_found_and_reports_its_package_versions(prefix):
    folder = give_own_python(OWN)
    assert folder == prefix / "runtimes" / OWN == own_folder(OWN)
    interpreter = interpreter_for(OWN)
    assert interpreter.python == str(program_in(folder))
    versions = dict(requirement.split("==") for requirement in groups()[OWN])
    assert {name: interpreter.version(name) for name in versions} == versions
    assert interpreter_for("ai_edge_litert") == Interpreter(sys.executable)
    assert available.why_absent(OWN) is None
    done = subprocess.run(
        [interpreter.python, "-c", "import sys; print(sys.prefix)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(done.stdout.strip()) == folder


def test_separate_environment_requires_a_numpy_compatible_with_its_runtime():
    versions = dict(requirement.split("==") for requirement in groups()[OWN])
    assert find_backend(OWN).why_numpy_breaks(versions["numpy"]) is None
    assert find_backend(OWN).why_numpy_breaks("2.0.0") is not None
    assert find_backend("ai_edge_litert").why_numpy_breaks("10.1") is None


def test_separate_environment_is_rebuilt_only_if_its_requirements_change(pip, monkeypatch):
    give_own_python(OWN)
    give_own_python(OWN)
    assert len(pip.installed) == 1
    requirements = [*groups()[OWN], "attrs==1.0"]
    monkeypatch.setattr(own_python, "groups", lambda: {OWN: requirements})
    give_own_python(OWN)
    assert len(pip.installed) == 2
    assert json.loads((own_folder(OWN) / CARD).read_text())["requirements"] == requirements


def test_failed_installation_leaves_no_environment(pip, capsys):
    pip.fails = True
    assert main([OWN]) == 1
    assert capsys.readouterr().err == "no such wheel. Check the network\n"
    assert interpreter_for(OWN) == Interpreter(sys.executable)
    pip.fails = False
    assert main([OWN]) == 0


def test_incomplete_environment_is_rebuilt(pip):
    (give_own_python(OWN) / CARD).unlink()
    give_own_python(OWN)
    assert len(pip.installed) == 2


def test_python_version_without_wheels_is_rejected_or_skipped_on_request(pip, monkeypatch, capsys):
    new = {"base": "/usr", "version": "3.14"}
    monkeypatch.setattr(own_python, "_identity", lambda _python: new)
    with pytest.raises(
        UsageMistake, match=r"no wheel for CPython 3\.14; the last version with wheels is 3\.11"
    ):
        give_own_python(OWN)
    assert main([OWN]) == 4
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    assert main([OWN, "--where-possible"]) == 0
    assert "without tflite_runtime: tflite-runtime has no wheel" in capsys.readouterr().out
    assert pip.installed == []


@pytest.mark.parametrize("arguments", [["numpy"], [OWN, "--python=/nowhere/python"]])
def test_request_for_an_unknown_runtime_or_python_is_a_usage_error(pip, arguments, capsys):
    assert main(arguments) == 4
    assert capsys.readouterr().err.count("\n") == 1
    assert pip.installed == []


@pytest.mark.usefixtures("pip")
def test_error_names_the_folder_in_which_no_environment_can_be_made(prefix, capsys):
    (prefix / "runtimes").write_text("no folder")
    assert main([OWN]) == 1
    errors = capsys.readouterr().err
    assert str(prefix / "runtimes" / OWN) in errors
    assert "python -m venv" in errors


@pytest.mark.usefixtures("prefix")
def test_runner_starts_in_the_environment_of_its_runtime(tmp_path):
    """A program in place of Python records the path by which it is started."""
    python = program_in(own_folder(OWN))
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$0" >{tmp_path}/started\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with Runner(LocalTransport(), "ai_edge_litert") as runner:
        assert runner.info.runtime == "ai_edge_litert"
    assert not (tmp_path / "started").exists()
    with pytest.raises(EdgeproofError), Runner(LocalTransport(), OWN):
        raise EdgeproofError("it started", remedy="none")
    assert (tmp_path / "started").read_text().strip() == str(python)


@pytest.mark.skipif(available.why_absent(OWN) is not None, reason=str(available.why_absent(OWN)))
def test_two_runtimes_run_side_by_side_with_different_numpy_versions():
    with Runner(LocalTransport(), OWN) as old, Runner(LocalTransport(), "ai_edge_litert") as new:
        assert old.info.numpy == interpreter_for(OWN).version("numpy")
        assert old.info.runtime_version == interpreter_for(OWN).version(DISTRIBUTION)
        assert new.info.numpy == Interpreter(sys.executable).version("numpy")
        assert find_backend(OWN).why_numpy_breaks(old.info.numpy) is None


def test_missing_package_has_no_version(tmp_path):
    assert Interpreter("python", (str(tmp_path),)).version("numpy") is None
    assert interpreters._version("no-such-thing", None) is None
