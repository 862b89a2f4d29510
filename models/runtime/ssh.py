"""Start the runner on a board over ssh, with the system's own ssh client.

The user's keys and configuration count. One connection, the master, is kept for as long as the
transport lives; every file and every runner passes through it. A board's shell may print what it
likes when it starts: what counts stands between marks that no one else knows.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import shutil
import subprocess
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from models import processes, unfinished_files
from models.errors import EdgeproofError, Unreachable
from models.runtime import assembling
from models.runtime.addresses import SshAddress
from models.runtime.remote import SECONDS_TO_START, MarkedChannel, Script, describe_noise
from models.runtime.transports import RUNNER_ENVIRONMENT, Channel
from models.store import hash_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
# The path of a socket ends after 103 bytes on some systems; ssh adds 17 while it makes it.
_LONGEST_FOLDER = 103 - len(f"/{SOCKET}") - 17
SSH = "ssh"
_NAME_DIGITS = 16
_ODD = re.compile(r"[^A-Za-z0-9._-]")
# A line of shell that only looks something up, however slow the board.
SECONDS_TO_RUN = 60.0
# A connection that is slower than this is given up.
_SLOWEST_BYTES_PER_SECOND = 100_000
_SECONDS_TO_END = 5.0
_SECONDS_TO_KILL = 3.0
_LONGEST_ANSWER = 1 << 20
_SHOW_SHELL = "echo it runs commands"


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
        self.target = SshAddress.parse(address)
        if shutil.which(SSH) is None:
            raise EdgeproofError("there is no ssh client here", remedy="Install OpenSSH's client")
        self._given: dict[str, Any] = {"options": options, "environment": environment}
        self._wrapper = wrapper
        self._environment = {**RUNNER_ENVIRONMENT, **(environment or {})}
        self._scratch = unfinished_files.new_folder("edgeproof-ssh-", longest=_LONGEST_FOLDER)
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        port = ["-p", str(self.target.port)] if self.target.port else []
        self._by_hand = shlex.join([SSH, *port, self.target.login])
        settings = [word for option in OPTIONS for word in ("-o", option)]
        self._options = [*options, *port, *settings, "-T", "-S", str(self._scratch / SOCKET)]
        self._placed: dict[tuple[str, str], str] = {}
        self._master: Channel | None = None

    def start(self, arguments: Sequence[str], runtime: str | None = None) -> Channel:  # noqa: ARG002 - the board has one Python
        """Start the runner with command-line arguments."""
        return self.start_program(assembling.runner_file(), arguments)

    def start_program(self, program: Path, arguments: Sequence[str] = ()) -> Channel:
        """Send a Python program and start it there.

        Raises:
            EdgeproofError: the board cannot be reached.
        """
        path = self.place(program)
        variables = [f"{key}={value}" for key, value in self._environment.items()]
        words = [*self._wrapper, "env", *variables, self.target.python, path, *arguments]
        script = Script.starting(shlex.join(words), secrets.token_hex(8))
        channel = _SshChannel(self, script)
        if channel.skip_noise(SECONDS_TO_START) is None:
            channel.kill()
            raise self._no_start(channel)
        return channel

    def place(self, file: Path) -> str:
        """Send a file unless the board has it, checked by its sha256; return its path there.

        Raises:
            EdgeproofError: the board cannot be reached, or cannot keep the file.
        """
        digest = hash_file(file)
        placement = (str(file.resolve()), digest)
        if placement not in self._placed:
            self._placed[placement] = self._send(file, digest)
        return self._placed[placement]

    def within(self, wrapper: Sequence[str]) -> SshTransport:
        """Return a separate connection whose runners are started by a command of the board."""
        return SshTransport(self.target.address, **self._given, wrapper=wrapper)

    def describe(self) -> str:
        """Name the board's address."""
        return self.target.address

    def run(
        self,
        line: str,
        stdin: Path | None = None,
        *,
        remedy: str = "Run it by hand there to see what it lacks",
        seconds: float = SECONDS_TO_RUN,
    ) -> str:
        """Run a shell line there; return its output.

        Args:
            line: of a POSIX shell.
            stdin: a file of this machine that it reads.
            remedy: what helps where the line itself fails.
            seconds: that it may take.

        Raises:
            EdgeproofError: the board cannot be reached, or the line failed.
        """
        self._connect()
        script = Script.running(line, secrets.token_hex(8))
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
            done = processes.run(
                self.command(script),
                stdin=source,
                environment=own_environment(),
                seconds=seconds,
                output=_LONGEST_ANSWER,
                remedy=f"Check that the board is not overloaded, and that {self._by_hand} works",
            )
        answer = script.answer_in(done.stdout)
        if answer is None:
            raise self._unanswered(done)
        if answer.status:
            raise EdgeproofError(
                f"the board cannot do its part ({done.last_error_line})",
                file=self.target.address,
                remedy=remedy,
            )
        return answer.text

    def close(self) -> None:
        """End the connection; the next use makes a new one."""
        master, self._master = self._master, None
        if master is not None:
            _end(master)

    def command(self, script: Script) -> list[str]:
        """Return the local command that runs a script on the board."""
        return [SSH, *self._options, self.target.login, "--", script.command]

    def kill_there(self, group: int) -> None:
        """Kill a group of processes of the board's, if the connection stands."""
        if self._stands() and group > 1:
            script = Script.running(f"kill -KILL -- -{group}", secrets.token_hex(8))
            with contextlib.suppress(EdgeproofError):
                processes.run(
                    self.command(script),
                    environment=own_environment(),
                    seconds=_SECONDS_TO_KILL,
                    remedy="",
                )

    def _send(self, file: Path, digest: str) -> str:
        name = f"{digest[:_NAME_DIGITS]}-{_ODD.sub('_', file.name)}"
        remedy = f"Free space in the board's {REMOTE_FOLDER}, and let the login write there"
        enter = f'd="{REMOTE_FOLDER}"; mkdir -p "$d" && cd "$d" && pwd'
        look = f"{enter} && {{ test ! -e {name} || sha256sum <{name}; }}"
        lines = self.run(look, remedy=remedy).splitlines()
        if not lines[-1].startswith(digest):
            # The name appears only when the file is whole, and nothing stays of one that is not.
            part, is_complete = (
                f"{name}.part.$$",
                f'test "$(sha256sum <{name}.part.$$)" = "{digest}  -"',
            )
            keep = f"trap 'rm -f {part}' EXIT; cat >{part} && {is_complete} && mv {part} {name}"
            allowed = SECONDS_TO_RUN + file.stat().st_size / _SLOWEST_BYTES_PER_SECOND
            self.run(f"{enter} && ({keep})", file, remedy=remedy, seconds=allowed)
        return f"{lines[0]}/{name}"

    def _stands(self) -> bool:
        return self._master is not None and self._master.lives

    def _connect(self) -> None:
        """Start the master connection unless it stands.

        Raises:
            EdgeproofError: the board cannot be reached; says what ssh said.
        """
        if self._stands():
            return
        self.close()
        (self._scratch / SOCKET).unlink(missing_ok=True)
        # Its stdin keeps it: it ends with this process, however that ends.
        script = Script.starting("cat >/dev/null", secrets.token_hex(8))
        command = [SSH, "-M", *self._options, self.target.login, "--", script.command]
        master = MarkedChannel(command, own_environment(), self.target.address, script)
        weakref.finalize(self, _end, master)
        self._master = master
        if master.skip_noise(SECONDS_TO_START) is None:
            self._master = None
            raise self._no_start(master)

    def _no_start(self, channel: MarkedChannel) -> EdgeproofError:
        """End a connection whose script did not start on the board, and say why."""
        status = channel.wait(_SECONDS_TO_END)
        last_words = channel.last_lines(1)
        channel.close()
        if status == SSH_FAILED:
            return self._out_of_reach(last_words)
        return self._no_shell(
            last_words or describe_noise(channel.noise), timed_out=channel.timed_out
        )

    def _unanswered(self, done: processes.Ended) -> EdgeproofError:
        if done.code == SSH_FAILED:
            return self._out_of_reach(done.last_error_line)
        return self._no_shell(describe_noise(done.stdout.encode()) or done.last_error_line)

    def _out_of_reach(self, last_words: str) -> Unreachable:
        return Unreachable(
            f"the board cannot be reached ({last_words or 'no answer'})",
            file=self.target.address,
            remedy=f"Check that `{self._by_hand}` works without a question",
        )

    def _no_shell(self, last_words: str, *, timed_out: bool = False) -> EdgeproofError:
        problem = (
            f"did not answer within {SECONDS_TO_START:g} s" if timed_out else "runs no commands"
        )
        command = f"`{self._by_hand} {_SHOW_SHELL}`"
        return Unreachable(
            f"the board's shell {problem} ({last_words or 'it said nothing'})",
            file=self.target.address,
            remedy=f"Give the login a shell of which {command} prints these words, and ends",
        )


class _SshChannel(MarkedChannel):
    """A program behind an ssh client, whose own failure has a status of its own."""

    def __init__(self, transport: SshTransport, script: Script) -> None:
        command = transport.command(script)
        super().__init__(command, own_environment(), transport.target.address, script)
        self._transport = transport

    def kill(self) -> None:
        """End the client and the processes it started on the board."""
        super().kill()
        group, self.group = self.group, 0
        self._transport.kill_there(group)

    def wait(self, seconds: float) -> int | None:
        """Wait for the end and kill after `seconds`, on the board, too."""
        status = super().wait(seconds)
        if status is None:
            self.kill()
        return status

    def lost_connection(self, status: int | None) -> bool:
        """Tell whether ssh failed, not the runner."""
        return status == SSH_FAILED


def own_environment() -> dict[str, str]:
    """Return this machine's environment for the ssh client: agent, home; messages in English."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def _end(master: Channel) -> None:
    with contextlib.suppress(OSError):
        master.requests.close()
    master.terminate()
    master.wait(_SECONDS_TO_END)
    master.close()
