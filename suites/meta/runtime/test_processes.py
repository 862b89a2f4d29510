"""The runner is one file that runs on old Python versions, and its client imports no runtime."""

from __future__ import annotations

import ast
import json
import marshal
import re
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from models.devices.recognition import WATCHER_FILE
from models.runtime import available
from models.runtime.assembling import assemble, runner_file, runner_parts
from models.runtime.counting import COUNTED_FILE
from models.runtime.interpreters import Interpreter
from models.runtime.watcher import COMMAND
from suites.meta.runtime.old_pythons import python38

ROOT = Path(__file__).parents[3]
ON_BOARDS = {
    **runner_parts(),
    **{file.name: file.read_text(encoding="utf-8") for file in (WATCHER_FILE, COUNTED_FILE)},
}
FORBIDDEN = ("tensorflow", "ai_edge_litert", "tflite_runtime", "tokenizers", "scipy")


@pytest.fixture(scope="module")
def old_python() -> str:
    """Return the path of a CPython 3.8."""
    interpreter = python38()
    if interpreter is None:
        pytest.skip("no CPython 3.8 on this machine")
    return interpreter


@pytest.mark.parametrize("name", ON_BOARDS)
def test_board_code_is_written_for_python_38(name: str) -> None:
    ast.parse(ON_BOARDS[name], feature_version=(3, 8))


@pytest.mark.parametrize("name", ON_BOARDS)
def test_python_38_compiles_the_board_code(name: str, old_python: str) -> None:
    code = "import sys; compile(sys.stdin.read(), sys.argv[1], 'exec')"
    done = subprocess.run(
        [old_python, "-c", code, name],
        input=ON_BOARDS[name],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_assembling_the_runner_file_is_reproducible() -> None:
    assert runner_file().read_bytes() == assemble(runner_parts())


def test_runner_file_contains_each_module_compiled_for_the_current_python() -> None:
    with zipfile.ZipFile(runner_file()) as archive:
        sources = {name for name in archive.namelist() if name.endswith(".py")}
        assert {f"{name}c" for name in sources} == set(archive.namelist()) - sources
        for name in sources:
            head = archive.read(f"{name}c")[:8]
            assert head == MAGIC_NUMBER + (1).to_bytes(4, "little")


@pytest.mark.parametrize(("magic", "answer"), [(MAGIC_NUMBER, "compiled"), (b"\0\0\r\n", "source")])
def test_other_python_versions_use_the_sources_in_the_runner_file(
    magic: bytes, answer: str, tmp_path: Path
) -> None:
    """A module compiled for another Python version is ignored, and its source is compiled."""
    file = tmp_path / "runner.pyz"
    code = compile("said = 'compiled'", "told.py", "exec")
    compiled = magic + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("told.py", "said = 'source'")
        archive.writestr("told.pyc", compiled)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import told; print(told.said)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == answer


def test_python_38_has_every_module_the_runner_imports(old_python: str) -> None:
    lines = [
        ast.unparse(node)
        for source in runner_parts().values()
        for node in ast.parse(source).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and not re.search("numpy|models|__future__", ast.unparse(node))
    ]
    used = ["sys.addaudithook", "math.prod", "time.CLOCK_BOOTTIME", "gc.freeze", "os.memfd_create"]
    code = "\n".join([*lines, *used])
    done = subprocess.run([old_python, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_sensor_watcher_runs_on_python_38(old_python: str) -> None:
    commands = [[["uname", "-m"], ""], [["uname", "-s"], "/proc/load*"]]
    request = {"patterns": ["/proc/loadavg"], "commands": commands, "every": None}
    done = subprocess.run(
        [old_python, str(WATCHER_FILE)],
        input=json.dumps(request) + "\n\n",
        check=True,
        capture_output=True,
        text=True,
    )
    (reading,) = map(json.loads, done.stdout.splitlines())
    assert set(reading["texts"]) == {"/proc/loadavg", f"{COMMAND}uname -m"}


def test_runner_imports_only_packages_of_a_board() -> None:
    parts = [node for source in runner_parts().values() for node in ast.walk(ast.parse(source))]
    imported = {
        name.split(".")[0]
        for node in parts
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    own = {"models", "ai_edge_litert"}
    assert imported - sys.stdlib_module_names - own == {"numpy", "tokenizers"}
    assert not imported & {"subprocess", "socket", "multiprocessing"}


def test_runner_client_imports_no_runtime_package() -> None:
    code = (
        "import sys, models.runtime.client, models.runtime.transports, models.runtime.available\n"
        "import models.backends.common.registry\n"
        "models.runtime.available.available_backends(models.backends.common.registry.backend_names())\n"
        f"print([name for name in {FORBIDDEN} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_each_unavailable_runtime_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interpreter, "version", lambda _self, _name: None)
    assert available.available_backends() == []
    reasons = {absent.name: absent.reason for absent in available.absent_backends()}
    assert reasons["ai_edge_litert"] == "ai-edge-litert is not installed"
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    assert "no wheel for CPython 3.13" in (available.why_absent("tflite_runtime") or "")


def test_runtime_with_an_incompatible_numpy_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interpreter, "version", lambda _self, _name: "2.1.0")
    reason = available.why_absent("tflite_runtime") or ""
    assert "needs numpy below 2, but 2.1.0 is installed" in reason
    assert "python -m models.runtime.own_python tflite_runtime" in reason
    assert available.why_absent("ai_edge_litert") is None


def test_runtime_without_numpy_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"ai-edge-litert": "2.3.0"}
    monkeypatch.setattr(Interpreter, "version", lambda _self, name: versions.get(name))
    assert "needs numpy, which is not" in (available.why_absent("ai_edge_litert") or "")


def test_board_code_avoids_vulnerable_numpy_functions() -> None:
    """These functions of numpy 1.26 copy given dimensions into a fixed buffer without a check."""
    faulty = {
        "as_strided",
        "stride_tricks",
        "__array_interface__",
        "ctypeslib",
        "sliding_window_view",
    }
    for name, source in ON_BOARDS.items():
        words = set(re.findall(r"\w+", source))
        assert not words & faulty, name
