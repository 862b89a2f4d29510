"""Replace boards over ssh in tests by an sshd on loopback that starts their programs."""

from __future__ import annotations

import shlex
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from suites.meta.runtime.sshd import LoopbackBoard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.runtime.sysroot import Sysroot

MODEL = "Raspberry Pi 4 Model B Rev 1.4"
CORE = "cortex-a72"
STARTS = "starts"


class Board:
    """A replacement for a board: an sshd, a Python for its programs, and a client with its key.

    Args:
        folder: folder for its files.
        sysroot: root file system of an emulated Raspberry Pi 4; None to use this machine's Python.
        python: another Python of this machine.
    """

    def __init__(
        self, folder: Path, sysroot: Sysroot | None = None, *, python: str = sys.executable
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._stopped = False
        self._sshd = LoopbackBoard(folder)
        words = [python] if sysroot is None else _raspberry(folder, sysroot)
        _script(
            folder / "python",
            # Each start of a program adds a line to a file, so that a test can wait for a start.
            f"echo started >>{folder / STARTS}\nexec {shlex.join(words)}",
        )
        (folder / "bin").mkdir()
        ssh = [str(shutil.which("ssh")), *self._sshd.options]
        ssh += ["-o", f"SetEnv=XDG_CACHE_HOME={folder}/cache"]
        _script(folder / "bin" / "ssh", f"exec {shlex.join(ssh)}")

    @property
    def target(self) -> str:
        """Return the value of `--edge-target` that selects this board."""
        return f"{self._sshd.address}{self._folder}/python"

    @property
    def client(self) -> Path:
        """Return the folder with the ssh client, for PATH."""
        return self._folder / "bin"

    def stop_after(self, starts: int) -> threading.Thread:
        """Stop the board after it has started this many programs; return the waiting thread."""

        def wait() -> None:
            while self.starts < starts and not self._stopped:
                time.sleep(0.05)
            self.stop()

        waiting = threading.Thread(target=wait)
        waiting.start()
        return waiting

    @property
    def starts(self) -> int:
        """Return the number of programs that were started on the board."""
        file = self._folder / STARTS
        return len(file.read_text("utf-8").splitlines()) if file.exists() else 0

    def processes(self) -> list[str]:
        """Return the programs that still run on the board; wait up to 15 s for their end."""
        for _ in range(150):
            programs = self._sshd.programs()
            if not programs:
                break
            time.sleep(0.1)
        return programs

    def stop(self) -> None:
        """Stop the board and its connections, as a power cut would; a second call does nothing."""
        if not self._stopped:
            self._stopped = True
            self._sshd.stop()


def _raspberry(folder: Path, sysroot: Sysroot) -> list[str]:
    """Return the command of the emulated Python, in a root file system with a device tree."""
    emulator, option, root_shown, *arguments = sysroot.command(core=CORE)
    root = folder / "root"
    root.mkdir()
    for entry in Path(root_shown).iterdir():
        if entry.is_symlink():
            (root / entry.name).symlink_to(entry.resolve())
        else:
            shutil.copytree(entry, root / entry.name)
    model = root / "proc" / "device-tree" / "model"
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_text(f"{MODEL}\0", encoding="utf-8")
    variables = [f"{key}={value}" for key, value in sysroot.environment().items()]
    return ["env", *variables, emulator, option, str(root), *arguments]


def _script(file: Path, line: str) -> None:
    file.write_text(f'#!/bin/sh\n{line} "$@"\n', encoding="utf-8")
    file.chmod(0o755)


def write_client(file: Path, boards: Sequence[Board]) -> None:
    """Write an ssh client that selects the board by its port."""
    lines = [
        f'  *" -p {board.target.split(":")[2].split("/")[0]} "*) exec {board.client}/ssh "$@";;'
        for board in boards
    ]
    text = "\n".join(["#!/bin/sh", 'case " $* " in', *lines, "esac", "exit 255"])
    file.write_text(text + "\n", encoding="utf-8")
    file.chmod(0o755)
