"""PyTorch files are read without PyTorch, or rejected, and never executed."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import time
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import UsageMistake
from models.networks import published, torch_bin
from suites.meta.networks import torch_files
from suites.meta.networks.checkpoints import as_published, make_folder

FORMATS = {"archive": torch_files.archive, "legacy": torch_files.legacy}
SECONDS = 2.0
VALUES = {
    "encoder.matrix": np.arange(12, dtype=np.float32).reshape(3, 4),
    "encoder.half": np.array([1.5, -2.0], np.float16),
    "steps": np.array(7, np.int64),
}


@pytest.fixture(params=FORMATS)
def written(request):
    """Return a function that returns the bytes of a checkpoint in one of the two formats."""
    return FORMATS[request.param]


def test_values_read_from_a_pytorch_file_equal_the_written_ones(written, tmp_path):
    path = tmp_path / published.TORCH
    path.write_bytes(written(VALUES, transposed=("encoder.matrix",)))
    read = torch_bin.read(path, VALUES)
    assert {name: array.dtype for name, array in read.items()} == {
        name: array.dtype for name, array in VALUES.items()
    }
    assert all(np.array_equal(read[name], VALUES[name]) for name in VALUES)


def test_only_requested_tensors_are_read_from_a_pytorch_file(written, tmp_path):
    path = tmp_path / published.TORCH
    path.write_bytes(written(VALUES))
    assert list(torch_bin.read(path, ["encoder.half", "absent"])) == ["encoder.half"]


def test_folder_with_a_pytorch_file_can_serve_as_a_checkpoint(written, tmp_path):
    shape, values = make_folder(tmp_path)
    (tmp_path / published.TORCH).write_bytes(written(as_published(values)))
    read = published.read_values(published.resolve(str(tmp_path), offline=True), shape, seed=1)
    assert all(np.array_equal(read[name], values[name]) for name in values)


class Run:
    """An object that is pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "hostile",
    [
        Run(os.system, "touch RAN"),
        Run(eval, "open('RAN', 'w')"),
        Run(getattr, {}, "get"),
        {"weight": Run(__import__, "antigravity")},
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_rejects_pickle_that_would_run_code(hostile, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = pickle.dumps(hostile, protocol)
    for content in (torch_files.zipped(document, {}), document):
        (tmp_path / "weights.bin").write_bytes(content)
        with pytest.raises(UsageMistake, match="which no checkpoint of weights needs"):
            torch_bin.read(tmp_path / "weights.bin", ["weight"])
    assert [path.name for path in tmp_path.iterdir()] == ["weights.bin"]


def test_rejects_tensor_larger_than_its_storage(tmp_path):
    intact = torch_files.archive({"weight": np.zeros((4, 4), np.float32)})
    with zipfile.ZipFile(io.BytesIO(intact)) as archive:
        document = archive.read("pytorch_model/data.pkl")
    wider = document.replace(b"K\x04K\x04\x86", b"K\x04K\x05\x86")  # the pickled shape (4, 4)
    path = tmp_path / published.TORCH
    path.write_bytes(torch_files.zipped(wider, {"0": bytes(64)}))
    with pytest.raises(UsageMistake, match="needs more bytes than there are"):
        torch_bin.read(path, ["weight"])


def test_reading_a_small_pytorch_file_cannot_allocate_gigabytes(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"\x80\x02Nr\xff\xff\xff\x7f.")  # remember None under number 2**31 - 1
    with pytest.raises(UsageMistake, match="before seeing STOP"):
        torch_bin.read(path, ["weight"])


def attempt(path, data):
    """Read `data`, which must give values or a UsageMistake within SECONDS."""
    path.write_bytes(data)
    started = time.process_time()
    with contextlib.suppress(UsageMistake):
        torch_bin.read(path, VALUES)
    assert time.process_time() - started < SECONDS


fuzzing = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@fuzzing
@given(data=st.data())
def test_truncated_pytorch_file_causes_no_unexpected_error(written, tmp_path, data):
    intact = written(VALUES)
    attempt(tmp_path / "weights.bin", intact[: data.draw(st.integers(0, len(intact) - 1))])


@fuzzing
@given(data=st.data())
def test_changed_bytes_in_a_pytorch_file_cause_no_unexpected_error(written, tmp_path, data):
    changed = bytearray(written(VALUES))
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    attempt(tmp_path / "weights.bin", bytes(changed))
