"""Check that pip can resolve the documented installations: `tox -e installs`.

pip resolves each row of the table in docs/my-board.md for its system and Python. For desktops, it
resolves the installations of README.md and docs/my-flatbuffer.md. It uses only wheels and
installs nothing.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
from typing import NamedTuple

from models.runtime.own_python import groups
from models.store import PROJECT

PAGE = PROJECT / "docs" / "my-board.md"
SYSTEMS = ("aarch64", "armv7l")
# Minor version of glibc in Debian 12, the oldest system that the page names.
GLIBC = 36
OLDEST_GLIBC = 17
_ROW = re.compile(r"^\| `(\w+)`.*?\| ([\d. to]+) \|.*\| `(python3? -m [^`]+)` \|$", re.MULTILINE)


# Dependency groups that a desktop computer installs, by the page that names the Python versions.
_DESKS = {"README.md": ("dev",), "docs/my-flatbuffer.md": ("device", "onnx")}
_PYTHONS = re.compile(r"Python (3\.\d+) to (3\.\d+)\b")
DESK = "x86_64"


class Installation(NamedTuple):
    """The packages that pip installs on one kind of machine, for one version of Python."""

    machine: str
    python: str
    wanted: tuple[str, ...]


def installations() -> list[Installation]:
    """Return the rows of the table in docs/my-board.md, for their first and last Python."""
    return [
        Installation(machine, python, wanted_by(shlex.split(command)))
        for machine, pythons, command in _ROW.findall(PAGE.read_text(encoding="utf-8"))
        for python in pythons.split(" to ")
    ]


def desks() -> list[Installation]:
    """Return the desktop installations, for the first and last documented Python."""
    desks_found = []
    for page, names in _DESKS.items():
        pairs = _PYTHONS.findall((PROJECT / page).read_text(encoding="utf-8"))
        wanted = tuple(word for name in names for word in ("--group", name))
        desks_found += [Installation(DESK, python, wanted) for pair in pairs for python in pair]
    return desks_found


def wanted_by(words: list[str]) -> tuple[str, ...]:
    """Return the packages that a command asks pip to install.

    Raises:
        ValueError: the command installs no packages.
    """
    if words[1:4] == ["-m", "pip", "install"]:
        return tuple(words[4:])
    if words[1:3] == ["-m", "models.runtime.own_python"]:
        return ("--no-deps", *groups()[words[3]])
    raise ValueError(f"{words} installs nothing")


def why_not(installation: Installation) -> str | None:
    """Return pip's error about an installation; None if pip can resolve it."""
    levels = range(OLDEST_GLIBC, GLIBC + 1)
    platforms = [f"manylinux_2_{level}_{installation.machine}" for level in levels]
    platforms += [f"manylinux2014_{installation.machine}", f"linux_{installation.machine}"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet"]
        command += [f"--target={folder}", "--only-binary=:all:", "--implementation=cp"]
        command += [
            f"--python-version={installation.python}",
            *(f"--platform={p}" for p in platforms),
        ]
        done = subprocess.run(
            [*command, *installation.wanted],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    if not done.returncode:
        return None
    return " ".join(errors) or done.stderr or f"pip ends with exit code {done.returncode}"


def main() -> int:
    """Resolve every installation; return 1 if one is unavailable."""
    argparse.ArgumentParser(description="Ask pip for what the pages install.").parse_args()
    failed = 0
    for installation in (*installations(), *desks()):
        reason = why_not(installation)
        failed += reason is not None
        wanted = shlex.join(installation.wanted)
        shown = f"{installation.machine}, Python {installation.python}: {wanted}"
        sys.stdout.write(f"{shown}: {reason or 'there'}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
