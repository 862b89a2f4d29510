"""A fleet judges several boards; a board that fails neither stops the others nor loses results."""

from __future__ import annotations

import pytest

from models.errors import UsageMistake
from models.files.extensible_tables import as_plain
from models.fleet.__main__ import LOG, Judged, folders_of
from models.fleet.last_words import last_words
from reports.documents.results import as_document, read_results
from reports.documents.runs import read_runs
from reports.merge import merge
from suites.meta.gates.running import run
from suites.meta.runtime.sshd import why_no_sshd

needs_sshd = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))


@needs_sshd
def test_failing_board_does_not_stop_the_other_boards(boards, fleet, bundle):
    well, dying = boards
    plug = dying.stop_after(4)
    code, output, folder = fleet(boards, bundle)
    plug.join()
    assert code == 1, output
    logs = "\n".join(log.read_text("utf-8") for log in folder.glob("*/pytest.log"))
    assert f"{well.target}: passed" in output, logs
    (line_of_board,) = (
        line for line in output.splitlines() if line.startswith(f"{dying.target}: ")
    )
    assert line_of_board.startswith(f"{dying.target}: failed with exit code 2: "), line_of_board
    assert ": earlier measurements are kept (" in line_of_board
    document = read_results(folder / "results.json")
    names = [part.device.name for part in document.parts()]
    ports = [board.target.split(":")[2].split("/")[0] for board in boards]
    assert all(any(name.endswith(f":{port}") for name in names) for port in ports), names
    measured_on = [measurement.device for measurement in document.measurements]
    counts = sorted(measured_on.count(name) for name in names)
    assert len(names) == 2
    assert 0 < counts[0] < counts[1]
    drawn = [run for run in read_runs([folder]) if run.document is not None]
    assert sorted(name for run in drawn for name in run.environments.values()) == sorted(names)


@needs_sshd
def test_paths_in_fleet_options_are_relative_to_the_callers_folder(boards, fleet, bundle):
    (boards[0].client.parents[1] / "caller").mkdir()
    own = boards[0].client.parents[1] / "caller" / "own.toml"
    own.write_text('[agreement]\nmin = "200 %"\n', encoding="utf-8")
    code, output, folder = fleet(boards[:1], bundle, "--edge-budgets=own.toml")
    assert code == 1
    (line,) = (line for line in output.splitlines() if boards[0].target in line)
    assert line.startswith(f"{boards[0].target}: failed with exit code 4: {own}: agreement.min: ")
    assert "nothing was measured" in line
    assert str(folder) in line


def test_line_about_a_failed_board_names_the_board_once(tmp_path):
    (tmp_path / LOG).write_text(
        "ERROR: ssh://pi@one: the board cannot be reached\n", encoding="utf-8"
    )
    description = Judged("ssh://pi@one", tmp_path, 4).describe()
    assert description.startswith(
        "ssh://pi@one: failed with exit code 4: the board cannot be reached, nothing was measured ("
    )


MISTAKE = "ERROR: own.toml: agreement.min: too large. Give less\n\n"
RED = """mail on rpi4: not fit to ship, 2 gates failed
=== short test summary info ===
SKIPPED [3] a.py:1: no
FAILED suites/a.py::b[c] - no
ERROR suites/a.py::d
=== 2 failed in 3.00s ===
"""
LOST = """FAILED suites/a.py::b
!!!!! Interrupted: the board is lost: it fell !!!!!
=== 1 failed ===
"""
EARLY = """== x ==
! _pytest.outcomes.Exit: texts.csv: no such file. Check it !
= no tests ran =
"""


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (MISTAKE, "own.toml: agreement.min: too large. Give less"),
        (RED, "mail on rpi4: not fit to ship, 2 gates failed"),
        (LOST, "the board is lost: it fell"),
        (EARLY, "texts.csv: no such file. Check it"),
        ("Traceback (most recent call last):\n  File x\nMemoryError\n", "MemoryError"),
        ("::error title=x::y\n\n", ""),
        ("", ""),
    ],
)
def test_reason_for_a_failed_run_is_read_from_the_end_of_its_log(end, reason, tmp_path):
    log = tmp_path / "pytest.log"
    log.write_bytes(b"\xff" + b"a line of the middle\n" * 9000 + b"=====\n" + end.encode())
    assert last_words(log) == (reason or "a line of the middle")
    log.write_text(end, encoding="utf-8")
    assert last_words(log) == reason


def test_boards_with_similar_addresses_get_separate_folders(tmp_path):
    targets = ["ssh://pi@a-b", "ssh://pi@a.b", "ssh://pi@A-B", "ssh://pi@one"]
    folders = folders_of(targets, tmp_path)
    names = [folders[target].name.casefold() for target in targets]
    assert len(set(names)) == len(targets)
    assert folders["ssh://pi@one"] == tmp_path / "ssh---pi-one"
    assert all(folder.parent == tmp_path for folder in folders.values())


def test_rejects_duplicate_board(tmp_path):
    with pytest.raises(UsageMistake, match=r"ssh://pi@one: is given twice\. Name each board once"):
        folders_of(["ssh://pi@one", "ssh://pi@two", "ssh://pi@one"], tmp_path)


def on(name, results):
    changed = as_plain(results)
    changed["device"]["name"] = name
    for measurement in changed["measurements"]:
        measurement["device"] = name
        measurement["test"] = measurement["test"].replace("[host-", f"[{name}-")
    return as_document(changed)


@pytest.fixture
def measured(miniature, tmp_path):
    """Return the results of one suite on this machine."""
    return run(miniature, tmp_path / "run", ["suites/size"]).document()


def test_devices_with_equal_names_are_numbered(measured):
    boards = [on(name, measured) for name in ("rpi3", "rpi4", "rpi4")]
    merged = merge(boards)
    names = [part.device.name for part in merged.parts()]
    assert names == ["rpi3", "rpi4-1", "rpi4-2"]
    measured_on = [measurement.device for measurement in merged.measurements]
    assert {name: measured_on.count(name) for name in names} == dict.fromkeys(
        names, len(measured.measurements)
    )
    owners = [(test.id, test.device) for test in merged.tests]
    assert len(owners) == len(set(owners))
