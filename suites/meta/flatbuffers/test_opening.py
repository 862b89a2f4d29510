"""A file that is damaged, or is no FlatBuffer, is reported with the cause."""

from __future__ import annotations

import base64
import gzip
import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.opening import Damaged, damage_of, foreign, read_flatbuffer
from models.flatbuffers.reading import read_contents
from suites.meta.flatbuffer_writer import with_files
from suites.meta.flatbuffers.finding_files import dense
from suites.meta.small_classifiers import classifier

WHOLE = classifier()
INTEGERS = dense(dtype="int8", scale=0.1)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n"

OTHERS = {
    "nothing": (b"", "empty"),
    "a pointer of LFS": (LFS, "lfs-pointer"),
    "a pointer of git-annex": (b"/annex/objects/SHA256E-s99--abc.tflite\n", "lfs-pointer"),
    "a web page": (b"\n <!DOCTYPE html>\n<html><body>Sign in</body></html>", "html-page"),
    "an error page": (
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        "html-page",
    ),
    "an answer of a server": (b'{"message": "Not Found", "status": "404"}', "json-document"),
    "a list": (b"[1, 2]", "json-document"),
    "a placeholder": (b"put model.tflite here\n", "placeholder"),
    "one byte": (b"x", "placeholder"),
    "a story": ("schön und gut\n".encode() * 1000, "text"),
    "base64": (base64.b64encode(WHOLE), "base64"),
    "a zip archive": (with_files(b"", {"model.tflite": WHOLE}), "archive"),
    "a gzip": (gzip.compress(WHOLE), "archive"),
    "a Keras file": (b"\x89HDF\r\n\x1a\n" + bytes(99), "other-format"),
    "an ONNX file": (b"\x08\x07\x12\x07pytorch" + bytes(99), "not-a-flatbuffer"),
    "two bytes": (b"\x10\x00", "not-a-flatbuffer"),
    "a mark before it": (b"\xef\xbb\xbf" + WHOLE.decode("latin-1").encode(), "text-mode"),
}


@pytest.mark.parametrize(("data", "kind"), OTHERS.values(), ids=OTHERS)
def test_error_names_the_actual_type_of_a_file_that_is_no_flatbuffer(tmp_path, data, kind):
    path = tmp_path / "given.tflite"
    with pytest.raises(Damaged) as caught:
        read_contents(path, data)
    assert caught.value.damage.id == kind
    assert caught.value.file == str(path)
    assert caught.value.remedy


def to_windows(data):
    return data.replace(b"\n", b"\r\n")


def replaced(data):
    return data.decode("utf-8", errors="replace").encode()


def encoded(data):
    return data.decode("latin-1").encode()


DAMAGED = {
    "line feeds got carriage returns": (to_windows, WHOLE),
    "bytes were replaced": (replaced, WHOLE),
    "bytes were encoded": (encoded, WHOLE),
    "carriage returns went": (lambda data: data.replace(b"\r", b""), INTEGERS),
    "line feeds got them, integers": (to_windows, INTEGERS),
    "bytes were replaced, integers": (replaced, INTEGERS),
}


@pytest.mark.parametrize(("damage", "intact"), DAMAGED.values(), ids=DAMAGED)
def test_line_end_conversion_by_a_copy_in_text_mode_is_detected(tmp_path, damage, intact):
    with pytest.raises(Damaged, match=r"treated it as text|copy in text mode") as caught:
        read_contents(tmp_path / "given.tflite", damage(intact))
    assert caught.value.damage.id == "text-mode"
    assert ".gitattributes" in caught.value.remedy


def test_incomplete_download_is_detected(tmp_path):
    data = INTEGERS[:1000] + bytes(6000)
    with pytest.raises(Damaged, match=r"its last 60\d\d bytes are zeros") as caught:
        read_contents(tmp_path / "given.tflite", data)
    assert caught.value.damage.id == "cut-off"


def test_file_without_its_second_half_is_reported_as_corrupt(tmp_path):
    with pytest.raises(Damaged, match="truncated or corrupt") as caught:
        read_contents(tmp_path / "given.tflite", INTEGERS[: len(INTEGERS) // 2])
    assert caught.value.damage.id == "corrupt"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_binary_files_are_not_taken_for_text(seed):
    """Compressed bytes, which look random, must not be mistaken for a file copied in text mode."""
    noise = zlib.compress(b"".join(os.urandom(0) + str(seed + i).encode() for i in range(4000)))
    data = b"\x1c\0\0\0TFL3" + noise
    assert foreign(data) is None
    assert damage_of(data) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_a_flatbuffer_or_get_an_error_with_a_remedy(data):
    foreign_kind = foreign(data)
    assert foreign_kind is None or (foreign_kind.id and foreign_kind.what and foreign_kind.remedy)
    assert foreign_kind is not None or data[4:8] == b"TFL3"


@pytest.mark.parametrize("make", ["missing", "folder", "pipe", "loop"])
def test_missing_file_folder_pipe_or_link_loop_is_reported_at_once(tmp_path, make):
    path = tmp_path / "given.tflite"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    elif make == "loop":
        path.symlink_to(path)
    with pytest.raises(UsageMistake, match="cannot be read") as caught:
        read_flatbuffer(path)
    assert isinstance(caught.value, EdgeproofError)
    assert caught.value.file == str(path)
