"""Which Python starts a runner: the one that runs this, or one that a runtime has to itself.

A runtime that cannot share this environment (tflite-runtime needs numpy below 2) has a virtual
environment of its own in the folder `runtimes/NAME` of this one. models/runtime/own_python.py
makes it.
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
        python: its program.
        packages: folders that hold its packages; None for those of the running Python.
    """

    python: str
    packages: tuple[str, ...] | None = None

    def version(self, distribution: str) -> str | None:
        """Return the installed version of a distribution; None where it is not installed."""
        return _version(distribution, self.packages)


def own_folder(runtime: str) -> Path:
    """Return where a runtime's own environment is, or would be."""
    return Path(sys.prefix) / "runtimes" / runtime


def program_in(folder: Path) -> Path:
    """Return the Python of a virtual environment."""
    return folder / "bin" / "python"


def interpreter_for(runtime: str | None) -> Interpreter:
    """Return the runtime's own Python where there is one, or the running one.

    Args:
        runtime: its import name; None where the runner is to choose.
    """
    folder = own_folder(runtime) if runtime else None
    if folder is None or not program_in(folder).exists():
        return Interpreter(sys.executable)
    packages = folder.glob("lib/python3.*/site-packages")
    return Interpreter(str(program_in(folder)), tuple(map(str, packages)))


# A run asks for the same few again and again, and each look-up reads a package's metadata.
@cache
def _version(distribution: str, packages: tuple[str, ...] | None) -> str | None:
    where = sys.path if packages is None else list(packages)
    found = next(iter(metadata.Distribution.discover(name=distribution, path=where)), None)
    return None if found is None else found.version
