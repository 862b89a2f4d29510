"""Where the variants of a run answer: on this machine, behind ssh, or on an emulated board."""

from __future__ import annotations

import os
import platform
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from models.backends.common.backend import Installed
from models.backends.common.finding import backend_names
from models.devices.profile import HOST
from models.devices.watch import watch_here
from models.errors import EdgeproofError
from models.processes import run
from models.runner.machine import usable_cores
from models.runtime.available import (
    absent_backends,
    available_backends,
    distributions,
    installed_here,
    read_backend,
    why_absent,
)
from models.runtime.emulated import EmulatedTransport
from models.runtime.emulator import read_sysroots
from models.runtime.interpreters import interpreter_for
from models.runtime.predictions import processor_features
from models.runtime.software_vulkan import prepare_software_vulkan
from models.runtime.sysroot import prepare_sysroot
from models.runtime.transports import LocalTransport
from models.runtime.vulkan import FOLDERS, identify_drivers
from models.store import hash_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.devices.profile import Device
    from models.devices.recognition import Found
    from models.runtime.ssh import SshTransport
    from models.runtime.transports import Channel, Transport
    from models.store import Store

_ALLOW = "Install it there, or allow it to this user"
_SECONDS_TO_RUN = 60.0
_GIVE_PYTHON = (
    "Give its path, as in ssh://user@host/path/of/python: 3.8 or later, with numpy and a runtime"
)
SOFTWARE_CLOCK = "a processor stands in for the GPU: a verdict on time would be a lie"
# Stands for the manifest of a driver that is fetched before anything answers.
_SOFTWARE = ("SwiftShader",)
EMULATED_CLOCK = "its clock is the emulator's: a verdict there would be a lie"


class Place(Protocol):
    """Where the variants of a run answer."""

    @property
    def device(self) -> Device:
        """The device whose profile judges."""
        ...

    @property
    def name(self) -> str:
        """The device's name in ids, measurements and reports."""
        ...

    @property
    def threads(self) -> int:
        """Threads of the runtime's kernels, unless asked otherwise."""
        ...

    @property
    def cores(self) -> int:
        """How many cores compute there."""
        ...

    @property
    def runners(self) -> int:
        """How many may answer at once where no time is measured."""
        ...

    @property
    def untimed(self) -> str | None:
        """Why no time that is measured there can be judged; None where it can."""
        ...

    @property
    def few_texts(self) -> bool:
        """Whether an answer takes so long there that few texts are asked."""
        ...

    def backends(self) -> dict[str, str]:
        """Return the versions of the backends that can answer there, by name, best first."""
        ...

    def version(self, name: str) -> str:
        """Return the version of the package of a backend that can answer there."""
        ...

    def absent(self) -> dict[str, str]:
        """Return why the other backends cannot."""
        ...

    def why_absent(self, name: str) -> str | None:
        """Return why a backend cannot answer there; None where it can."""
        ...

    def transport(self, store: Store, *, offline: bool, say: Callable[[str], None]) -> Transport:
        """Return what starts runners there, prepared where it has to be."""
        ...

    def identity(self, transport: Transport, backend: str) -> dict[str, Any] | None:
        """Return all that can change a FlatBuffer's answers there; None where none are kept."""
        ...

    def start_watch(self, transport: Transport) -> Callable[[Path], Channel]:
        """Return what starts the sensors' watcher where the runner is."""
        ...

    def run(self, words: Sequence[str]) -> None:
        """Run a command where runners are started.

        Raises:
            EdgeproofError: it failed; says what it said.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        ...

    def describe(self) -> str:
        """Say in one line what it is."""
        ...


class _Board:
    """A place that is a real machine: what its profile says holds there."""

    device: Device

    @property
    def few_texts(self) -> bool:
        """No: it answers as fast as it is."""
        return False

    @property
    def runners(self) -> int:
        """One: more would heat a board before it is timed, and take memory that it is short of."""
        return 1

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    @property
    def threads(self) -> int:
        """The profile's."""
        return self.device.table.threads

    @property
    def cores(self) -> int:
        """The profile's, or this machine's where the device is none of the boards."""
        hardware = self.device.table.hardware
        return hardware.cores if hardware else usable_cores()


