"""The runner is one file for old Pythons; the client costs pytest nothing."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.runtime import available
from models.runtime.transports import RUNNER_FILE

ROOT = Path(__file__).parents[3]
FORBIDDEN = ("tensorflow", "ai_edge_litert", "tflite_runtime", "tokenizers", "scipy")


def python38() -> str | None:
    """A CPython 3.8 that really starts (a version manager's shim may be there and not work)."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [shutil.which("python3.8"), *map(str, pyenv.glob("versions/3.8*/bin/python3.8"))]
    for candidate in filter(None, found):
        if not subprocess.run([candidate, "-V"], check=False, capture_output=True).returncode:
            return candidate
    return None


def test_the_runner_is_written_for_python_38() -> None:
    ast.parse(RUNNER_FILE.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_python_38_compiles_the_runner() -> None:
    python = python38()
    if python is None:
        pytest.skip("no CPython 3.8 on this machine")
    code = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')"
    done = subprocess.run(
        [python, "-c", code, str(RUNNER_FILE)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_runner_imports_only_what_a_board_has() -> None:
    tree = ast.parse(RUNNER_FILE.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - sys.stdlib_module_names == {"numpy", "tokenizers"}
    assert not imported & {"subprocess", "socket", "multiprocessing"}


def test_the_client_imports_no_runtime() -> None:
    code = (
        "import sys, models.runtime.client, models.runtime.transports, models.runtime.available\n"
        "models.runtime.available.available_runtimes(tensorflow=True)\n"
        f"print([name for name in {FORBIDDEN} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_absent_runtimes_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available, "find_spec", lambda _name: None)
    assert available.available_runtimes(tensorflow=True) == []
    reasons = {absent.name: absent.reason for absent in available.absent_runtimes()}
    assert reasons["ai_edge_litert"] == "ai-edge-litert is not installed"
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    assert "no wheel for CPython 3.13" in (available.why_absent("tflite_runtime") or "")


def test_a_runtime_that_numpy_breaks_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available, "find_spec", lambda _name: object())
    monkeypatch.setattr(available.metadata, "version", lambda _name: "2.1.0")
    assert "numpy below 2" in (available.why_absent("tflite_runtime") or "")
