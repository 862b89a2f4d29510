"""Interrupt a step at one line: `python -m suites.meta.house.interrupted KIND FOLDER LINE`.

The program counts the lines that it executes in the modules of `_TRACED`, until its process ends.
Before the line with the number LINE it prints that line's place, and sends SIGTERM to itself. It
prints nothing if there are fewer lines.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models import store
from models.command_line import run_command
from models.files import regular_files, unfinished_files
from models.processes import programs

if TYPE_CHECKING:
    from types import FrameType

FINISHED = "finished"
# The modules that write, start programs and clean up.
_TRACED = {
    module.__file__
    for module in (programs, regular_files, shutil, store, subprocess, unfinished_files)
}


def _scratch_folder(folder: Path) -> None:
    with unfinished_files.scratch_folder("scratch-", folder) as scratch:
        _fill(scratch)


def _new_folder(folder: Path) -> None:
    tempfile.tempdir = str(folder)
    _fill(unfinished_files.new_folder("new-"))


def _file(folder: Path) -> None:
    with regular_files.write_whole(folder / FINISHED) as file:
        file.write(b"content")


def _failed_artefact(folder: Path) -> None:
    def fail(draft: Path) -> None:
        _fill(draft)
        raise FileNotFoundError

    with contextlib.suppress(FileNotFoundError):
        store.Store(folder).get(store.Stage("artefact", {}), fail)


def _program(folder: Path) -> None:
    # The folder marks the process. Each further variable would add two lines to interrupt.
    environment = {"PATH": os.environ["PATH"], "FOLDER": str(folder)}
    with contextlib.suppress(programs.Overrun):
        programs.run(["sleep", "60"], seconds=0.01, environment=environment, remedy="")


KINDS = {
    "program": _program,
    "scratch folder": _scratch_folder,
    "folder of a process": _new_folder,
    "file": _file,
    "failed artefact": _failed_artefact,
}


def _fill(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_bytes(b"content")


class _Tracer:
    """Sends SIGTERM to this process before a line.

    Args:
        line: the number of the line among those that are executed, from 1.
    """

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, _: object) -> _Tracer | None:
        """Count a line, and send the signal before the chosen one."""
        file = frame.f_code.co_filename
        if file not in _TRACED:
            return None
        if event == "line":
            self.left -= 1
            if not self.left:
                sys.stdout.write(f"{Path(file).name}:{frame.f_lineno}\n")
                os.kill(os.getpid(), signal.SIGTERM)
        return self


def main() -> int:
    """Do the step that the command line names."""
    kind, folder, line = sys.argv[1:]
    tracer = _Tracer(int(line))

    def command() -> int:
        sys.settrace(tracer)
        KINDS[kind](Path(folder))
        return 0

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
