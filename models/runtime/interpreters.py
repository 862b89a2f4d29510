"""Choose the Python that starts a runner: the running one, or a separate one for a runtime.

A runtime that cannot share this environment (tflite-runtime needs numpy below 2) has a separate
virtual environment in the subfolder `runtimes/NAME`, which models/runtime/own_python.py creates.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that can start a runner.

    Args:
        python: path of the program.
        packages: folders of its packages; None for those of the running Python.
    """

    python: str
    packages: tuple[str, ...] | None = None

    def version(self, distribution: str) -> str | None:
        """Return the installed version of a distribution; None if it is not installed."""
        return _version(distribution, self.packages)


def own_folder(runtime: str) -> Path:
    """Return the folder of a runtime's own environment, which need not exist."""
    return Path(sys.prefix) / "runtimes" / runtime


def program_in(folder: Path) -> Path:
    """Return the Python of a virtual environment."""
    return folder / "bin" / "python"


def interpreter_for(runtime: str | None) -> Interpreter:
    """Return the runtime's own Python if it exists, otherwise the running one.

    Args:
        runtime: import name of the runtime; None if the runner chooses one.
    """
    folder = own_folder(runtime) if runtime else None
    if folder is None or not program_in(folder).exists():
        return Interpreter(sys.executable)
    packages = folder.glob("lib/python3.*/site-packages")
    return Interpreter(str(program_in(folder)), tuple(map(str, packages)))


# Cached, because a run requests the same few versions many times, and each request reads a
# package's metadata.
@cache
def _version(distribution: str, packages: tuple[str, ...] | None) -> str | None:
    folders = sys.path if packages is None else list(packages)
    found = next(iter(metadata.Distribution.discover(name=distribution, path=folders)), None)
    return None if found is None else found.version
