"""A damaged file is described or rejected quickly, without an unexpected error."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.candidates.candidate import read_candidate
from models.candidates.describe import describe, toml_of
from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.describing import document_of, inspect_file, text_of
from models.flatbuffers.findings import findings_of
from suites.meta.flatbuffers.finding_files import FILES, described
from suites.meta.small_classifiers import classifier

SECONDS = 3.0  # an intact file takes 0.02 s
WHOLE = [
    *(classifier(), classifier(end=("LOGISTIC",), classes=1, keys=()), described()),
    classifier(integer=(0.03, 5), outputs=2, signature=(1, -1)),
    *(make() for name in ("several-subgraphs", "half-overflow") for make in FILES[name][:1]),
]

fuzzing = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def judge(path, data):
    """Inspect, bind and describe `data`; fail on an unexpected error or after `SECONDS`."""
    path.write_bytes(data)
    started = time.process_time()
    try:
        inspected = inspect_file(path, "dynamic_wi8_afp32")
        assert text_of(document_of(inspected, findings_of(inspected)))
    except EdgeproofError as error:
        mistake_found = error
        # A file that cannot be inspected cannot be a candidate either.
        with pytest.raises(UsageMistake):
            read_candidate(path)
        assert mistake_found.remedy
    try:
        assert toml_of([describe(path)])
        assert read_candidate(path).binding
    except UsageMistake as mistake:
        question = mistake
        assert str(path) in str(question)
    assert time.process_time() - started < SECONDS


@fuzzing
@given(data=st.data())
def test_changed_bytes_cause_no_unexpected_error(tmp_path, data):
    mutable = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 12))):
        mutable[data.draw(st.integers(0, len(mutable) - 1))] = data.draw(st.integers(0, 255))
    judge(tmp_path / "flipped.tflite", bytes(mutable))


@fuzzing
@given(data=st.data())
def test_extreme_integers_in_a_file_cause_no_unexpected_error(tmp_path, data):
    mutable = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = 4 * data.draw(st.integers(0, len(mutable) // 4 - 1))
        word = data.draw(st.sampled_from([0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4]))
        mutable[at : at + 4] = word.to_bytes(4, "little")
    judge(tmp_path / "extreme.tflite", bytes(mutable))


@fuzzing
@given(data=st.data())
def test_truncated_file_causes_no_unexpected_error(tmp_path, data):
    intact = data.draw(st.sampled_from(WHOLE))
    judge(tmp_path / "cut.tflite", intact[: data.draw(st.integers(0, len(intact)))])
