"""Metadata is read as it was written; oversized or broken metadata is rejected."""

from __future__ import annotations

import io
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError
from models.flatbuffers.metadata import (
    AssociatedFile,
    BertTokenizer,
    Normalization,
    RegexTokenizer,
    ScoreCalibration,
    ScoreThresholding,
    SentencePieceTokenizer,
    UnknownUnit,
    read_metadata,
    read_packed,
)
from models.flatbuffers.reading import read_contents
from suites.meta.flatbuffer_writer import with_files
from suites.meta.flatbuffers import metadata_files as write
from suites.meta.small_classifiers import Shape, model_of

SECONDS = 2.0  # an intact file takes 0.01 s
VOCABULARY = b"<PAD> 0\n<START> 1\n<UNKNOWN> 2\ngood 3\n"
PACKED = {"vocab.txt": VOCABULARY, "labels.txt": b"bad\ngood\n"}


def model_maker(**changes):
    """Return a file with Model Maker's metadata: a regular expression, words and labels."""
    vocabulary = write.associated("vocab.txt", 5, "words")
    tokenizer = write.regex_tokenizer(r"[^\w\']+", vocabulary)
    inputs = [write.tensor_metadata("input_text", units=[tokenizer], content=1)]
    labels = write.associated("labels.txt", 2, "labels", "en")
    outputs = [write.tensor_metadata("probability", files=[labels], limits=([0.0], [1.0]))]
    shape = {"names": ("ids",), "classes": 2, "end": ("SOFTMAX",), "keys": ()}
    given_ = {"packed": PACKED, "runtime": "1.14.0"} | changes
    return write.described(model_of(Shape(**shape)), inputs, outputs, **given_)


def read(tmp_path, data):
    path = tmp_path / "described.tflite"
    return read_metadata(path, data, read_contents(path, data))


def test_metadata_written_by_model_maker_is_read(tmp_path):
    metadata = read(tmp_path, model_maker())
    assert (metadata.name, metadata.description, metadata.version) == (
        "Sentiment",
        "of texts",
        "v3",
    )
    assert (metadata.author, metadata.license, metadata.min_parser_version) == (
        "A",
        "Apache",
        "1.2.0",
    )
    assert metadata.minimum_runtime == "1.14.0"
    (source,) = metadata.main.inputs
    assert (source.name, source.content) == ("input_text", "feature")
    assert source.dimension_names == ("batch", "tokens")
    vocabulary = AssociatedFile("vocab.txt", "words", "VOCABULARY", "")
    assert source.process_units == (RegexTokenizer(r"[^\w\']+", (vocabulary,)),)
    (answer,) = metadata.main.outputs
    labels = AssociatedFile("labels.txt", "labels", "TENSOR_AXIS_LABELS", "en")
    assert answer.files == (labels,)
    assert (answer.minimum, answer.maximum) == ((0.0,), (1.0,))
    assert metadata.tokenizer == source.process_units[0]
    assert metadata.every_file == (labels, vocabulary)
    assert {packed.name: packed.bytes for packed in metadata.packed} == {
        name: len(content) for name, content in PACKED.items()
    }


def test_files_packed_into_the_flatbuffer_are_read(tmp_path):
    assert read_packed(tmp_path, model_maker(), "vocab.txt") == VOCABULARY
    with pytest.raises(EdgeproofError, match="is missing"):
        read_packed(tmp_path, model_maker(), "other.txt")


UNITS = {
    "normalization": (write.normalization([0.5], [2.0]), Normalization((0.5,), (2.0,))),
    "calibration": (write.calibration(1, 0.25), ScoreCalibration("LOG", 0.25)),
    "thresholding": (write.thresholding(0.75), ScoreThresholding(0.75)),
    "word pieces": (
        write.bert_tokenizer(write.associated("vocab.txt", 5)),
        BertTokenizer((AssociatedFile("vocab.txt", "", "VOCABULARY", ""),)),
    ),
    "sentencepiece": (
        write.sentencepiece_tokenizer(write.associated("a.model"), write.associated("v", 9)),
        SentencePieceTokenizer(
            (AssociatedFile("a.model", "", "UNKNOWN", ""),),
            (AssociatedFile("v", "", "TYPE_9", ""),),
        ),
    ),
    "one of tomorrow": (write.unit(7, {0: "x"}), UnknownUnit(7)),
}


