"""Start the runner on an emulated board: ARM code under Debian's user-mode emulator.

The answers are those of the ARM kernels. The times are those of the emulator, and are not judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from models.runtime import assembling
from models.runtime.transports import RUNNER_ENVIRONMENT, Channel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.runtime.sysroot import Sysroot


@dataclass(frozen=True, kw_only=True)
class EmulatedTransport:
    """A transport that starts the runner as ARM code on this machine.

    Args:
        sysroot: the board's root file system, see `prepare_sysroot`.
        core: the emulated processor core, such as cortex-a72.
        device: name of the emulated board, for messages.
        wrapper: a command on this machine that starts the emulator.
    """

    # Time limits are this many times longer: the emulator executes about ten instructions of this
    # machine for one of the board, and the machine may be busy.
    patience: ClassVar[float] = 10.0

    sysroot: Sysroot
    core: str
    device: str
    wrapper: tuple[str, ...] = ()

    def start(self, arguments: Sequence[str], runtime: str | None = None) -> Channel:
        """Start the runner with command-line arguments."""
        command = self.sysroot.command(str(assembling.runner_file()), *arguments, core=self.core)
        environment = {**self.sysroot.environment(runtime), **RUNNER_ENVIRONMENT}
        return Channel([*self.wrapper, *command], environment)

    def place(self, file: Path) -> str:
        """Return the file's path, because an emulated board can read this machine's files."""
        return str(file.resolve())

    def within(self, wrapper: Sequence[str]) -> EmulatedTransport:
        """Return the same transport, with a command that starts the emulator as its `wrapper`."""
        return replace(self, wrapper=tuple(wrapper))

    def describe(self) -> str:
        """Return the name of the emulated board, with core and architecture."""
        return f"an emulated {self.device} ({self.core}, {self.sysroot.architecture})"
