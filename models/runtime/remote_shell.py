"""Start the runner on a board whose POSIX shell is reached through a command on this machine.

This module contains the common parts of ssh, adb and similar commands. Each file is sent only once
and checked by its hash. Programs run in the board's own Python, and are ended when their channel
ends. A board's shell may print anything when it starts. So only the output between two random marks
is used.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import subprocess
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from models.errors import EdgeproofError, Unreachable
from models.processes import programs
from models.runtime import assembling
from models.runtime.marked_scripts import (
    SECONDS_TO_START,
    MarkedChannel,
    Script,
    describe_noise,
)
from models.runtime.transports import RUNNER_ENVIRONMENT
from models.store import hash_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from models.runtime.transports import Channel

NAME_PYTHON = (
    "End the board's address with the path of its Python, /path/of/python: 3.8 or later, with "
    "numpy and a runtime"
)
# Folder on the board that stores files by their hash, so that a file that an earlier run has sent
# is not sent again.
REMOTE_FOLDER = "${XDG_CACHE_HOME:-$HOME/.cache}/edgeproof/sent"
_NAME_DIGITS = 16
_ODD = re.compile(r"[^A-Za-z0-9._-]")
# Seconds for a short shell command on the slowest board.
SECONDS_TO_RUN = 60.0
SECONDS_TO_END = 5.0
# Slowest connection for which the time limit of a transfer is sufficient.
_SLOWEST_BYTES_PER_SECOND = 100_000
_SECONDS_TO_KILL = 3.0
_LONGEST_ANSWER = 1 << 20
_SHOW_SHELL = "echo it runs commands"


class RemoteShell(ABC):
    """A transport to a board whose shell is reached through a command on this machine.

    Args:
        address: the user's address of the board.
        python: path of the board's Python that has numpy and a runtime.
        environment: variables of the runner, in addition to `RUNNER_ENVIRONMENT`.
        wrapper: a command on the board that starts the runner.

    Attributes:
        failed_status: exit status of the command if the command itself has failed, and not the
            program on the board; None if there is no such status.
    """

    patience: ClassVar[float] = 1.0
    failed_status: ClassVar[int | None] = None

    def __init__(
        self,
        address: str,
        python: str,
        *,
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.address = address
        self.python = python
        self._wrapper = wrapper
        self._environment = {**RUNNER_ENVIRONMENT, **(environment or {})}
        self._placed: dict[tuple[str, str], str] = {}

    @abstractmethod
    def command(self, script: Script) -> list[str]:
        """Return the local command that runs a script on the board."""

    @property
    @abstractmethod
    def by_hand(self) -> str:
        """Return the command line with which a user can reach the board, for remedies."""

    @abstractmethod
    def within(self, wrapper: Sequence[str]) -> Self:
        """Return another connection that starts runners with a command on the board."""

    def connect(self) -> None:  # noqa: B027 - optional: many commands connect by themselves
        """Open the connection, unless it is open.

        Raises:
            EdgeproofError: the board cannot be reached.
        """

    @property
    def stands(self) -> bool:
        """Return whether the connection is open."""
        return True

    def start(self, arguments: Sequence[str], runtime: str | None = None) -> Channel:  # noqa: ARG002 - the board has one Python
        """Start the runner with command-line arguments."""
        return self.start_program(assembling.runner_file(), arguments)

    def start_program(self, program: Path, arguments: Sequence[str] = ()) -> Channel:
        """Send a Python program to the board and start it.

        Raises:
            EdgeproofError: the board cannot be reached.
        """
        path = self.place(program)
        variables = [f"{key}={value}" for key, value in self._environment.items()]
        words = [*self._wrapper, "env", *variables, self.python, path, *arguments]
        script = Script.starting(shlex.join(words), secrets.token_hex(8))
        channel = _RemoteChannel(self, script)
        if channel.skip_noise(SECONDS_TO_START) is None:
            channel.kill()
            raise self.not_started(channel)
        return channel

    def place(self, file: Path) -> str:
        """Send a file unless the board has one with its sha256; return its path on the board.

        Raises:
            EdgeproofError: the board cannot be reached, or cannot store the file.
        """
        digest = hash_file(file)
        placement = (str(file.resolve()), digest)
        if placement not in self._placed:
            self._placed[placement] = self._send(file, digest)
        return self._placed[placement]

    def describe(self) -> str:
        """Return the address of the board."""
        return self.address

    def run(
        self,
        line: str,
        stdin: Path | None = None,
        *,
        remedy: str = "Run this Python by hand on the board to see what is missing",
        seconds: float | None = None,
    ) -> str:
        """Run a shell line on the board; return its output.

        Args:
            line: line for a POSIX shell.
            stdin: a file on this machine, passed as stdin.
            remedy: remedy for the error if the line fails.
            seconds: time limit; by default `SECONDS_TO_RUN`.

        Raises:
            EdgeproofError: the board cannot be reached, or the line failed.
        """
        self.connect()
        script = Script.running(line, secrets.token_hex(8))
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
            done = programs.run(
                self.command(script),
                stdin=source,
                environment=own_environment(),
                seconds=SECONDS_TO_RUN if seconds is None else seconds,
                output=_LONGEST_ANSWER,
                remedy=f"Check that the board is not overloaded, and that {self.by_hand} works",
            )
        answer = script.answer_in(done.stdout)
        if answer is None:
            raise self._unanswered(done)
        if answer.status:
            raise EdgeproofError(
                f"a command on the board failed ({done.last_error_line})",
                file=self.address,
                remedy=remedy,
            )
        return answer.text

    def kill_there(self, group: int) -> None:
        """Kill a process group on the board, if the connection is open."""
        if self.stands and group > 1:
            script = Script.running(f"kill -KILL -- -{group}", secrets.token_hex(8))
            with contextlib.suppress(EdgeproofError):
                programs.run(
                    self.command(script),
                    environment=own_environment(),
                    seconds=_SECONDS_TO_KILL,
                    remedy="",
                )

    def not_started(self, channel: MarkedChannel) -> EdgeproofError:
        """End a channel whose script did not start on the board; return the reason as an error."""
        status = channel.wait(SECONDS_TO_END)
        last_words = channel.last_lines(1)
        channel.close()
        if status == self.failed_status:
            return self._out_of_reach(last_words)
        return self._no_shell(
            last_words or describe_noise(channel.noise), timed_out=channel.timed_out
        )

    def _send(self, file: Path, digest: str) -> str:
        name = f"{digest[:_NAME_DIGITS]}-{_ODD.sub('_', file.name)}"
        remedy = (
            f"Free space in the board's {REMOTE_FOLDER}, and make the folder writable for the login"
        )
        enter = f'd="{REMOTE_FOLDER}"; mkdir -p "$d" && cd "$d" && pwd'
        look = f"{enter} && {{ test ! -e {name} || sha256sum <{name}; }}"
        lines = self.run(look, remedy=remedy).splitlines()
        if not lines[-1].startswith(digest):
            # The file gets its name only when it is complete; an incomplete one is removed.
            part = f"{name}.part.$$"
            is_complete = f'test "$(sha256sum <{part})" = "{digest}  -"'
            keep = f"trap 'rm -f {part}' EXIT; cat >{part} && {is_complete} && mv {part} {name}"
            allowed = SECONDS_TO_RUN + file.stat().st_size / _SLOWEST_BYTES_PER_SECOND
            self.run(f"{enter} && ({keep})", file, remedy=remedy, seconds=allowed)
        return f"{lines[0]}/{name}"

    def _unanswered(self, done: programs.Ended) -> EdgeproofError:
        if done.code == self.failed_status:
            return self._out_of_reach(done.last_error_line)
        return self._no_shell(describe_noise(done.stdout.encode()) or done.last_error_line)

    def _out_of_reach(self, last_words: str) -> Unreachable:
        return Unreachable(
            f"the board cannot be reached ({last_words or 'no answer'})",
            file=self.address,
            remedy=f"Check that `{self.by_hand}` works without asking for input",
        )

    def _no_shell(self, last_words: str, *, timed_out: bool = False) -> EdgeproofError:
        problem = (
            f"did not answer within {SECONDS_TO_START:g} s" if timed_out else "runs no commands"
        )
        command = f"`{self.by_hand} {_SHOW_SHELL}`"
        return Unreachable(
            f"the board's shell {problem} ({last_words or 'without a message'})",
            file=self.address,
            remedy=f"Give the login a shell with which {command} prints these words and ends",
        )


class _RemoteChannel(MarkedChannel):
    """A program on the board, reached through a command on this machine."""

    def __init__(self, shell: RemoteShell, script: Script) -> None:
        super().__init__(shell.command(script), own_environment(), shell.address, script)
        self._shell = shell

    def kill(self) -> None:
        """End the command and the processes it started on the board."""
        super().kill()
        group, self.group = self.group, 0
        self._shell.kill_there(group)

    def wait(self, seconds: float) -> int | None:
        """Wait for the program's end; after `seconds`, kill it, also on the board."""
        status = super().wait(seconds)
        if status is None:
            self.kill()
        return status

    def lost_connection(self, status: int | None) -> bool:
        """Return whether the command that reaches the board failed, and not the runner."""
        return status is not None and status == self._shell.failed_status


def own_environment() -> dict[str, str]:
    """Return this machine's environment for the command, with messages in English."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}
