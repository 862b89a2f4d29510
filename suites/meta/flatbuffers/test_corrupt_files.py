"""A broken FlatBuffer is reported in one message that names the file, without a crash or hang."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError
from models.flatbuffers.dtypes import packed_bytes
from models.flatbuffers.inspect import inspect
from models.flatbuffers.runtimes import minimum_runtime, unknown_operators
from suites.meta.tiny_models import NAMES

SECONDS = 2.0  # an intact tiny file takes 0.01 s

fuzzing = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

if TYPE_CHECKING:
    from pathlib import Path


def judge(path: Path, data: bytes) -> None:
    """Inspect `data`, which must give a report or an `EdgeproofError` within `SECONDS`."""
    path.write_bytes(data)
    started = time.process_time()
    refusal = None
    try:
        report = inspect(path)
        minimum_runtime(report)
        unknown_operators(report)
    except EdgeproofError as error:
        refusal = error
    assert time.process_time() - started < SECONDS
    assert refusal is None or (str(path) in str(refusal) and refusal.remedy)


@fuzzing
@given(data=st.data())
def test_truncated_file_causes_no_unexpected_error(
    tiny_models: dict[str, Path], tmp_path: Path, data: st.DataObject
) -> None:
    intact = tiny_models[data.draw(st.sampled_from(NAMES))].read_bytes()
    judge(tmp_path / "cut.tflite", intact[: data.draw(st.integers(0, len(intact)))])


@fuzzing
@given(data=st.data())
def test_changed_bytes_cause_no_unexpected_error(
    tiny_models: dict[str, Path], tmp_path: Path, data: st.DataObject
) -> None:
    mutable = bytearray(tiny_models[data.draw(st.sampled_from(NAMES))].read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        mutable[data.draw(st.integers(0, len(mutable) - 1))] = data.draw(st.integers(0, 255))
    judge(tmp_path / "flipped.tflite", bytes(mutable))


@fuzzing
@given(data=st.data())
def test_extreme_integers_in_a_file_cause_no_unexpected_error(
    tiny_models: dict[str, Path], tmp_path: Path, data: st.DataObject
) -> None:
    # Offsets and lengths are 32-bit words, so changed words damage them most often.
    mutable = bytearray(tiny_models[data.draw(st.sampled_from(NAMES))].read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = 4 * data.draw(st.integers(0, len(mutable) // 4 - 1))
        word = data.draw(st.sampled_from([0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4]))
        mutable[at : at + 4] = word.to_bytes(4, "little")
    judge(tmp_path / "extreme.tflite", bytes(mutable))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\x1c\x00\x00\x00TFL9 of another kind", "identifier"),
        (b"\x10\x00", "identifier"),
        (b"\xff\xff\xff\xffTFL3", "corrupt"),
        (b"\x08\x00\x00\x00TFL3" + b"\xff" * 64, "corrupt"),
        (b"\x08\x00\x00\x00TFL3" + b"\x00" * 64, "corrupt"),
    ],
)
def test_error_names_the_broken_file_and_the_cause(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(data)
    with pytest.raises(EdgeproofError, match=message) as caught:
        inspect(path)
    assert caught.value.file == str(path)


def test_rejects_file_without_its_second_half(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "half.tflite"
    intact = tiny_models["float32"].read_bytes()
    path.write_bytes(intact[: len(intact) // 2])
    with pytest.raises(EdgeproofError, match="truncated or corrupt"):
        inspect(path)


def test_error_names_a_missing_file_or_a_folder_in_its_place(tmp_path: Path) -> None:
    for path in (tmp_path / "none.tflite", tmp_path):
        with pytest.raises(EdgeproofError, match="cannot be read"):
            inspect(path)


def test_size_of_a_huge_shape_is_computed_exactly() -> None:
    assert packed_bytes([2**31 - 1] * 60, 8) == (2**31 - 1) ** 60
    assert packed_bytes([3, 3], 4) == 5