@pytest.mark.parametrize(("unit", "expected"), UNITS.values(), ids=UNITS)
def test_every_kind_of_process_unit_in_the_metadata_is_read(tmp_path, unit, expected):
    data = model_maker(units=[unit])
    assert read(tmp_path, data).main.input_units == (expected,)


def test_file_without_metadata_is_accepted(tmp_path):
    assert read(tmp_path, model_of(Shape()).pack()) is None


def test_packed_files_are_listed_even_without_metadata(tmp_path):
    metadata = read(tmp_path, with_files(model_of(Shape()).pack(), PACKED))
    assert [packed.name for packed in metadata.packed] == list(PACKED)
    assert (metadata.main.inputs, metadata.tokenizer) == ((), None)


BROKEN = {
    "another identifier": (lambda data: data.replace(b"M001", b"M999"), "its identifier is"),
    "cut off": (lambda data: data[: len(data) // 2], "metadata is corrupt"),
    "empty": (lambda _: b"", "its identifier is"),
    "an endless text": (
        lambda data: data.replace(b"\x09\0\0\0Sentiment", b"\xff\xff\xff\x7fSentiment"),
        "a text claims",
    ),
}


@pytest.mark.parametrize(("damage", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_metadata_is_reported_in_one_message(tmp_path, damage, message):
    model = model_of(Shape())
    intact = write.model_metadata([write.tensor_metadata("a")], [write.tensor_metadata("b")])
    model.metadata["TFLITE_METADATA"] = damage(intact)
    assert damage(intact) != intact
    with pytest.raises(EdgeproofError, match=message) as caught:
        read(tmp_path, model.pack())
    assert caught.value.key == "TFLITE_METADATA"


def test_rejects_packed_archive_that_expands_without_limit(tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("vocab.txt", bytes(80 << 20))
    with pytest.raises(EdgeproofError, match="bytes unpacked"):
        read(tmp_path, model_of(Shape()).pack() + archive.getvalue())


def test_size_limit_of_metadata_counts_a_shared_text_once_for_each_table(tmp_path):
    # Many tables point to one long text, and a reader would copy it for each of them.
    text = write.associated("x" * 60_000)
    model = model_of(Shape())
    metadata = write.model_metadata([write.tensor_metadata("a", files=[text] * 200)], [])
    model.metadata["TFLITE_METADATA"] = metadata
    with pytest.raises(EdgeproofError, match="a text claims"):
        read(tmp_path, model.pack())


fuzzing = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WHOLE = model_maker(units=[unit for unit, _ in UNITS.values()])


def judge(tmp_path, data):
    """Read `data`, which must give metadata or an `EdgeproofError` within `SECONDS`."""
    started = time.process_time()
    path, refusal = tmp_path / "mutated.tflite", None
    try:
        metadata = read_metadata(path, data, read_contents(path, data))
        for packed in metadata.packed if metadata is not None else ():
            read_packed(path, data, packed.name)
    except EdgeproofError as error:
        refusal = error
    assert time.process_time() - started < SECONDS
    assert refusal is None or (str(path) in str(refusal) and refusal.remedy)


@fuzzing
@given(data=st.data())
def test_changed_bytes_in_metadata_cause_no_unexpected_error(tmp_path, data):
    mutable = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 20))):
        mutable[data.draw(st.integers(0, len(mutable) - 1))] = data.draw(st.integers(0, 255))
    judge(tmp_path, bytes(mutable))


@fuzzing
@given(data=st.data())
def test_extreme_integers_in_metadata_cause_no_unexpected_error(tmp_path, data):
    start = WHOLE.index(b"M001") - 4
    mutable = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = start + 4 * data.draw(st.integers(0, (len(mutable) - start) // 4 - 1))
        word = data.draw(st.sampled_from([0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4]))
        mutable[at : at + 4] = word.to_bytes(4, "little")
    judge(tmp_path, bytes(mutable))


@fuzzing
@given(end=st.integers(0, len(WHOLE)))
def test_truncated_metadata_causes_no_unexpected_error(tmp_path, end):
    judge(tmp_path, WHOLE[:end])
