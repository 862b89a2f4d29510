"""Labels come from a file, the metadata or a declaration; invalid ones are rejected."""

from __future__ import annotations

import pytest

from models.candidates.candidate import read_candidate
from models.candidates.declaration import Declaration, OutputTable
from models.candidates.labels import read_labels
from models.errors import UsageMistake
from suites.meta.flatbuffers.metadata_files import associated, described, tensor_metadata
from suites.meta.small_classifiers import Shape, model_of


@pytest.mark.parametrize(
    ("data", "labels"),
    [
        (b"ham\nspam\n", ("ham", "spam")),
        (b"\xef\xbb\xbfham\r\nspam", ("ham", "spam")),
        ("schön\nnicht gut\n\n".encode(), ("schön", "nicht gut")),
    ],
    ids=["plain", "from Windows", "any language"],
)
def test_each_line_of_a_label_file_is_one_label(tmp_path, data, labels):
    path = tmp_path / "labels.txt"
    path.write_bytes(data)
    assert read_labels(path) == labels


REFUSED = {
    "one": (b"spam\n", "contains 1 labels"),
    "nothing": (b"", "contains 1 labels"),
    "too many": ("\n".join(map(str, range(1001))).encode(), "contains 1001 labels"),
    "twice the same": (b"a\nb\na\n", "2 labels are called 'a'"),
    "a gap": (b"a\n\nb\n", "label 1 is empty"),
    "no text": (b"\xff\xfe\x00", "is not UTF-8"),
    "lists in lists": (b"[" * 100_000, "is JSON"),
    "objects in objects": (b'{"a":' * 100_000, "is JSON"),
    "a text in place of a label": (b"good\n" + b"bad " * 60 + b"\n", "label 1 is 239 characters"),
    "much": (b"a" * (2 << 20), "at most"),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_rejects_file_that_is_not_a_list_of_labels(tmp_path, data, message):
    path = tmp_path / "labels.txt"
    path.write_bytes(data)
    with pytest.raises(UsageMistake, match=message) as caught:
        read_labels(path)
    assert caught.value.file == str(path)


def test_missing_label_file_is_reported(tmp_path):
    with pytest.raises(UsageMistake, match="cannot be read"):
        read_labels(tmp_path / "none.txt")


def with_labels(folder, content, **shape):
    """Write a classifier whose metadata names its labels."""
    files = [associated("labels.txt", 2)]
    path = folder / "described.tflite"
    model = model_of(Shape(**shape))
    tensors = [tensor_metadata(name) for name in Shape(**shape).names]
    outputs = [tensor_metadata("probability", files=files)]
    path.write_bytes(described(model, tensors, outputs, packed={"labels.txt": content}))
    return path


def test_labels_are_read_from_the_metadata(tmp_path):
    spec = read_candidate(with_labels(tmp_path, b"bad\nneutral\ngood\n"))
    assert (spec.labels, spec.labels_found) == (("bad", "neutral", "good"), "metadata")


def test_declared_labels_override_the_metadata_with_a_warning(tmp_path):
    file = with_labels(tmp_path, b"bad\nneutral\ngood\n")
    spec = read_candidate(file, Declaration(labels=("a", "b", "c")))
    assert (spec.labels, spec.labels_found) == (("a", "b", "c"), "declared")
    assert any("calls the labels bad, neutral, good" in warning for warning in spec.warnings)
    same = read_candidate(file, Declaration(labels=("bad", "neutral", "good")))
    assert same.warnings == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"one\ntwo\n", "names 2 labels, but the output has 3"), (b"\xff\xfe", "is not UTF-8")],
)
def test_metadata_labels_that_do_not_fit_the_output_are_ignored(tmp_path, content, message):
    spec = read_candidate(with_labels(tmp_path, content))
    assert spec.labels is None
    assert any(message in warning for warning in spec.warnings)


SIGMOID = {"classes": 1, "end": ("LOGISTIC",), "output": "probability"}


def test_metadata_may_give_two_labels_for_a_single_sigmoid_output(tmp_path):
    spec = read_candidate(with_labels(tmp_path, b"ham\nspam\n", **SIGMOID))
    assert spec.labels == ("ham", "spam")


def test_declared_positive_label_must_be_one_of_the_metadata_labels(tmp_path):
    file = with_labels(tmp_path, b"spam\nham\n", **SIGMOID)
    declared = Declaration(output=OutputTable(threshold=0.7, positive="spam"))
    assert read_candidate(file, declared).output.positive == 0
    with pytest.raises(UsageMistake, match="'eggs' is not one of the labels, spam, ham"):
        read_candidate(file, Declaration(output=OutputTable(positive="eggs")))