@dataclass(frozen=True)
class LocalPlace(_Board):
    """This machine.

    Args:
        device: what it was recognized as.
        found: by what.
    """

    device: Device
    found: Found
    untimed: str | None = None

    @property
    def runners(self) -> int:
        """One for each core where this is no board."""
        return len(os.sched_getaffinity(0)) if self.device.name == HOST else 1

    def backends(self) -> dict[str, str]:
        """Return what can answer here."""
        return {one.name: one.version for one in available_backends()}

    def version(self, name: str) -> str:
        """Return the version of a backend's package."""
        backend = read_backend(name)
        return installed_here(backend).versions[backend.distribution] or ""

    def absent(self) -> dict[str, str]:
        """Return why the other backends cannot answer here."""
        return {one.name: one.reason for one in absent_backends()}

    def why_absent(self, name: str) -> str | None:
        """Return why a backend cannot answer here; None where it can."""
        return why_absent(name)

    def transport(self, store: Store, *, offline: bool, say: Callable[[str], None]) -> Transport:  # noqa: ARG002 - nothing to prepare
        """Return what starts runners as subprocesses."""
        return LocalTransport()

    def identity(self, transport: Transport, backend: str) -> dict[str, Any]:
        """Return versions, machine, processor, and the backend's own libraries and drivers."""
        found = read_backend(backend)
        python = interpreter_for(found.runtime)
        identity: dict[str, Any] = {
            "versions": {name: python.version(name) for name in (found.distribution, "numpy")},
            "machine": platform.machine(),
            "processor": processor_features(),
        }
        if found.libraries:
            identity["libraries"] = [hash_file(Path(file)) for file in found.libraries]
        if found.uses_vulkan:
            given = transport.environment if isinstance(transport, LocalTransport) else {}
            identity["drivers"] = identify_drivers({**os.environ, **given})
        return identity

    def start_watch(self, transport: Transport) -> Callable[[Path], Channel]:  # noqa: ARG002 - here
        """Return what starts the watcher on this machine."""
        return watch_here

    def run(self, words: Sequence[str]) -> None:
        """Run a command here."""
        _run_here(words)

    def facts(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        return _facts(self, emulated=False, machine=self.found.machine, model=self.found.model)

    def describe(self) -> str:
        """Say in one line what it is."""
        return f"{self.name} ({self.device.table.description}): this machine"


@dataclass(frozen=True)
class SoftwareGpuPlace(LocalPlace):
    """This machine, whose processor stands in for a GPU: the driver is software.

    Args:
        device: what this machine was recognized as.
        found: by what.
    """

    untimed: str | None = SOFTWARE_CLOCK

    @property
    def few_texts(self) -> bool:
        """Yes: the processor computes what a GPU would."""
        return True

    @property
    def runners(self) -> int:
        """One: the driver takes every core."""
        return 1

    @property
    def name(self) -> str:
        """The device's name, marked: nobody is to take its numbers for a GPU's."""
        return f"{self.device.name}-gpu-emulated"

    def backends(self) -> dict[str, str]:
        """Return what can answer here, on the software driver too."""
        names = [name for name in backend_names(boards=True) if self.why_absent(name) is None]
        return {one.name: one.version for one in available_backends(names, drivers=_SOFTWARE)}

    def absent(self) -> dict[str, str]:
        """Return why the other backends cannot answer here."""
        reasons = {name: self.why_absent(name) for name in backend_names(boards=True)}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def why_absent(self, name: str) -> str | None:
        """Return why a backend cannot answer here; None where it can."""
        return why_absent(name, drivers=_SOFTWARE)

    def transport(self, store: Store, *, offline: bool, say: Callable[[str], None]) -> Transport:
        """Return what starts runners with the software driver, which is fetched where needed."""
        driver = prepare_software_vulkan(store, offline=offline, say=say)
        return LocalTransport(environment=driver.environment())

    def facts(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        return {**super().facts(), "name": self.name, "emulated": True}

    def describe(self) -> str:
        """Say in one line what it is."""
        return f"{self.name}: this machine, its processor in place of a GPU (SwiftShader)"


@dataclass(frozen=True)
class EmulatedPlace:
    """A board under the emulator.

    Args:
        device: the board.
        architecture: of its system.
        core: the emulated one.
    """

    device: Device
    architecture: str
    core: str
    untimed: str | None = EMULATED_CLOCK
    # Waiting threads of an emulated processor spin.
    threads: int = 1
    few_texts: bool = True
    # Tests answer in parallel there, with xdist.
    runners: int = 1

    @property
    def cores(self) -> int:
        """This machine's, which compute for the board."""
        return usable_cores()

    @property
    def name(self) -> str:
        """The device's name, marked: nobody is to take its numbers for the board's."""
        own = self.device.core()[0] == self.architecture
        return f"{self.device.name}-emulated" + ("" if own else f"-{self.architecture}")

    def backends(self) -> dict[str, str]:
        """Return what its root file system holds."""
        absent = self.absent()
        return {
            name: self.version(name) for name in backend_names(boards=True) if name not in absent
        }

    def absent(self) -> dict[str, str]:
        """Return why the other backends cannot answer there."""
        reasons = {name: self.why_absent(name) for name in backend_names(boards=True)}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def version(self, name: str) -> str:
        """Return the version of a backend's package in its root file system."""
        return self._versions[read_backend(name).runtime]

    @property
    def _versions(self) -> dict[str, str]:
        return read_sysroots().architectures[self.architecture].runtimes()

    def why_absent(self, name: str) -> str | None:
        """Return why a backend cannot answer there; None where it can."""
        backend = read_backend(name)
        if backend.runtime not in self._versions:
            return f"it has no wheel for {self.architecture}"
        versions = read_sysroots().architectures[self.architecture].versions(backend.runtime)
        # numpy may be Debian's own there, which is the right one by the choice of packages.
        numpy = versions.get("numpy") or f"{(backend.numpy_below or 2) - 1}"
        return backend.why_absent(Installed(versions={**versions, "numpy": numpy}, drivers=()))

    def transport(
        self, store: Store, *, offline: bool, say: Callable[[str], None]
    ) -> EmulatedTransport:
        """Return what starts emulated runners, the root file system prepared."""
        sysroot = prepare_sysroot(store, self.architecture, offline=offline, say=say)
        return EmulatedTransport(sysroot=sysroot, core=self.core, device=self.device.name)

    def identity(self, transport: Transport, backend: str) -> dict[str, Any]:
        """Return wheels, emulator and core."""
        if not isinstance(transport, EmulatedTransport):
            raise TypeError(f"{transport!r} does not emulate")
        sysroot = transport.sysroot
        return {
            "versions": read_sysroots()
            .architectures[self.architecture]
            .versions(read_backend(backend).runtime),
            "emulator": sysroot.emulator_version,
            "machine": self.architecture,
            "processor": self.core,
        }

    def start_watch(self, transport: Transport) -> Callable[[Path], Channel]:  # noqa: ARG002 - here
        """Return what starts the watcher on this machine, which computes for the board."""
        return watch_here

    def run(self, words: Sequence[str]) -> None:
        """Run a command on this machine, which starts the emulator."""
        _run_here(words)

    def facts(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        return _facts(self, emulated=True, machine=self.architecture, core=self.core)

    def describe(self) -> str:
        """Say in one line what it is."""
        board = f"{self.device.table.description}"
        return f"{self.name} ({board}): emulated, {self.core}, {self.architecture}"


@dataclass(frozen=True)
class RemotePlace(_Board):
    """A board that is reached over ssh.

    Args:
        device: what it was recognized as.
        found: by what.
        connection: to it.
    """

    device: Device
    found: Found
    connection: SshTransport
    untimed: str | None = None

    @cached_property
    def _installed(self) -> dict[str, str]:
        words = [self.connection.target.python, "-c", _FIND_RUNTIMES]
        printed = self.connection.run(shlex.join(words), remedy=_GIVE_PYTHON)
        lines = printed.splitlines()
        found = [line.split("=", 1) for line in lines if _INSTALLED.fullmatch(line)]
        if len(found) != len(lines) or len(dict(found)) != len(lines):
            raise EdgeproofError(
                f"the board's Python says something else than its runtimes: {printed[:100]!r}",
                file=self.connection.describe(),
                remedy=_GIVE_PYTHON,
            )
        return dict(found)

    def backends(self) -> dict[str, str]:
        """Return what is installed there and can answer."""
        absent = self.absent()
        return {
            name: self.version(name) for name in backend_names(boards=True) if name not in absent
        }

    def version(self, name: str) -> str:
        """Return the version of a backend's package there."""
        return self._installed[read_backend(name).distribution]

    def absent(self) -> dict[str, str]:
        """Return why the other backends cannot answer there."""
        reasons = {name: self.why_absent(name) for name in backend_names(boards=True)}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def why_absent(self, name: str) -> str | None:
        """Return why a backend cannot answer there; None where it can."""
        where = self.connection.describe()
        backend = read_backend(name)
        if backend.distribution not in self._installed:
            return f"it is not installed on {where}"
        drivers = tuple(self._installed[DRIVERS].split()) if DRIVERS in self._installed else ()
        reason = backend.why_absent(Installed(versions=self._installed, drivers=drivers))
        return None if reason is None else f"{reason} on {where}"

    def transport(self, store: Store, *, offline: bool, say: Callable[[str], None]) -> Transport:  # noqa: ARG002 - it stands
        """Return the connection."""
        return self.connection

    def identity(self, transport: Transport, backend: str) -> None:  # noqa: ARG002 - of none
        """Keep no answers: a board that was changed must not be judged by old ones."""
        return

    def start_watch(self, transport: Transport) -> Callable[[Path], Channel]:  # noqa: ARG002 - the same
        """Return what starts the watcher on the board."""
        return self.connection.start_program

    def run(self, words: Sequence[str]) -> None:
        """Run a command on the board."""
        self.connection.run(shlex.join(words), remedy=_ALLOW)

    def facts(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        found = {"machine": self.found.machine, "model": self.found.model}
        return _facts(self, emulated=False, target=self.connection.describe(), **found)

    def describe(self) -> str:
        """Say in one line what it is."""
        return f"{self.name} ({self.device.table.description}): {self.connection.describe()}"


# What the board's own Python says: no runtime is imported for it.
DRIVERS = "vulkan-drivers"
_ASKED = ("numpy", *sorted({*distributions().values()}))
_FIND_RUNTIMES = """
import glob, os
from importlib import metadata
for name in "{names}".split():
    try:
        print(name + "=" + metadata.version(name))
    except metadata.PackageNotFoundError:
        pass
named = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES")
every = [file for folder in "{folders}".split() for file in glob.glob(folder + "/*.json")]
found = named.split(":") if named else every
if found:
    print("{drivers}=" + str(len(found)))
""".format(names=" ".join(_ASKED), folders=" ".join(FOLDERS), drivers=DRIVERS)


_INSTALLED = re.compile(rf"({'|'.join((*_ASKED, DRIVERS))})=[\w.+!-]{{1,64}}")


def _run_here(words: Sequence[str]) -> None:
    done = run(words, seconds=_SECONDS_TO_RUN, remedy=_ALLOW)
    if done.code:
        raise EdgeproofError(done.last_line, key=words[0], remedy=_ALLOW)


def _facts(place: Place, **more: Any) -> dict[str, Any]:
    profile = {"profile": place.device.file, "description": place.device.table.description}
    known = {name: value for name, value in more.items() if value is not None}
    return {"name": place.name, **profile, **known}
