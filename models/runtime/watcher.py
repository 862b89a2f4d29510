"""Read a device's sensors on the device, beside the runner.

The watcher is a single file for Python 3.8 that needs only the standard library. It contains no
list of sensors: it receives the files to read and the commands to run, and returns their text. The
first line on stdin is JSON, {"patterns": [...], "commands": [[[...], pattern]], "every": seconds or
null}. Each further line requests one reading; with "every", readings are also taken periodically. A
reading is one line of JSON on stdout: {"at": seconds, "cost": seconds, "machine": architecture,
"asked": bool, "texts": {path: text}}.
"""

from __future__ import annotations

import json
import os
import select
import stat
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

LARGEST = 65536
# Prefix of a command line under which its output is stored; no path begins with it.
COMMAND = "$ "


def read_texts(
    patterns: Iterable[str], commands: Iterable[tuple[Sequence[str], str]] = (), root: str = "/"
) -> dict[str, str]:
    """Read files and run commands; return their texts.

    Args:
        patterns: paths of files, with wildcards.
        commands: commands, each with the pattern of a file with the same content; if that file
            exists, the command is not run, because a process costs more than reading all files. No
            command is run for another root.
        root: root folder; for a recorded machine, the folder with copies of its files.

    Returns:
        The content of each file by its path, and the output of each command by its words after
        `COMMAND`. Files and commands that fail are left out.
    """
    texts = {}
    base = Path(root)
    for pattern in patterns:
        for path in sorted(base.glob(pattern.lstrip("/"))):
            try:
                content = read_regular(path)
            except OSError:
                continue
            texts["/" + path.relative_to(base).as_posix()] = content.decode("utf-8", "replace")
    for command, instead in commands if root == "/" else ():
        if not any(fnmatchcase(path, instead) for path in texts):
            output = output_of(command)
            if output is not None:
                texts[COMMAND + " ".join(command)] = output
    return texts


def output_of(command: Sequence[str]) -> str | None:
    """Return the output of a command; None if it fails or takes too long."""
    import subprocess  # noqa: PLC0415 - most devices need no command, and it is slow to import

    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout[:LARGEST].decode("utf-8", "replace")


def read_regular(path: Path) -> bytes:
    """Return the start of a regular file; reading a FIFO could block.

    Raises:
        OSError: the path is not a regular file, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(str(path) + " is not a regular file")
        return file.read(LARGEST)


def take_reading(
    patterns: Iterable[str], commands: Iterable[tuple[Sequence[str], str]] = (), root: str = "/"
) -> dict[str, Any]:
    """Take one reading; "at" is the monotonic clock and "cost" its duration, both in seconds.

    The cost is wall-clock time, because CPU time would exclude the time of commands and drivers.
    """
    start = time.monotonic()
    texts = read_texts(patterns, commands, root)
    machine = os.uname().machine
    return {"at": start, "cost": time.monotonic() - start, "machine": machine, "texts": texts}


def main() -> int:
    """Serve readings until stdin ends; return the exit status."""
    # Read single bytes without a buffer, because select does not report bytes that are in a buffer.
    line = b"".join(iter(lambda: os.read(0, 1).strip(b"\n"), b""))
    options = json.loads(line)
    while True:
        ready, _, _ = select.select([0], [], [], options["every"])
        if ready and not os.read(0, 1):
            return 0
        answer = take_reading(options["patterns"], options["commands"])
        sys.stdout.write(json.dumps(dict(answer, asked=bool(ready))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
