"""A signal at any line of a write, or of its cleanup, leaves nothing unfinished behind."""

from __future__ import annotations

import itertools
from signal import SIGTERM

import pytest

from models.store import PROJECT
from suites.meta.house.interrupted import KINDS
from suites.meta.scripts import run_script

SCRIPT = PROJECT / "suites" / "meta" / "house" / "interrupted.py"


def write(kind, folder, line):
    """Write with a signal before a line; return the ended process and the paths in the folder."""
    folder.mkdir()
    ended = run_script(SCRIPT, kind, folder, line)
    return ended, {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("kind", KINDS)
def test_write_can_be_interrupted_at_any_line(kind, tmp_path):
    _, finished = write(kind, tmp_path / "uninterrupted", 0)
    for line in itertools.count(1):
        ended, paths = write(kind, tmp_path / str(line), line)
        if not ended.stdout:
            break
        assert ended.returncode in {0, 128 + SIGTERM}, (ended.stdout, ended.stderr)
        assert paths <= finished, ended.stdout
    assert line > 1
