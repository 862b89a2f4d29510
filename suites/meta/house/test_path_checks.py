"""Unwritable outputs are reported when a run starts, and the checks leave no files behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from models.bundle.replacing import check_replaced
from models.errors import UsageMistake
from models.files.path_checks import check_input_folder, check_output_file, check_output_folder
from suites.meta.devices.given_files import write_given
from suites.meta.gates.running import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

KEY = "--edge-export-bundle"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("nowhere/file")
    return tmp_path


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


# A check of an output, the path of the output, and a part of the message.
UNWRITABLE = [
    (check_output_file, "folder", "is a folder, but edgeproof would write a file there"),
    (check_output_file, "fifo", "is a FIFO, but edgeproof would write a file there"),
    (check_output_file, "nowhere/file", "the folder of this file does not exist"),
    (check_output_file, "file/below", "the folder of this file does not exist"),
    (check_output_file, "/dev/full", "is a device"),
    (check_output_file, "/proc/bundle", "cannot be written"),
    (check_output_folder, "file", "file is a file, not a folder"),
    (check_output_folder, "file/below/it", "file is a file, not a folder"),
    (check_output_folder, "fifo/below", "fifo is a FIFO, not a folder"),
    (check_output_folder, "/proc", "cannot be written"),
    (check_output_folder, "/proc/below/it", "cannot be written"),
    (check_output_folder, "/dev/null/below", "null is a device, not a folder"),
]


@pytest.mark.timeout(10)
@pytest.mark.parametrize(("check", "place", "says"), UNWRITABLE)
def test_rejects_unwritable_output(check, place, says, folder):
    before = contents(folder)
    with pytest.raises(UsageMistake, match=says) as refused:
        check(folder / place, KEY)
    assert refused.value.file == str(folder / place)
    assert refused.value.key == KEY
    assert contents(folder) == before


@pytest.mark.parametrize("place", ["folder", "fifo"])
def test_rejects_folder_in_place_of_an_output_file(place, folder):
    with pytest.raises(UsageMistake, match="edgeproof would write a file there") as refused:
        check_output_folder(folder, "--edge-report-dir", "file", place)
    assert refused.value.file == str(folder / place)
    check_output_folder(folder, "--edge-report-dir", "file", "new")


@pytest.mark.parametrize(
    ("option", "place", "message"),
    [
        ("--alluredir", "file", "is a file, not a folder"),
        ("--junitxml", "file/below.xml", "is a file, not a folder"),
        ("--junitxml", "fifo", "is a FIFO, but edgeproof would write a file there"),
        ("--edge-export-bundle", "file", "exists and is not a bundle, so it is not overwritten"),
    ],
)
def test_output_paths_of_other_plugins_are_checked(option, place, message, folder, tmp_path):
    arguments = ["suites/size", f"{option}={folder / place}"]
    outcome = run_pytest(tmp_path / "reports", arguments)
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    assert message in outcome.output
    assert option in outcome.output
    assert len(outcome.output.strip().splitlines()) == 1, outcome.output
    assert (folder / "file").read_text(encoding="utf-8") == "kept"


def test_unwritable_summary_file_ends_the_run_at_the_start(folder, tmp_path):
    variables = {"GITHUB_STEP_SUMMARY": str(folder / "folder")}
    outcome = run_pytest(tmp_path / "reports", ["suites/size"], variables)
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    assert f"{folder / 'folder'}: GITHUB_STEP_SUMMARY: is a folder" in outcome.output


@pytest.mark.parametrize("begins", [b"", b"PK\3\4" + bytes(22) + b"\x0b\0\0\0bundle.json..."])
def test_exported_bundle_may_overwrite_a_bundle(begins, tmp_path):
    file = tmp_path / "old.bundle"
    check_replaced(file, KEY)
    file.write_bytes(begins)
    check_replaced(file, KEY)


@pytest.mark.parametrize("begins", [b"TFL3", b"PK\3\4" + bytes(22) + b"\x05\0\0\0a.csv...", b"P"])
def test_exported_bundle_may_not_overwrite_another_kind_of_file(begins, tmp_path):
    file = tmp_path / "mine"
    file.write_bytes(begins)
    with pytest.raises(UsageMistake, match="is not a bundle, so it is not overwritten"):
        check_replaced(file, KEY)


@pytest.mark.parametrize("place", ["file", "new", "folder/new"])
def test_checking_a_writable_output_file_does_not_change_the_folder(place, folder):
    before = contents(folder)
    check_output_file(folder / place, KEY)
    assert contents(folder) == before
    assert (folder / "file").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("place", ["folder", "new", "new/below/it"])
def test_checking_an_output_folder_does_not_create_the_folder(place, folder):
    before = contents(folder)
    check_output_folder(folder / place, KEY)
    assert contents(folder) == before


@pytest.mark.timeout(10)
@pytest.mark.parametrize("place", ["file", "file/below/it", "fifo", "fifo/below"])
def test_rejects_input_path_that_is_not_a_folder(place, folder):
    with pytest.raises(UsageMistake, match="not a folder") as refused:
        check_input_folder(folder / place, KEY)
    assert refused.value.file == str(folder / place)
    assert refused.value.key == KEY


@pytest.mark.parametrize("place", ["folder", "nowhere", "nowhere/below"])
def test_accepts_input_folder_that_does_not_exist(place, folder):
    before = contents(folder)
    check_input_folder(folder / place, KEY)
    assert contents(folder) == before


@pytest.mark.parametrize("further", [(), ("--edge-update-baseline",)])
def test_baseline_folder_that_is_a_file_is_reported_at_the_start(further, folder, tmp_path):
    arguments = ["suites/size", f"--edge-baseline={folder / 'file'}", *further]
    outcome = run_pytest(tmp_path / "reports", arguments)
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    message = (
        f"ERROR: {folder / 'file'}: --edge-baseline: {folder / 'file'} is a file, not a folder. "
    )
    assert outcome.output.strip() == f"{message}Give the path of a folder"


def test_error_about_a_folder_named_in_a_toml_names_the_toml(tmp_path):
    write_given(tmp_path)
    toml = tmp_path / "sigmoid.toml"
    toml.write_text('baseline = "own.toml"' + toml.read_text("utf-8"), encoding="utf-8")
    outcome = run_pytest(tmp_path / "reports", ["suites/size", f"--edge-subject={toml}"])
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    assert outcome.output.count("own.toml is a file, not a folder") == 1
    assert "subject 'one sigmoid': baseline" in outcome.output
