"""Send signals to commands, and find the processes and files that they leave behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.store import PROJECT
from suites.meta.gates.running import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Exit codes after a signal: 128 plus its number, as in a shell, or negative if Python was not
# running yet.
OF_SIGNALS = {*(128 + number for number in SIGNALS), *(-number for number in SIGNALS)}
MOMENTS = 20
# A run ends within 15 s of a signal, by force if need be. A builder and a fleet also wait for their
# own children. The rest of the time is a margin for a busy machine.
SECONDS_TO_END = 60.0
# After the end of its client, a program on a board ends only at its next write.
SECONDS_TO_VANISH = 15.0


@dataclass(frozen=True)
class Ended:
    """The exit status, the output and the leftovers of a command.

    Attributes:
        code: its exit status.
        output: stdout and stderr.
        left: what it left behind: processes, folders, sockets, unfinished files.
    """

    code: int
    output: str
    left: list[str]


def end(  # noqa: PLR0913 - callers pass the last ones by name
    folder: Path,
    arguments: Sequence[str],
    number: signal.Signals,
    moment: Callable[[Path], bool],
    *,
    store: Path,
    reports: Path | None = None,
    variables: dict[str, str] | None = None,
) -> Ended:
    """Start `python ARGUMENTS`, send a signal at a moment, and find what the command left behind.

    The command's processes are recognized by `folder`, which is in their environment, or by
    `store`, which is in the command lines of programs on a board or under an emulator.

    Args:
        folder: folder for its output, whose path marks its processes.
        arguments: arguments of the Python interpreter.
        number: number of the signal.
        moment: tells, given the file of the output, whether to send the signal now.
        store: its store, used by no other run.
        reports: folder of its results.
        variables: environment variables.
    """
    folder.mkdir(parents=True)
    # The paths of sockets, which are created here, have a maximum length.
    temporary = Path(tempfile.mkdtemp(prefix="ended-"))
    log = folder / "output.txt"
    own = {"TMPDIR": str(temporary), "META_MARK": str(folder), **(variables or {})}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env={**environment(), **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        while process.poll() is None and not moment(log):
            time.sleep(0.02)
        process.send_signal(number)
        try:
            code = process.wait(SECONDS_TO_END)
        finally:
            process.kill()
            process.wait()
    leftovers = _left(folder, temporary, store) + ([] if reports is None else _drafts(reports))
    shutil.rmtree(temporary)
    return Ended(code, log.read_text("utf-8", "replace"), leftovers)


def slow(*values: object) -> object:
    """Return a test's parameters that run only if slow tests are requested."""
    return pytest.param(*values, marks=pytest.mark.slow)


def moments(kind: str, longest: float) -> list[tuple[signal.Signals, float]]:
    """Return signals and the seconds after which they are sent, the same for each run.

    Args:
        kind: kind of the command; each kind has its own moments.
        longest: seconds after which most of these commands have ended by themselves.
    """
    draw = random.Random(kind)  # noqa: S311 - repeatable, not a secret
    return [(draw.choice(SIGNALS), draw.uniform(0.0, longest)) for _ in range(MOMENTS)]


def after(seconds: float) -> Callable[[Path], bool]:
    """Return a `moment` for `end`: the given number of seconds from now."""
    due = time.monotonic() + seconds
    return lambda _: time.monotonic() >= due


def once_said(text: str) -> Callable[[Path], bool]:
    """Return a `moment` for `end`: as soon as the output contains a text."""
    return lambda log: text in log.read_text("utf-8", "replace")


def while_running(name: str, store: Path) -> Callable[[Path], bool]:
    """Return a `moment` for `end`: as soon as a program with this name and store runs."""
    return lambda _: any(name in process for process in processes_naming(store))


def _left(folder: Path, temporary: Path, store: Path) -> list[str]:
    """Return the processes and files that a command left behind.

    Processes count only if they still run after `SECONDS_TO_VANISH`.
    """
    deadline = time.monotonic() + SECONDS_TO_VANISH
    while (processes := processes_naming(folder, store)) and time.monotonic() < deadline:
        time.sleep(0.1)
    processes += [str(path) for path in temporary.rglob("*") if "edgeproof" in path.name]
    kinds = ("*/*.draft", "locks/*.holder", "**/.*.tmp")
    return processes + [str(path) for kind in kinds for path in store.glob(kind)]


def _drafts(reports: Path) -> list[str]:
    """Return unfinished files, called `.NAME.LETTERS` or `.drawing-…`."""
    return [str(path) for kind in (".*.*", ".drawing-*") for path in reports.rglob(kind)]


def processes_naming(*folders: Path) -> list[str]:
    """Return the processes whose environment or command names one of the folders."""
    marks, processes = [os.fsencode(folder) for folder in folders], []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            facts = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            command = (
                (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            )
        except OSError:
            continue
        # The board's own sshd goes on running.
        if any(mark in facts for mark in marks) and not command.startswith(
            ("/usr/sbin/sshd", "sshd")
        ):
            processes.append(f"process {entry.name}: {command}")
    return processes
