"""The index of a TensorFlow checkpoint is checked first, because a bad one crashes TensorFlow."""

from __future__ import annotations

import pytest

from models.networks.tf1_index import check_index
from suites.meta.fuzz import tf1_files
from suites.meta.fuzz.tf1_files import index, record

NAME = tf1_files.NAME.encode()


@pytest.fixture
def path(tmp_path):
    """Return the path of an index, beside the file of its values."""
    tf1_files.write_values(tmp_path)
    return tmp_path / tf1_files.INDEX


def test_accepts_index_written_by_tensorflow(path):
    path.write_bytes(next(tf1_files.good_files()))
    check_index(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (index((NAME, record(shape=(-3, 4)))), "needs more bytes than there are"),
        (index((NAME, record(shape=(1,) * 255))), "255 dimensions"),
        (index((NAME, record(shape=(2**62, 2**62)))), "needs more bytes than there are"),
        (index((NAME, record(shape=(3, 3)))), "takes 48 bytes"),
        (index((NAME, record(offset=8))), "beyond the end"),
        (index((NAME, record(size=2**63))), "beyond the end"),
        (index((NAME, record(shard=1))), "shard 1 of 1"),
        (index((NAME, record(dtype=99))), "unknown type, 99"),
        (index((NAME, record(more=tf1_files.held(7, b"\x0a")))), "in slices"),
        (index((NAME, record()), (NAME, record())), "twice"),
        (index((NAME, record()), header=tf1_files.number(1, 0)), "how many files"),
        (index((NAME, record()), header=tf1_files.number(2, 1)), "big-endian"),
        (next(tf1_files.good_files())[:-1], "lacks the footer"),
        (b"", "lacks the footer"),
    ],
)
def test_rejects_invalid_tensorflow_index(content, message, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        check_index(path)


def test_tensorflow_index_without_its_data_file_is_an_error(path):
    path.write_bytes(next(tf1_files.good_files()))
    (path.parent / tf1_files.SHARD).unlink()
    with pytest.raises(FileNotFoundError):
        check_index(path)
