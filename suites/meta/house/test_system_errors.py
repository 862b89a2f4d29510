"""Errors of the machine, such as too many open files, have their own remedies."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.candidates.describe import describe, toml_of
from models.candidates.labels import read_labels
from models.corpus.open_file import open_text
from models.errors import EdgeproofError, UsageMistake
from models.files.paths import absolute
from models.files.regular_files import remedy_for
from models.files.toml_tables import read_toml
from models.flatbuffers.opening import read_flatbuffer
from models.onnx.reading import read_onnx
from models.store import Stage, Store, hash_file
from models.tokenizers.vocabularies import read_vocabulary
from suites.meta import onnx_writer
from suites.meta.small_classifiers import classifier

TEXT = b"good = 1\nbad = 2\n"
READERS = {
    "a corpus": (lambda file: open_text(file, "utf-8", None), TEXT),
    "a FlatBuffer": (read_flatbuffer, classifier()),
    "an ONNX file": (read_onnx, onnx_writer.classifier()),
    "labels": (read_labels, TEXT),
    "a vocabulary": (read_vocabulary, TEXT),
    "a table": (read_toml, TEXT),
    "a file that is hashed": (hash_file, TEXT),
}


@contextmanager
def no_more_files():
    """Prevent this process from opening more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def refused_by(read, file):
    """Return the error that a reader raises if no more files can be opened."""
    read(file)  # import all modules that the reader needs
    error = None
    with no_more_files():
        try:
            read(file)
        except EdgeproofError as caught:
            error = caught
    return error


@pytest.mark.parametrize("name", READERS)
def test_error_on_too_many_open_files_suggests_a_higher_limit(name, tmp_path):
    read, content = READERS[name]
    file = tmp_path / "given"
    file.write_bytes(content)
    error = refused_by(read, file)
    assert error.file == str(file)
    assert "Too many open files" in error.what
    assert "ulimit -n" in error.remedy


def test_too_many_open_files_are_not_reported_as_a_damaged_artefact(tmp_path):
    store, stage = Store(tmp_path), Stage("texts", {"of": "a test"})
    artefact = store.get(stage, lambda out: (out / "a.txt").write_bytes(TEXT))
    error = refused_by(lambda _file: artefact.read("a.txt"), tmp_path)
    assert "ulimit -n" in error.remedy
    assert "Delete" not in error.remedy


def test_error_about_the_file_itself_has_the_callers_remedy():
    assert remedy_for(PermissionError(13, "Permission denied"), "Check it") == "Check it"
    assert remedy_for(ValueError("embedded null byte"), "Check it") == "Check it"


@pytest.fixture
def _removed(tmp_path):
    """Change the current folder to a folder that is then removed."""
    folder_before, removed = Path.cwd(), tmp_path / "gone"
    removed.mkdir()
    os.chdir(removed)
    removed.rmdir()
    yield
    os.chdir(folder_before)


@pytest.mark.usefixtures("_removed")
def test_relative_path_in_a_removed_current_folder_is_an_error():
    with pytest.raises(UsageMistake, match="current folder no longer exists") as caught:
        absolute("reviews.csv")
    assert "`cd`" in caught.value.remedy


@pytest.mark.usefixtures("_removed")
def test_absolute_path_works_in_a_removed_current_folder(tmp_path):
    assert absolute(str(tmp_path)) == tmp_path
    file = tmp_path / "mine.tflite"
    file.write_bytes(classifier())
    assert describe(absolute(str(file))).spec.file == file
    with pytest.raises(UsageMistake, match="current folder"):
        toml_of([describe(file)])
