"""Commands that a signal ends: started with a mark, and looked for afterwards by it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.store import PROJECT
from suites.meta.gates.running import environment

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence

# A signal is answered within 15 s, by force if need be; a builder and a fleet have what they
# started to wait for. The rest is for a machine that has others to serve.
SECONDS_TO_END = 60.0
# A board notices that its client is gone when it next writes.
SECONDS_TO_VANISH = 15.0


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit status.
        output: stdout and stderr.
        left: what is left of it: processes, folders, sockets, drafts.
    """

    code: int
    output: str
    left: list[str]


def end(  # noqa: PLR0913 - what to start, when to end it, with what
    folder: Path,
    arguments: Sequence[str],
    number: signal.Signals,
    moment: Callable[[Path], bool],
    *,
    store: Path,
    variables: dict[str, str] | None = None,
) -> Ended:
    """Start `python ARGUMENTS`, send it a signal at a moment, and look for what is left.

    Args:
        folder: for its output and its temporary files; its path is the mark of its processes.
        arguments: of Python.
        number: the signal.
        moment: told the file of the output, again and again; whether to send the signal.
        store: where it keeps artefacts.
        variables: of its environment.
    """
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
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
    return Ended(code, log.read_text("utf-8", "replace"), _left(folder, store))


def after(seconds: float) -> Callable[[Path], bool]:
    """Return a moment so many seconds from now."""
    due = time.monotonic() + seconds
    return lambda _: time.monotonic() >= due


def once_said(text: str) -> Callable[[Path], bool]:
    """Return the moment when the output holds a text."""
    return lambda log: text in log.read_text("utf-8", "replace")


def _left(folder: Path, store: Path) -> list[str]:
    """Return what a command has left, once there was time for it to vanish."""
    deadline = time.monotonic() + SECONDS_TO_VANISH
    while (found := _marked(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    found += [str(path) for path in (folder / "tmp").rglob("*") if "edgeproof" in path.name]
    kinds = ("*/*.draft", "locks/*.holder", "**/.*.tmp")
    return found + [str(path) for kind in kinds for path in store.glob(kind)]


def _marked(folder: Path) -> list[str]:
    """Return the processes whose environment or command names a folder."""
    mark, found = os.fsencode(folder), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            shown = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        # sshd stands for the board's own, which lives on.
        if mark in told and not shown.startswith(("/usr/sbin/sshd", "sshd")):
            found.append(f"process {entry.name}: {shown}")
    return found
