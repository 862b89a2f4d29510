"""Start the runner on a board over ssh, with the system's own ssh client.

The user's keys and configuration are used. The first use opens one connection, the master, which
all files and runners share. It stays open as long as the transport exists.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import shutil
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from models.errors import EdgeproofError
from models.files import unfinished_files
from models.runtime.addresses import SshAddress
from models.runtime.marked_scripts import SECONDS_TO_START, MarkedChannel, Script
from models.runtime.remote_shell import SECONDS_TO_END, RemoteShell, own_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.runtime.transports import Channel

OPTIONS = (
    # Never prompt, because nobody would see the prompt and ssh would wait forever.
    "BatchMode=yes",
    "ConnectTimeout=10",
    # Seconds between probes; after three without a reply, the board counts as lost.
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
)
SOCKET = "master"
# On some systems, the path of a socket may have at most 103 bytes, and ssh appends 17 bytes while
# it creates the socket.
_LONGEST_FOLDER = 103 - len(f"/{SOCKET}") - 17
SSH = "ssh"


class SshTransport(RemoteShell):
    """A transport that starts the runner on a board over ssh.

    Args:
        address: `ssh://[user@]host[:port][/path/of/python]`.
        options: additional arguments of ssh.
        environment: variables of the runner, in addition to `RUNNER_ENVIRONMENT`.
        wrapper: a command on the board that starts the runner.

    Raises:
        UsageMistake: the address is not valid.
        EdgeproofError: this machine has no ssh client.
    """

    failed_status: ClassVar[int | None] = 255

    def __init__(
        self,
        address: str,
        *,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        there = SshAddress.parse(address)
        super().__init__(address, there.python, environment=environment, wrapper=wrapper)
        if shutil.which(SSH) is None:
            raise EdgeproofError(
                "no ssh client is installed on this machine", remedy="Install the OpenSSH client"
            )
        self._login = there.login
        self._given: dict[str, Any] = {"options": options, "environment": environment}
        self._scratch = unfinished_files.new_folder("edgeproof-ssh-", longest=_LONGEST_FOLDER)
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._port = ["-p", str(there.port)] if there.port else []
        settings = [word for option in OPTIONS for word in ("-o", option)]
        self._options = [*options, *self._port, *settings, "-T", "-S", str(self._scratch / SOCKET)]
        self._master: Channel | None = None

    @property
    def by_hand(self) -> str:
        """Return the command line with which a user can reach the board."""
        return shlex.join([SSH, *self._port, self._login])

    def within(self, wrapper: Sequence[str]) -> SshTransport:
        """Return a separate connection that starts runners by a command on the board."""
        return SshTransport(self.address, **self._given, wrapper=wrapper)

    def command(self, script: Script) -> list[str]:
        """Return the local command that runs a script on the board."""
        return [SSH, *self._options, self._login, "--", script.command]

    @property
    def stands(self) -> bool:
        """Return whether the master connection is open."""
        return self._master is not None and self._master.lives

    def connect(self) -> None:
        """Open the master connection, unless it is open.

        Raises:
            EdgeproofError: the board cannot be reached; the message quotes ssh.
        """
        if self.stands:
            return
        self.close()
        (self._scratch / SOCKET).unlink(missing_ok=True)
        # On the board, `cat` reads the connection's stdin. So the connection ends when stdin is
        # closed, however this process ends.
        script = Script.starting("cat >/dev/null", secrets.token_hex(8))
        command = [SSH, "-M", *self._options, self._login, "--", script.command]
        master = MarkedChannel(command, own_environment(), self.address, script)
        weakref.finalize(self, _end, master)
        self._master = master
        if master.skip_noise(SECONDS_TO_START) is None:
            self._master = None
            raise self.not_started(master)

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        master, self._master = self._master, None
        if master is not None:
            _end(master)


def _end(master: Channel) -> None:
    with contextlib.suppress(OSError):
        master.requests.close()
    master.terminate()
    master.wait(SECONDS_TO_END)
    master.close()
