"""An output that cannot be written is told at the start, and nothing is left where it was tried."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from models.errors import UsageMistake
from models.outputs import check_output_file, check_output_folder

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


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("place", "says"),
    {
        "folder": "is a folder, and a file is to be written there",
        "fifo": "is a FIFO, and a file is to be written there",
        "nowhere/file": "its folder is not there",
        "file/below": "its folder is not there",
        "/dev/full": "is a device",
        "/proc/bundle": "cannot be written",
    }.items(),
)
def test_refuses_a_file_that_cannot_be_written(place, says, folder):
    before = contents(folder)
    with pytest.raises(UsageMistake, match=says) as refused:
        check_output_file(folder / place, KEY)
    assert refused.value.file == str(folder / place)
    assert refused.value.key == KEY
    assert contents(folder) == before


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("place", "says"),
    {
        "file": "file is a file, not a folder",
        "file/below/it": "file is a file, not a folder",
        "fifo/below": "fifo is a FIFO, not a folder",
        "/proc": "cannot be written",
        "/proc/below/it": "cannot be written",
        "/dev/null/below": "null is a device, not a folder",
    }.items(),
)
def test_refuses_a_folder_that_cannot_be_written(place, says, folder):
    before = contents(folder)
    with pytest.raises(UsageMistake, match=says) as refused:
        check_output_folder(folder / place, KEY)
    assert refused.value.file == str(folder / place)
    assert contents(folder) == before


@pytest.mark.parametrize("place", ["file", "new", "folder/new"])
def test_accepts_a_file_that_can_be_written_and_leaves_it(place, folder):
    before = contents(folder)
    check_output_file(folder / place, KEY)
    assert contents(folder) == before
    assert (folder / "file").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("place", ["folder", "new", "new/below/it"])
def test_accepts_a_folder_that_can_be_made_and_does_not_make_it(place, folder):
    before = contents(folder)
    check_output_folder(folder / place, KEY)
    assert contents(folder) == before
