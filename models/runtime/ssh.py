"""The runner on a board that is reached over ssh, by the system's own ssh client.

The user's keys and configuration count. One connection, the master, is kept for as long as the
transport lives; every file and every runner passes through it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from models.errors import EdgeproofError, Unreachable, UsageMistake
from models.runtime.transports import RUNNER_ENVIRONMENT, RUNNER_FILE, Channel
from models.store import hash_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# ssh's own exit status where it, and not the remote command, failed.
SSH_FAILED = 255
OPTIONS = (
    # A question nobody sees would wait for ever.
    "BatchMode=yes",
    "ConnectTimeout=10",
    # A board that falls silent is given up after this many seconds times three.
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
)
# Files are kept there by hash: the same one is sent once, whatever the run.
REMOTE_FOLDER = "${XDG_CACHE_HOME:-$HOME/.cache}/edgeproof/sent"
SOCKET = "master"
SSH = "ssh"
_NAME_DIGITS = 16
_ODD = re.compile(r"[^A-Za-z0-9._-]")
_SECONDS_TO_CONNECT = 30.0


@dataclass(frozen=True)
class Target:
    """Where a board is.

    Attributes:
        address: as the user gave it.
        login: user@host, or the host alone.
        port: None leaves it to ssh's configuration.
        python: the interpreter there that has numpy and a runtime.
    """

    address: str
    login: str
    port: int | None
    python: str

    @classmethod
    def parse(cls, address: str) -> Target:
        """Read `ssh://[user@]host[:port][/path/of/python]`.

        Raises:
            UsageMistake: it is no such address.
        """
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        odd = host is None or parts.scheme != "ssh" or parts.password or parts.query
        # A host that begins like an option would be taken for one.
        if odd or host is None or host.startswith("-") or (parts.username or "").startswith("-"):
            raise UsageMistake(
                f"{address!r} is no address of a board",
                key="--edge-target",
                remedy="Write ssh://user@host, ssh://user@host:port or ssh://host/path/of/python",
            )
        login = f"{parts.username}@{host}" if parts.username else host
        python = parts.path if parts.path not in {"", "/"} else "python3"
        return cls(address, login, port, python)


class SshTransport:
    """The runner on a board reached over ssh.

    Args:
        address: `ssh://[user@]host[:port][/path/of/python]`.
        options: more of ssh's options, as on its command line.
        environment: variables of the runner on top of `RUNNER_ENVIRONMENT`.
        wrapper: a command of the board that starts the runner.

    Raises:
        UsageMistake: the address is none.
        EdgeproofError: there is no ssh client here.
    """

    patience: ClassVar[float] = 1.0

    def __init__(
        self,
        address: str,
        *,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.target = Target.parse(address)
        if shutil.which(SSH) is None:
            raise EdgeproofError("there is no ssh client here", remedy="Install OpenSSH's client")
        self._given: dict[str, Any] = {"options": options, "environment": environment}
        self._wrapper = wrapper
        self._environment = {**RUNNER_ENVIRONMENT, **(environment or {})}
        self._scratch = Path(tempfile.mkdtemp(prefix="edgeproof-ssh-"))
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        port = ["-p", str(self.target.port)] if self.target.port else []
        settings = [word for option in OPTIONS for word in ("-o", option)]
        self._options = [*options, *port, *settings, "-T", "-S", str(self._scratch / SOCKET)]
        self._placed: dict[tuple[str, str], str] = {}
        self._master: subprocess.Popen[bytes] | None = None

    def start(self, arguments: Sequence[str], runtime: str | None = None) -> Channel:  # noqa: ARG002 - the board has one Python
        """Start the runner with command-line arguments."""
        return self.start_program(RUNNER_FILE, arguments)

    def start_program(self, program: Path, arguments: Sequence[str] = ()) -> Channel:
        """Send a Python program and start it there.

        Raises:
            EdgeproofError: the board cannot be reached.
        """
        path = self.place(program)
        variables = [f"{key}={value}" for key, value in self._environment.items()]
        words = [*self._wrapper, "env", *variables, self.target.python, path, *arguments]
        # The shell stays to tell its status: of a program ended by a signal, sshd tells ssh none.
        script = f"{shlex.join(words)}; exit $?"
        return _SshChannel(self._command(f"sh -c {shlex.quote(script)}"), _own_environment())

    def place(self, file: Path) -> str:
        """Send a file unless the board has it, checked by its sha256; its path there.

        Raises:
            EdgeproofError: the board cannot be reached, or cannot keep the file.
        """
        digest = hash_file(file)
        known = (str(file.resolve()), digest)
        if known not in self._placed:
            self._placed[known] = self._send(file, digest)
        return self._placed[known]

    def within(self, wrapper: Sequence[str]) -> SshTransport:
        """Return a connection of its own, its runners started by a command of the board."""
        return SshTransport(self.target.address, **self._given, wrapper=wrapper)

    def describe(self) -> str:
        """Name the board's address."""
        return self.target.address

    def run(self, script: str, stdin: Path | None = None) -> str:
        """Run a line of shell there; what it printed.

        Raises:
            EdgeproofError: the board cannot be reached, or the line failed.
        """
        self._connect()
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
            done = subprocess.run(
                self._command(f"sh -c {shlex.quote(script)}"),
                stdin=source,
                capture_output=True,
                check=False,
                env=_own_environment(),
            )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            away = done.returncode == SSH_FAILED
            problem = "out of reach" if away else "unable to do its part"
            raise (Unreachable if away else EdgeproofError)(
                f"the board is {problem} ({said[-1] if said else 'no message'})",
                file=self.target.address,
                remedy=f"Check that `ssh {self.target.login}` works without a question",
            )
        return done.stdout.decode("utf-8", "replace")

    def close(self) -> None:
        """End the connection; the next use makes a new one."""
        master, self._master = self._master, None
        if master is not None:
            _end(master)

    def _send(self, file: Path, digest: str) -> str:
        name = f"{digest[:_NAME_DIGITS]}-{_ODD.sub('_', file.name)}"
        enter = f'd="{REMOTE_FOLDER}"; mkdir -p "$d" && cd "$d" && pwd'
        held = self.run(f"{enter} && {{ test ! -e {name} || sha256sum {name}; }}").splitlines()
        if not held[-1].startswith(digest):
            # The name appears only when the file is whole.
            part = f"{name}.part.$$"
            sent = self.run(f"{enter} && cat >{part} && sha256sum {part} && mv {part} {name}", file)
            held = [held[0], *sent.splitlines()]
        if not held[-1].startswith(digest):
            raise EdgeproofError(
                f"{file.name} arrived damaged",
                file=self.target.address,
                remedy="Check the board's disk, and run again",
            )
        return f"{held[0]}/{name}"

    def _command(self, remote: str) -> list[str]:
        return [SSH, *self._options, self.target.login, "--", remote]

    def _connect(self) -> None:
        """Start the master connection unless it stands.

        Raises:
            EdgeproofError: the board cannot be reached; says what ssh said.
        """
        if self._master is not None and self._master.poll() is None:
            return
        log, socket = self._scratch / "master.log", self._scratch / SOCKET
        socket.unlink(missing_ok=True)
        with log.open("wb") as said:
            # Started by itself: a master that grows out of a command would hold that one's output.
            master = subprocess.Popen(
                [SSH, "-M", "-N", *self._options, self.target.login],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                env=_own_environment(),
            )
        self._master = master
        weakref.finalize(self, _end, master)
        deadline = time.monotonic() + _SECONDS_TO_CONNECT
        while not socket.exists():
            if master.poll() is not None or time.monotonic() > deadline:
                self.close()
                lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise Unreachable(
                    f"the board cannot be reached ({lines[-1] if lines else 'no answer'})",
                    file=self.target.address,
                    remedy=f"Check that `ssh {self.target.login}` works without a question",
                )
            time.sleep(0.02)


class _SshChannel(Channel):
    """A runner behind an ssh client, whose own failure has a status of its own."""

    def lost_connection(self, status: int | None) -> bool:
        """Whether ssh failed, and not the runner."""
        return status == SSH_FAILED


def _own_environment() -> dict[str, str]:
    """This machine's, for the ssh client: its agent, its home; messages in English."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def _end(master: subprocess.Popen[bytes]) -> None:
    master.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        master.wait(5)
        return
    master.kill()
    master.wait()
