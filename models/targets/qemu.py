"""Define the target of an emulated board: `qemu://BOARD[?arch=ARCHITECTURE]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from models.backends.common.backend import Installed
from models.devices.profile import load_device
from models.errors import UsageMistake
from models.runner.machine import usable_cores
from models.runtime.available import read_backend
from models.runtime.emulated import EmulatedTransport
from models.runtime.emulator import read_sysroots
from models.runtime.sysroot import core_names, prepare_sysroot
from models.targets.common.profiles import emulated_names
from models.targets.common.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.devices.profile import Device
    from models.store import Store
    from models.targets.common.target import Wish

EMULATED_CLOCK = "the times are the emulator's, not the board's, so they are not judged"
_ARCHITECTURE = "arch="


@dataclass(frozen=True)
class EmulatedTarget(Target[EmulatedTransport]):
    """A board that this machine emulates.

    Args:
        device: the board.
        architecture: architecture of its operating system.
        emulated_core: name of the emulated processor core.
    """

    scheme: ClassVar[str] = "qemu"
    form: ClassVar[str] = "qemu://BOARD[?arch=ARCHITECTURE]"
    emulates: ClassVar[bool] = True
    few_texts: ClassVar[bool] = True
    untimed: ClassVar[str | None] = EMULATED_CLOCK

    device: Device
    architecture: str
    emulated_core: str

    @classmethod
    def open(cls, wish: Wish) -> Self:
        """Return the emulated board of a URL, which contains its name or the path of its profile.

        Raises:
            UsageMistake: the board cannot be emulated in this way, or another device was requested.
        """
        name, architecture = _board_and_architecture(wish)
        if not name.endswith(".toml") and name not in emulated_names():
            raise UsageMistake(
                f"{name!r} is not one of the boards that can be emulated",
                key=wish.option,
                remedy=f"Give one of {', '.join(emulated_names())}, or the path of a TOML file",
            )
        board = load_device(name)
        if wish.profile is not None and wish.profile.name != board.name:
            raise UsageMistake(
                f"--edge-device requests {wish.profile.name}, but {board.name} is to be emulated",
                key=wish.option,
                remedy=f"Remove --edge-device, or emulate {wish.profile.name}",
            )
        chosen, core = board.core(architecture)
        if core not in core_names():
            raise UsageMistake(
                f"the emulator does not know the core {core!r}",
                file=board.file,
                key=f"emulation.{chosen}.core",
                remedy=f"Name the core nearest to the board's: {', '.join(core_names())}",
            )
        return cls(board, chosen, core)

    @property
    def threads(self) -> int:
        """Return 1, because waiting threads on an emulated processor spin."""
        return 1

    @property
    def cores(self) -> int:
        """Return the number of this machine's cores, which run the emulator."""
        return usable_cores()

    @property
    def core(self) -> str:
        """Return the name of the emulated processor core."""
        return self.emulated_core

    @property
    def name(self) -> str:
        """Return the device's name with a suffix, so that it differs from the board's."""
        own = self.device.core()[0] == self.architecture
        return f"{self.device.name}-emulated" + ("" if own else f"-{self.architecture}")

    def version(self, name: str) -> str:
        """Return the version of a backend's package in the board's root file system."""
        return self._runtimes[read_backend(name).runtime]

    @property
    def _runtimes(self) -> dict[str, str]:
        return read_sysroots().architectures[self.architecture].runtimes()

    def why_absent(self, name: str) -> str | None:
        """Return why the emulated board cannot run a backend; None if it can."""
        backend = read_backend(name)
        if backend.runtime not in self._runtimes:
            return f"the backend has no wheel for {self.architecture}"
        versions = read_sysroots().architectures[self.architecture].versions(backend.runtime)
        # If numpy is not one of the wheels, it comes from Debian, in a version that suits the
        # packages. So assume a version that the backend accepts.
        numpy = versions.get("numpy") or f"{(backend.numpy_below or 2) - 1}"
        return backend.why_absent(Installed(versions={**versions, "numpy": numpy}, drivers=()))

    def transport(
        self, store: Store, *, offline: bool, say: Callable[[str], None]
    ) -> EmulatedTransport:
        """Return the transport that starts emulated runners; prepare the root file system first."""
        sysroot = prepare_sysroot(store, self.architecture, offline=offline, say=say)
        return EmulatedTransport(sysroot=sysroot, core=self.core, device=self.device.name)

    def identity(self, transport: EmulatedTransport, backend: str) -> dict[str, Any]:
        """Return everything that can change answers: wheels, emulator and core."""
        architecture = read_sysroots().architectures[self.architecture]
        return {
            "versions": architecture.versions(read_backend(backend).runtime),
            "emulator": transport.sysroot.emulator_version,
            "machine": self.architecture,
            "processor": self.core,
        }

    def facts(self) -> dict[str, Any]:
        """Return the facts of the target for results.json."""
        return self._facts(emulated=True, machine=self.architecture, core=self.core)

    def describe(self) -> str:
        """Describe the target in one line."""
        board = self.device.table.description
        return f"{self.name} ({board}): emulated, {self.core}, {self.architecture}"


def _board_and_architecture(wish: Wish) -> tuple[str, str | None]:
    """Parse the part of a URL after the scheme: `[//]BOARD[?arch=ARCHITECTURE]`."""
    board, asked, query = wish.rest.partition("?")
    architecture = query.removeprefix(_ARCHITECTURE)
    if asked and (not query.startswith(_ARCHITECTURE) or not architecture):
        raise UsageMistake(
            f"{wish.address!r} contains parameters other than an architecture",
            key=wish.option,
            remedy=f"Write {EmulatedTarget.form}",
        )
    return board.removeprefix("//"), architecture or None
