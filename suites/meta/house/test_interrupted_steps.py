"""A signal at any line of a write, a removal or a program's start leaves nothing behind."""

from __future__ import annotations

import itertools
from signal import SIGTERM

import pytest

from models.store import PROJECT
from suites.meta.devices.ended import processes_naming
from suites.meta.house.interrupted import KINDS
from suites.meta.scripts import run_script

SCRIPT = PROJECT / "suites" / "meta" / "house" / "interrupted.py"


def interrupt(kind, folder, line):
    """Send a signal before a line; return the ended process, and what it left behind."""
    folder.mkdir()
    ended = run_script(SCRIPT, kind, folder, line)
    paths = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return ended, paths | set(processes_naming(folder))


@pytest.mark.parametrize("kind", KINDS)
def test_signal_at_any_line_leaves_no_file_or_process_behind(kind, tmp_path):
    _, finished = interrupt(kind, tmp_path / "uninterrupted", 0)
    for line in itertools.count(1):
        ended, left = interrupt(kind, tmp_path / f"line-{line}", line)
        if not ended.stdout:
            break
        assert ended.returncode in {0, 128 + SIGTERM}, (ended.stdout, ended.stderr)
        assert left <= finished, ended.stdout
    assert line > 1
