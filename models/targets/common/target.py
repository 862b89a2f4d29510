"""Define the interface of a target: its capabilities, its backends, and how it starts runners."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from models.backends.common.registry import backend_names
from models.devices.watch import watch_here
from models.errors import EdgeproofError
from models.processes.programs import run
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
    """The requested target of a run.

    Attributes:
        address: URL of the target; the target's own module parses the part after the scheme.
        option: the option that contains the URL, for messages.
        profile: the required device, with its profile; None for the recognized device.
    """

    address: str
    option: str = "--edge-target"
    profile: Device | None = None

    @property
    def scheme(self) -> str:
        """Return the scheme of the URL in lower case; "" if there is none."""
        scheme, colon, _ = self.address.partition(":")
        return scheme.lower() if colon else ""

    @property
    def rest(self) -> str:
        """Return the part of the URL after the scheme's colon."""
        return self.address.partition(":")[2]


class Target(ABC, Generic[T]):
    """A machine, real or emulated, on which backends run.

    Callers check the attributes and properties below, never the class. A new kind of target is a
    module beside `models/targets/local.py` with a subclass of this class.

    Attributes:
        scheme: scheme of the URLs of such targets.
        form: form of these URLs, for messages and for the option's help.
        runs_programs: whether runners can be started on the target.
        reached: whether the target is another machine, behind a connection.
        emulates: whether another processor than this machine's is emulated.
        few_texts: whether an answer takes so long that only few texts are classified.
        untimed: why times measured on the target are not judged; None if they are judged.
        device: the device whose profile applies.
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
        """Open the requested target.

        Raises:
            UsageMistake: the URL is not valid, or the target is not the required device.
            EdgeproofError: the target cannot be reached.
        """

    @property
    def here(self) -> bool:
        """Return whether backends run on this machine's own processor."""
        return self.runs_programs and not self.reached and not self.emulates

    @property
    def name(self) -> str:
        """Return the name of the device in ids, measurements and reports."""
        return self.device.name

    @property
    def threads(self) -> int:
        """Return the default number of threads of the backend's kernels."""
        return self.device.table.threads

    @property
    def cores(self) -> int:
        """Return the number of cores in the device's profile, or else of usable cores here."""
        hardware = self.device.table.hardware
        return hardware.cores if hardware else usable_cores()

    @property
    def core(self) -> str | None:
        """Return the emulator's name of the device's processor core; None for the host."""
        return self.device.usual_core

    @property
    def runners(self) -> int:
        """Return the number of runners that may run at the same time while nothing is timed.

        It is 1 on a board: more runners would heat the board before the measurement, and boards
        have little memory.
        """
        return 1

    def backends(self) -> dict[str, str]:
        """Return the versions of the backends that the target can run, by name, best first."""
        absent = self.absent()
        names = backend_names(boards=True)
        return {name: self.version(name) for name in names if name not in absent}

    def absent(self) -> dict[str, str]:
        """Return the backends that the target cannot run, by name, with the reasons."""
        reasons = {name: self.why_absent(name) for name in backend_names(boards=True)}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    @abstractmethod
    def version(self, name: str) -> str:
        """Return the version of a backend's package on the target."""

    @abstractmethod
    def why_absent(self, name: str) -> str | None:
        """Return why the target cannot run a backend; None if it can."""

    def compared_with(self, backend: str) -> str:
        """Return the backend of this machine with which the answers of `backend` are compared."""
        return backend

    @abstractmethod
    def transport(self, store: Store, *, offline: bool, say: Callable[[str], None]) -> T:
        """Return the transport that starts runners on the target; prepare it first if needed.

        Args:
            store: store of downloaded files.
            offline: whether downloads are forbidden.
            say: prints a line before a step that takes long.
        """

    @abstractmethod
    def identity(self, transport: T, backend: str) -> dict[str, Any] | None:
        """Return everything about the target that can change a FlatBuffer's answers.

        Return None if answers must not be stored.
        """

    def start_watch(self, transport: T) -> Callable[[Path], Channel]:  # noqa: ARG002 - subclasses use it
        """Return a function that starts the watcher of sensors; by default, on this machine."""
        return watch_here

    def run(self, words: Sequence[str]) -> None:
        """Run a command on the machine that starts runners; by default, on this machine.

        Raises:
            EdgeproofError: the command failed; the message quotes its last line.
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
        """Return a sentence about the device, for the message that another one was requested."""
        return f"this run's device is {self.describe()}"

    def _facts(self, *, emulated: bool, **more: Any) -> dict[str, Any]:
        """Return the facts that every target records, and those in `more` that are not None."""
        profile = {"profile": self.device.file, "description": self.device.table.description}
        known = {name: value for name, value in more.items() if value is not None}
        return {"name": self.name, **profile, "emulated": emulated, **known}
