"""Define targets that are boards behind a connection, such as ssh."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from models.backends.common.backend import Installed
from models.devices.recognition import recognize_there
from models.errors import EdgeproofError
from models.runtime.available import distributions, read_backend
from models.runtime.remote_shell import NAME_PYTHON, RemoteShell
from models.runtime.vulkan import FOLDERS
from models.targets.common.profiles import judging_profile, known_profiles
from models.targets.common.target import ALLOW, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.devices.profile import Device
    from models.devices.recognition import Found
    from models.runtime.transports import Channel
    from models.store import Store


@dataclass(frozen=True)
class ReachedTarget(Target[RemoteShell]):
    """A board whose shell is reached through a command on this machine.

    A subclass defines the scheme and form of its URL, and returns `cls.reach(...)` from `open`.

    Args:
        device: the device as which the board was recognized.
        found: the facts by which it was recognized.
        connection: the connection to the board.
    """

    reached: ClassVar[bool] = True

    device: Device
    found: Found
    connection: RemoteShell

    @classmethod
    def reach(cls, connection: RemoteShell, profile: Device | None) -> Self:
        """Recognize the board behind a connection.

        Raises:
            UsageMistake: the board is another device than `profile`.
            EdgeproofError: the board cannot be reached.
        """
        found = recognize_there(connection.start_program, known_profiles(profile))
        where = connection.describe()
        return cls(judging_profile(profile, found, where=where, reached=True), found, connection)

    @cached_property
    def _installed(self) -> dict[str, str]:
        words = [self.connection.python, "-c", _FIND_RUNTIMES]
        printed = self.connection.run(shlex.join(words), remedy=NAME_PYTHON)
        lines = printed.splitlines()
        found = [line.split("=", 1) for line in lines if _INSTALLED.fullmatch(line)]
        if len(found) != len(lines) or len(dict(found)) != len(lines):
            raise EdgeproofError(
                f"the board's Python did not list its runtimes, but printed {printed[:100]!r}",
                file=self.connection.describe(),
                remedy=NAME_PYTHON,
            )
        return dict(found)

    def version(self, name: str) -> str:
        """Return the version of a backend's package on the board."""
        return self._installed[read_backend(name).distribution]

    def why_absent(self, name: str) -> str | None:
        """Return why the board cannot run a backend; None if it can."""
        where = self.connection.describe()
        backend = read_backend(name)
        if backend.distribution not in self._installed:
            return f"the backend is not installed on {where}"
        drivers = tuple(self._installed[DRIVERS].split()) if DRIVERS in self._installed else ()
        reason = backend.why_absent(Installed(versions=self._installed, drivers=drivers))
        return None if reason is None else f"{reason} on {where}"

    def transport(
        self,
        store: Store,  # noqa: ARG002 - the connection is already open
        *,
        offline: bool,  # noqa: ARG002 - see `store`
        say: Callable[[str], None],  # noqa: ARG002 - see `store`
    ) -> RemoteShell:
        """Return the connection to the board, which also starts runners."""
        return self.connection

    def identity(self, transport: RemoteShell, backend: str) -> None:  # noqa: ARG002 - None for all
        """Return None, so that no answers are stored, because a board may change at any time."""
        return

    def start_watch(self, transport: RemoteShell) -> Callable[[Path], Channel]:  # noqa: ARG002 - it is `self.connection`
        """Return a function that opens a channel to the watcher on the board."""
        return self.connection.start_program

    def run(self, words: Sequence[str]) -> None:
        """Run a command on the board.

        Raises:
            EdgeproofError: the command failed; the message quotes its last line.
        """
        self.connection.run(shlex.join(words), remedy=ALLOW)

    def facts(self) -> dict[str, Any]:
        """Return the facts of the target for results.json."""
        found = {"machine": self.found.machine, "model": self.found.model}
        return self._facts(emulated=False, target=self.connection.describe(), **found)

    def describe(self) -> str:
        """Describe the target in one line."""
        return f"{self.name} ({self.device.table.description}): {self.connection.describe()}"

    def describe_found(self) -> str:
        """Return a sentence about the device as which the board was recognized."""
        return f"{self.connection.describe()} is {self.found.describe()}"


# Key under which the program `_FIND_RUNTIMES` prints the number of Vulkan drivers. The program
# reads versions from package metadata, so that it need not import a runtime.
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
