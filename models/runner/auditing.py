"""Audit what Python code in a runner does that could leak a text."""

from __future__ import annotations

import collections
import os
import sys
from typing import Any, Deque, Dict, Tuple

WATCHED = (
    *("socket.", "subprocess.", "urllib.", "http.client.", "ftplib.", "smtplib.", "webbrowser."),
    # All audit events with which CPython reports the start of a process.
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.spawn"),
)
WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class Audit:
    """Records actions of Python code that could leak a text: network, processes, written files.

    Native code cannot be audited in this way; tests run it in an empty network namespace.
    """

    def __init__(self) -> None:
        self.events: Deque[Dict[str, str]] = collections.deque(maxlen=1000)
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: Tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = isinstance(mode, str) and any(sign in mode for sign in "wax+")
            if isinstance(path, int) or not (writes or (flags or 0) & WRITING_FLAGS):
                return
        elif not event.startswith(WATCHED):
            return
        self.events.append({"event": event, "arguments": repr(arguments)[:300]})
