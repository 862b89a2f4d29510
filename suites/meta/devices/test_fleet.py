"""Fleets: several boards in one go; one that dies stops no other, and its results are kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from models.errors import UsageMistake
from models.fleet.__main__ import folders_of
from models.store import PROJECT
from reports.merge import merge
from reports.parts import parts_of
from reports.results import measurements_of, read_results
from reports.runs import read_runs
from suites.meta.devices.boards import Board
from suites.meta.gates.running import environment, run
from suites.meta.runtime.sshd import why_no_sshd

needs_sshd = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
FEW = ("--deselect=suites/latency", "--deselect=suites/memory", "--deselect=suites/conformance")


@pytest.fixture
def boards(tmp_path):
    """Two boards with one ssh client that knows both."""
    started = [Board(tmp_path / name) for name in ("one", "two")]
    yield started
    for board in started:
        board.stop()


@pytest.fixture
def fleet(bundle, tmp_path):
    """A function that judges boards: `fleet(boards)` returns exit code, output, report folder."""

    def judged(boards):
        client = tmp_path / "client"
        client.mkdir()
        _one_client(client / "ssh", boards)
        folder = tmp_path / "fleet"
        command = [sys.executable, "-m", "models.fleet", f"--bundle={bundle}"]
        command += [f"--report-dir={folder}", *(board.target for board in boards), "--", *FEW]
        command += [f"--edge-cache-dir={tmp_path / 'store'}"]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**environment(), "PATH": f"{client}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        return done.returncode, done.stdout + done.stderr, folder

    return judged


def _one_client(file, boards):
    """Write an ssh that goes on with the client of the board whose port it is given."""
    lines = [
        f'  *" -p {board.target.split(":")[2].split("/")[0]} "*) exec {board.client}/ssh "$@";;'
        for board in boards
    ]
    text = "\n".join(["#!/bin/sh", 'case " $* " in', *lines, "esac", "exit 255"])
    file.write_text(text + "\n", encoding="utf-8")
    file.chmod(0o755)


@needs_sshd
def test_one_board_that_dies_stops_no_other(boards, fleet):
    well, dying = boards
    plug = dying.stop_after(4)
    code, output, folder = fleet(boards)
    plug.join()
    assert code == 1, output
    logs = "\n".join(log.read_text("utf-8") for log in folder.glob("*/pytest.log"))
    assert f"{well.target}: passed" in output, logs
    assert f"{dying.target}: failed with exit code 2" in output
    document = read_results(folder / "results.json")
    names = [part["device"]["name"] for part in parts_of(document)]
    ports = [board.target.split(":")[2].split("/")[0] for board in boards]
    assert all(any(name.endswith(f":{port}") for name in names) for port in ports), names
    taken = [one.device for one in measurements_of(document)]
    counts = sorted(taken.count(name) for name in names)
    assert len(names) == 2
    assert 0 < counts[0] < counts[1]
    drawn = [run for run in read_runs([folder]) if run.document is not None]
    assert sorted(name for run in drawn for name in run.environments.values()) == sorted(names)


def test_boards_with_like_addresses_get_folders_of_their_own(tmp_path):
    targets = ["ssh://pi@a-b", "ssh://pi@a.b", "ssh://pi@A-B", "ssh://pi@one"]
    folders = folders_of(targets, tmp_path)
    names = [folders[target].name.casefold() for target in targets]
    assert len(set(names)) == len(targets)
    assert folders["ssh://pi@one"] == tmp_path / "ssh---pi-one"
    assert all(folder.parent == tmp_path for folder in folders.values())


def test_a_board_that_is_given_twice_is_refused(tmp_path):
    with pytest.raises(UsageMistake, match=r"ssh://pi@one: is given twice\. Name each board once"):
        folders_of(["ssh://pi@one", "ssh://pi@two", "ssh://pi@one"], tmp_path)


def on(name, results):
    changed = json.loads(json.dumps(results))
    changed["device"]["name"] = name
    for one in changed["measurements"]:
        one["device"] = name
        one["test"] = one["test"].replace("[host-", f"[{name}-")
    return changed


@pytest.fixture
def measured(miniature, tmp_path):
    """What a run of one suite measured on this machine."""
    return run(miniature, tmp_path / "run", ["suites/size"]).results()


def test_devices_keep_their_names_and_alike_ones_get_numbers(measured):
    boards = [on(name, measured) for name in ("rpi3", "rpi4", "rpi4")]
    merged = merge(boards)
    names = [part["device"]["name"] for part in parts_of(merged)]
    assert names == ["rpi3", "rpi4-1", "rpi4-2"]
    taken = [one.device for one in measurements_of(merged)]
    assert {name: taken.count(name) for name in names} == dict.fromkeys(
        names, len(measured["measurements"])
    )
    whose = [(one["id"], one["device"]) for one in merged["tests"]]
    assert len(whose) == len(set(whose))
