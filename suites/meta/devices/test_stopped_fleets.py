"""SIGTERM, SIGINT and SIGHUP end a fleet and its runs without leftovers, here and on boards."""

from __future__ import annotations

import os

import pytest

from suites.meta.devices.boards import write_client
from suites.meta.devices.ended import OF_SIGNALS, SIGNALS, after, end, moments, slow
from suites.meta.runtime.sshd import why_no_sshd

needs_sshd = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
# Exit codes of a fleet that ended before the signal: all boards passed, or one failed.
ENDED = {0, 1}
# Seconds after which most fleets have ended by themselves.
LONGEST = 40.0
MOST_TEXTS = "--edge-texts=20"


@pytest.fixture
def end_fleet(bundle, boards, tmp_path):
    """Return `end_fleet(number, moment)`, which starts a fleet of two boards and sends a signal."""

    def ended(number, moment):
        client, store, reports = (tmp_path / name for name in ("client", "store", "reports"))
        for folder in (client, store):
            folder.mkdir()
        write_client(client / "ssh", boards)
        arguments = ["-m", "models.fleet", f"--bundle={bundle}", f"--report-dir={reports}"]
        arguments += [*(board.target for board in boards), "--", f"--edge-cache-dir={store}"]
        arguments += ["--deselect=suites/latency", "--deselect=suites/memory", MOST_TEXTS]
        path = {"PATH": f"{client}:{os.environ['PATH']}"}
        return end(
            tmp_path / "run",
            arguments,
            number,
            moment,
            store=store,
            reports=reports,
            variables=path,
        )

    return ended


@needs_sshd
@pytest.mark.parametrize("number", [SIGNALS[0], *(slow(number) for number in SIGNALS[1:])])
def test_interrupted_fleet_leaves_its_boards_unchanged(number, boards, end_fleet):
    ended = end_fleet(number, lambda _: all(board.starts >= 3 for board in boards))
    assert ended.code == 128 + number, ended.output
    assert "Traceback" not in ended.output
    assert ended.left == []
    assert [board.processes() for board in boards] == [[], []]


@needs_sshd
@pytest.mark.slow
@pytest.mark.parametrize(("number", "seconds"), moments("fleet", LONGEST))
def test_fleet_can_be_interrupted_at_any_moment(number, seconds, boards, end_fleet):
    ended = end_fleet(number, after(seconds))
    assert ended.code in {*ENDED, *OF_SIGNALS}, ended.output
    assert ended.left == []
    assert [board.processes() for board in boards] == [[], []]
