"""Define the interface of a target: its capabilities, its backends, its way to start runners."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from models.backends.common.registry import backend_names
from models.devices.watch import watch_here
from models.errors import EdgeproofError
from models.processes import run
from models.runner.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.devices.profile import Device
    from models.runtime.transports import Channel, Transport
    from models.store import Store

ALLOW = "Install it there, or allow it to this user"
_SECONDS_TO_RUN = 60.0
T = TypeVar("T", bound="Transport")


@dataclass(frozen=True)
class Wish:
    """The target that a run asks for.

    Attributes:
        address: its URL; the part behind the scheme is read by the target's own module.
        option: which option gave the address, for messages.
        profile: the device whose profile has to judge; None takes the one that is recognized.
    """

    address: str
    option: str = "--edge-target"
    profile: Device | None = None

    @property
    def scheme(self) -> str:
        """The scheme of the URL, in lower case; empty if there is none."""
        scheme, colon, _ = self.address.partition(":")
        return scheme.lower() if colon else ""

    @property
    def rest(self) -> str:
        """Everything behind the scheme's colon."""
        return self.address.partition(":")[2]


class Target(ABC, Generic[T]):
    """Where a backend runs.

    Callers ask for a capability and never for a class. A new kind of target is a module beside
    `models/targets/local.py` with a subclass of this one.

    Attributes:
        scheme: of the URLs that name such a target.
        form: how such a URL is written, for messages and for the option's help.
        runs_programs: whether a runner can be started there.
        reached: whether it is a machine of its own, behind a connection.
        emulates: whether another processor than this machine's is emulated.
        few_texts: whether an answer takes so long there that few texts are asked.
        untimed: why no time that is measured there can be judged; None if it can.
        device: the device whose profile judges.
    """

    scheme: ClassVar[str]
    form: ClassVar[str]
    runs_programs: ClassVar[bool] = True
    reached: ClassVar[bool] = False
    emulates: ClassVar[bool] = False
    few_texts: ClassVar[bool] = False
    untimed: ClassVar[str | None] = None
    device: Device

    @classmethod
    @abstractmethod
    def open(cls, wish: Wish) -> Self:
        """Find the target that a run asks for.

        Raises:
            UsageMistake: the address does not fit, or the device that was asked for is not there.
            EdgeproofError: it cannot be reached.
        """

    @property
    def here(self) -> bool:
        """Whether this machine's own processor answers."""
        return self.runs_programs and not self.reached and not self.emulates

    @property
    def name(self) -> str:
        """The name in ids, measurements and reports: the device's."""
        return self.device.name

    @property
    def threads(self) -> int:
        """Threads of the backend's kernels, unless a run asks for others."""
        return self.device.table.threads

    @property
    def cores(self) -> int:
        """How many cores compute there: the profile's number, this machine's without one."""
        hardware = self.device.table.hardware
        return hardware.cores if hardware else usable_cores()

    @property
    def core(self) -> str | None:
        """The processor core whose instructions are counted; None if it is not known."""
        return self.device.usual_core

    @property
    def runners(self) -> int:
        """How many runners may answer at once if no time is measured.

        One on a board: more would heat it before it is timed, and take memory that it is short of.
        """
        return 1

    def backends(self) -> dict[str, str]:
        """Return the versions of the backends that can answer there, by name, best first."""
        absent = self.absent()
        names = backend_names(boards=True)
        return {name: self.version(name) for name in names if name not in absent}

    def absent(self) -> dict[str, str]:
        """Return why the other backends cannot answer there, by name."""
        reasons = {name: self.why_absent(name) for name in backend_names(boards=True)}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    @abstractmethod
    def version(self, name: str) -> str:
        """Return the version of the package of a backend that can answer there."""

    @abstractmethod
    def why_absent(self, name: str) -> str | None:
        """Return why a backend cannot answer there; None if it can."""

    def compared_with(self, backend: str) -> str:
        """Return the backend of this machine with which the answers of `backend` are compared."""
        return backend

    @abstractmethod
    def transport(self, store: Store, *, offline: bool, say: Callable[[str], None]) -> T:
        """Return the transport that starts runners there; prepare it first if needed.

        Args:
            store: keeps what has to be fetched.
            offline: whether nothing may be fetched.
            say: is told what takes long.
        """

    @abstractmethod
    def identity(self, transport: T, backend: str) -> dict[str, Any] | None:
        """Return everything that can change a FlatBuffer's answers there.

        None if no answers may be kept.
        """

    def start_watch(self, transport: T) -> Callable[[Path], Channel]:  # noqa: ARG002 - for heirs
        """Return a channel to the sensors' watcher beside the runner: by default, here."""
        return watch_here

    def run(self, words: Sequence[str]) -> None:
        """Run a command where runners are started: by default, on this machine.

        Raises:
            EdgeproofError: it failed; quotes its last line.
        """
        done = run(words, seconds=_SECONDS_TO_RUN, remedy=ALLOW)
        if done.code:
            raise EdgeproofError(done.last_line, key=words[0], remedy=ALLOW)

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return the facts of the target for results.json."""

    @abstractmethod
    def describe(self) -> str:
        """Describe the target in one line."""

    def describe_found(self) -> str:
        """Say which device this is, for the message that another one was asked for."""
        return f"this run's device is {self.describe()}"

    def _facts(self, *, emulated: bool, **more: Any) -> dict[str, Any]:
        """Return the facts that every target has, and those of `more` that are known."""
        profile = {"profile": self.device.file, "description": self.device.table.description}
        known = {name: value for name, value in more.items() if value is not None}
        return {"name": self.name, **profile, "emulated": emulated, **known}
