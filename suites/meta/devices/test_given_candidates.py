"""User files are judged on boards: from a bundle, over ssh, emulated, and with baselines."""

from __future__ import annotations

import json
import os

import pytest
from filelock import FileLock

from models.runtime.debian import why_unavailable
from models.runtime.sysroot import prepare_sysroot
from models.store import Store, default_root
from reports.documents.results import read_results
from reports.documents.runs import read_runs
from suites.meta.devices.boards import Board
from suites.meta.devices.given_files import write_given
from suites.meta.gates.running import run_pytest, without_repeated
from suites.meta.runtime.sshd import why_no_sshd

needs_sshd = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
FLOOR = "suites/accuracy/test_accuracy_floor.py"
JUDGING = (FLOOR, "suites/agreement", "suites/backends")
ON_A_BOARD = (FLOOR, "suites/agreement", "suites/privacy", "suites/conformance/test_behavior.py")
EXACT = "agreement_golden"
SUBJECTS = {
    "mail": {"three", "wide.ids-1", "open", "float_ids", "reordered", "unsigned"},
    "sigmoid": {"sigmoid"},
}


@pytest.fixture(scope="session")
def given(shared_folder):
    """Return the folder of the files and their bundles, `mail.edge` and `sigmoid.edge`."""
    folder = shared_folder / "given"
    with FileLock(shared_folder / "given.lock"):
        if not folder.is_dir():
            write_given(folder)
            for name in SUBJECTS:
                arguments = [f"--edge-subject={folder / name}.toml"]
                arguments += [f"--edge-export-bundle={folder / name}.edge"]
                arguments += [f"--edge-cache-dir={folder / 'store'}"]
                exported = run_pytest(shared_folder / f"{name}-export", [*JUDGING, *arguments])
                assert exported.code == pytest.ExitCode.OK, exported.output
    return folder


@pytest.fixture
def judge(given, tmp_path):
    """Return `judge(name, suites, arguments)`, which judges a bundle with an empty store."""

    def judged(name, suites, arguments=(), variables=None):
        usual = [f"--edge-bundle={given / name}.edge", f"--edge-cache-dir={tmp_path / 'store'}"]
        options = without_repeated(usual, arguments)
        return run_pytest(tmp_path / "reports", [*suites, *options, *arguments], variables)

    return judged


@pytest.mark.parametrize("name", SUBJECTS)
def test_bundle_of_user_files_is_judged_without_the_original_files(name, judge):
    outcome = judge(name, JUDGING)
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    results = outcome.results()
    assert set(results["subject"]["schemes"]) == SUBJECTS[name]
    golden = {
        measurement["scheme"]
        for measurement in results["measurements"]
        if measurement["metric"] == EXACT
    }
    assert golden == SUBJECTS[name]
    labels = {
        measurement["metric"]: measurement["value"] for measurement in results["measurements"]
    }
    assert labels[EXACT] == 1.0
    assert "record it with --edge-update-baseline --edge-baseline=FOLDER" in outcome.output


@needs_sshd
@pytest.mark.parametrize("name", SUBJECTS)
def test_user_files_are_judged_on_a_board_over_ssh(name, judge, tmp_path):
    board = Board(tmp_path / "board")
    try:
        path = {"PATH": f"{board.client}:{os.environ['PATH']}"}
        outcome = judge(name, ON_A_BOARD, [f"--edge-target={board.target}"], path)
    finally:
        board.stop()
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    assert board.starts > 1
    measured = outcome.results()["measurements"]
    assert {measurement["scheme"] for measurement in measured} >= SUBJECTS[name]
    private = [test for test in outcome.ids("passed") if "test_privacy.py" in test]
    # Privacy is tested only with a tokenizer on the board; a corpus of token ids has none.
    assert len(private) >= (len(SUBJECTS[name]) if name == "mail" else 0)


@needs_sshd
@pytest.mark.slow
def test_user_files_are_judged_on_each_board_of_a_fleet(boards, fleet, given):
    code, output, folder = fleet(boards, given / "mail.edge")
    assert code == 0, output
    for board in boards:
        assert f"{board.target}: passed" in output
    document = read_results(folder / "results.json")
    names = [part.device.name for part in document.parts()]
    measured = document.measurements
    assert len(names) == len(boards)
    exact = {
        (measurement.device, measurement.scheme): measurement.value
        for measurement in measured
        if measurement.metric == EXACT
    }
    assert exact == {(name, scheme): 1.0 for name in names for scheme in SUBJECTS["mail"]}
    drawn = [run for run in read_runs([folder]) if run.document is not None]
    assert sorted(name for run in drawn for name in run.environments.values()) == sorted(names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "form"), [("mail", "bundle"), ("mail", "files"), ("sigmoid", "bundle")]
)
@pytest.mark.skipif(why_unavailable() is not None, reason=str(why_unavailable()))
def test_user_files_are_judged_on_an_emulated_board(name, form, given, judge, tmp_path):
    prepare_sysroot(Store(default_root()), "aarch64")
    suites = [*ON_A_BOARD, "suites/instructions"]
    board = ["-m", "rpi4", "--edge-emulate=rpi4", f"--edge-cache-dir={default_root()}"]
    if form == "bundle":
        outcome = judge(name, suites, board)
    else:
        subject = f"--edge-subject={given / name}.toml"
        outcome = run_pytest(tmp_path / "reports", [*suites, subject, *board])
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    measured = outcome.results()["measurements"]
    exact = {
        measurement["scheme"]: measurement["value"]
        for measurement in measured
        if measurement["metric"] == EXACT
    }
    assert exact == dict.fromkeys(SUBJECTS[name], 1.0), outcome.output
    counted = {
        measurement["scheme"] for measurement in measured if measurement["metric"] == "instructions"
    }
    assert counted == SUBJECTS[name], outcome.output


def test_baseline_of_user_files_is_written_to_and_read_from_the_users_folder(judge, tmp_path):
    size = ["suites/size"]
    refused = judge("sigmoid", size, ["--edge-update-baseline"])
    assert refused.code == pytest.ExitCode.USAGE_ERROR
    assert "--edge-update-baseline: the folder of the baseline is missing" in refused.output
    assert "--edge-baseline=FOLDER" in refused.output
    baseline = [f"--edge-baseline={tmp_path / 'kept'}"]
    first_run = judge("sigmoid", size, [*baseline, "--edge-update-baseline"])
    file = tmp_path / "kept" / "one sigmoid" / "host" / "sigmoid.json"
    assert json.loads(file.read_text("utf-8"))["subject"] == "one sigmoid", first_run.output
    document = json.loads(file.read_text("utf-8"))
    for measurement in document["measurements"]:
        if measurement["metric"] == "flatbuffer_bytes":
            measurement.update({key: measurement[key] / 2 for key in ("value", "low", "high")})
    file.write_text(json.dumps(document), encoding="utf-8")
    grown = judge("sigmoid", size, baseline)
    assert "baseline: regression: flatbuffer_bytes of sigmoid" in grown.output, grown.output
