"""The installation compiles each package while pip unpacks others."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path
from unittest.mock import Mock

import pytest

from models.runtime import installing
from models.runtime.installing import Compiler


def unpacked(folder, name, code="ANSWER = 42\n", *, within=""):
    """Write a package's module and the list of its files, as pip does first; return the module."""
    module = folder / within / f"{name}.py"
    module.parent.mkdir(exist_ok=True)
    module.write_text(code)
    described = folder / f"{name}-1.0.dist-info"
    described.mkdir()
    listed = module.relative_to(folder).as_posix()
    (described / "RECORD").write_text(f"{listed},,\n{described.name}/RECORD,,\n")
    return module


def complete(folder, name):
    """Write the file that pip writes last."""
    (folder / f"{name}-1.0.dist-info" / "INSTALLER").write_text("pip\n")


def compiled(module):
    return Path(cache_from_source(str(module)))


def test_package_is_compiled_once_pip_has_written_all_its_files(tmp_path):
    compiler = Compiler(tmp_path)
    module = unpacked(tmp_path, "new")
    compiler.compile_new()
    assert not compiled(module).exists()
    complete(tmp_path, "new")
    compiler.compile_new()
    assert compiled(module).exists()


def test_last_packages_are_compiled_on_all_cores(tmp_path):
    compiler = Compiler(tmp_path)
    modules = [unpacked(tmp_path, name) for name in ("one", "another")]
    for name in ("one", "another"):
        complete(tmp_path, name)
    compiler.compile_rest()
    assert all(compiled(module).exists() for module in modules)


def test_tests_of_packages_are_not_compiled(tmp_path):
    compiler = Compiler(tmp_path)
    module = unpacked(tmp_path, "test_it", within="tests")
    complete(tmp_path, "test_it")
    compiler.compile_new()
    assert not compiled(module).exists()


def test_package_that_was_installed_before_is_not_compiled(tmp_path):
    module = unpacked(tmp_path, "old")
    complete(tmp_path, "old")
    Compiler(tmp_path).compile_new()
    assert not compiled(module).exists()


def test_file_that_is_not_valid_python_is_skipped_without_a_message(tmp_path, capfd):
    compiler = Compiler(tmp_path)
    template = unpacked(tmp_path, "template", "{{ name }} = print 'x'\n")
    module = unpacked(tmp_path, "valid")
    for name in ("template", "valid"):
        complete(tmp_path, name)
    compiler.compile_new()
    assert not compiled(template).exists()
    assert compiled(module).exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("value", "compiles"), [("0", False), ("No", False), ("1", True), ("", True)]
)
def test_variable_of_pip_turns_compilation_off(value, compiles, monkeypatch):
    rest = Mock()
    monkeypatch.setenv("PIP_COMPILE", value)
    monkeypatch.setattr(Compiler, "compile_rest", rest)
    assert installing.main(["--help"]) == 0
    assert rest.called == compiles


@pytest.mark.parametrize("argument", ["--no-such-option", "--help"])
def test_installation_exits_with_the_exit_code_of_pip(argument):
    pip = [sys.executable, "-I", "-m", "pip", "install", argument]
    ours = [sys.executable, "-I", installing.__file__, argument]
    codes = [subprocess.run(c, capture_output=True, check=False).returncode for c in (pip, ours)]
    assert codes[0] == codes[1]
