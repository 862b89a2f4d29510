"""Run shell lines on a board, separating their output from that of the shell's start-up files."""

from __future__ import annotations

import contextlib
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.runtime.transports import Channel, watchdog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Seconds for connecting and for starting a shell with its profile, on the slowest board.
SECONDS_TO_START = 30.0
# Maximum number of bytes that a shell may print before it runs the command, such as a greeting.
MOST_NOISE = 1 << 16
_GROUP = re.compile(r"\d{1,9}")
# Shell line that sets g to the process group that sshd made for this command, or to 0 if it made
# none, so that no other group of the board is ever killed.
_TELL_GROUP = (
    "g=0; { read -r _ _ _ _ g _ </proc/$$/stat; } 2>/dev/null; "
    'case "$g" in "$$"|"$PPID") ;; *) g=0;; esac'
)


@dataclass(frozen=True)
class Answer:
    """The output and exit status of a shell line."""

    text: str
    status: int


@dataclass(frozen=True)
class Script:
    """A shell line that marks the beginning and end of its own output.

    Attributes:
        command: the command for the board's login shell.
        mark: text at the beginning of the first line and, if the command ends, of the last line.
    """

    command: str
    mark: str

    @classmethod
    def running(cls, line: str, mark: str) -> Script:
        """Return a script that runs a shell line and prints its output between marks.

        Args:
            line: line for a POSIX shell.
            mark: text that no other program prints.
        """
        marked = f"echo; echo {mark}; ({line}); s=$?; echo; echo {mark} $s; exit $s"
        return cls(f"sh -c {shlex.quote(marked)}", mark)

    @classmethod
    def starting(cls, line: str, mark: str) -> Script:
        """Return a script that prints a mark, then runs a program on the script's own streams.

        Args:
            line: line for a POSIX shell.
            mark: text that no other program prints.
        """
        # The shell is not replaced by the program, because sshd does not report the status of a
        # program that a signal ended.
        marked = f"{_TELL_GROUP}; echo; echo {mark} $g; {line}; exit $?"
        return cls(f"sh -c {shlex.quote(marked)}", mark)

    def answer_in(self, printed: str) -> Answer | None:
        """Return the text between the marks; None if one is missing."""
        _, begun, after = printed.partition(f"\n{self.mark}\n")
        text, ended, last = after.rpartition(f"\n{self.mark} ")
        status = last.partition("\n")[0]
        if not begun or not ended or not _GROUP.fullmatch(status):
            return None
        return Answer(text, int(status))


class MarkedChannel(Channel):
    """A program whose output begins after a mark.

    Args:
        command: the command, as a list of arguments.
        environment: the whole environment of the process.
        machine: name of the machine, for messages.
        script: the script that the command runs.

    Attributes:
        group: id of the process group on the board; 0 if unknown.
        noise: output before the mark.
        timed_out: whether the mark did not arrive in time.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], machine: str, script: Script
    ) -> None:
        super().__init__(command, environment, machine)
        self._mark = script.mark.encode()
        self.group = 0
        self.noise = b""
        self.timed_out = False

    def skip_noise(self, seconds: float) -> int | None:
        """Read up to the mark; return the id of the process group on the board.

        Return None if the mark does not arrive.
        """
        with watchdog(self, seconds) as expired, contextlib.suppress(OSError):
            while len(self.noise) < MOST_NOISE and (line := self.answers.readline(MOST_NOISE)):
                if line.startswith(self._mark):
                    number = line[len(self._mark) :].decode("ascii", "replace").strip()
                    self.group = int(number) if _GROUP.fullmatch(number) else 0
                    return self.group
                self.noise += line
        self.timed_out = expired()
        return None


def describe_noise(noise: bytes) -> str:
    """Return the last non-empty line of the output before the mark; "" if there is none."""
    lines = noise[-MOST_NOISE:].decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
