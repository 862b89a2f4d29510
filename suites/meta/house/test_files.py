"""A file named by a user is read only if regular, and written atomically."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from models.corpus.open_file import open_text
from models.errors import EdgeproofError, UsageMistake
from models.files.regular_files import NotRegularError, open_regular, read_regular, write_whole
from models.files.toml_tables import read_toml
from models.flatbuffers.inspect import inspect
from models.verdicts.baselines import read_baseline
from reports.documents.faults import read_faults
from reports.documents.results import read_results

KINDS = {"FIFO": "a FIFO", "device": "a device", "folder": "a folder", "socket": "a socket"}
READERS = {
    "corpus": lambda path: open_text(path, "utf-8", None),
    "TOML": read_toml,
    "FlatBuffer": inspect,
    "baseline": lambda path: read_baseline(path, subject="s", device="d", scheme="float32"),
    "results": read_results,
    "planted faults": read_faults,
}


def make(kind: str, folder: Path) -> Path:
    path = folder / "given"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    return path


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", KINDS)
def test_rejects_file_that_is_not_regular(kind, tmp_path):
    with pytest.raises(NotRegularError) as refused:
        open_regular(make(kind, tmp_path))
    assert KINDS[kind] in refused.value.strerror


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", READERS)
def test_each_reader_rejects_files_that_are_not_regular(reader, kind, tmp_path):
    path = make(kind, tmp_path)
    with pytest.raises(EdgeproofError) as refused:
        READERS[reader](path)
    assert refused.value.file == str(path)
    assert KINDS[kind] in refused.value.what


def test_link_to_a_regular_file_is_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"1234")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", 4) == b"1234"


def test_rejects_file_larger_than_the_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"1234")
    with pytest.raises(OSError, match="the file holds 4 bytes, but at most 3 are read"):
        read_regular(tmp_path / "file", 3)


def test_size_limit_applies_to_files_that_report_size_zero():
    with pytest.raises(OSError, match="at most 3 are read"):
        read_regular(Path("/proc/self/stat"), 3)


def test_rejects_toml_file_of_more_than_a_megabyte(tmp_path):
    table = tmp_path / "t.toml"
    table.write_text("# " + "x" * (1 << 20), encoding="utf-8")
    with pytest.raises(UsageMistake, match="at most 1,048,576 are read"):
        read_toml(table)


def test_new_content_replaces_a_file_only_when_completely_written(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with write_whole(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt(), MemoryError()])
def test_failed_write_preserves_the_old_file_and_leaves_no_temporary_file(error, tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def fail() -> None:
        with write_whole(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", KINDS)
def test_output_replaces_only_regular_files(kind, tmp_path):
    path = make(kind, tmp_path)
    with pytest.raises(NotRegularError, match=KINDS[kind]), write_whole(path) as file:
        file.write(b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["given"]
