"""Row lengths are recognized or declared; each text is run at the shortest length that fits."""

from __future__ import annotations

import numpy as np
import pytest

from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.candidates.declaration import CandidateTable, Declaration
from models.errors import UsageMistake
from models.row_lengths import shortest_that_fit, tokens_of
from suites.meta.lengths_files import of_lengths
from suites.meta.small_classifiers import Shape, classifier, model_of

APART = (Shape(tokens=4, keys=("short",)), Shape(keys=("long",), seed=1))


@pytest.fixture
def read(tmp_path):
    def written(data, **declared):
        file = tmp_path / "x.tflite"
        file.write_bytes(data)
        return read_candidate(file, Declaration(**declared))

    return written


def refused(read, data, **declared):
    with pytest.raises(UsageMistake) as caught:
        read(data, **declared)
    return f"{caught.value.key}: {caught.value.what}: {caught.value.remedy}"


def test_signatures_for_several_lengths_form_one_candidate(read):
    spec = read(of_lengths())
    assert (spec.signature, spec.length, spec.lengths) == ("tokens_8", 8, (4, 6, 8))
    assert [shorter.signature for shorter in spec.shorter] == ["tokens_4", "tokens_6"]
    assert "one classifier at 4, 6, 8 tokens" in spec.warnings[-1]
    assert spec.binding.endswith("rows of 4, 6 or 8 tokens: the shortest that fits")


def test_one_of_several_signatures_can_be_judged_alone(read):
    spec = read(of_lengths(), signature="tokens_6")
    assert (spec.signature, spec.lengths, spec.shorter) == ("tokens_6", (6,), ())


def test_every_length_runs_through_its_own_signature(read):
    """The first graph needs its signature, too, once the runtime has opened another one."""
    request = binding_of(read(of_lengths()), below=64, length=8).to_request()
    every = [request, *request["shorter"]]
    assert [binding["called"] for binding in every] == [True] * 3
    assert [[name for _, name, _, _ in binding["inputs"]] for binding in every] == [
        ["input_ids", "attention_mask", "token_type_ids"]
    ] * 3


def test_signatures_without_shared_weights_require_declared_lengths(read):
    question = refused(read, model_of(*APART).pack())
    assert "has 2 signatures" in question
    assert "lengths = [4, 8]" in question


def test_signatures_without_shared_weights_are_accepted_if_their_lengths_are_declared(read):
    assert read(model_of(*APART).pack(), lengths=(4, 8)).lengths == (4, 8)


def test_file_with_dynamic_length_is_run_at_the_declared_lengths(read):
    spec = read(classifier(signature=(1, -1)), lengths=(3, 8))
    binding = binding_of(spec, below=None, length=8)
    assert spec.lengths == (3, 8)
    assert [bound.inputs[0].length for bound in (*binding.shorter, binding)] == [3, 8]
    assert not binding.called


@pytest.mark.parametrize(
    ("data", "lengths", "message"),
    [
        (
            of_lengths,
            (4, 8),
            "lengths: the declared lengths are 4, 8, but the file's signatures take 4",
        ),
        (
            classifier,
            (4, 8),
            "lengths: the declared lengths are 4, 8, but the file accepts only 8 tokens",
        ),
    ],
    ids=["signatures", "one length"],
)
def test_rejects_lengths_that_the_file_does_not_accept(read, data, lengths, message):
    assert message in refused(read, data(), lengths=lengths)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lengths": (8, 4)}, "must ascend, but 4 comes after 8"),
        ({"lengths": (4, 4)}, "must ascend"),
        ({"lengths": (4,)}, "contains only 4"),
        ({"lengths": (4, 8), "length": 8}, "`lengths` and `length` are both declared"),
        ({"lengths": (4, 8), "signature": "a"}, "`lengths` and `signature` are both declared"),
    ],
)
def test_rejects_invalid_declared_lengths(settings, message):
    with pytest.raises(ValueError, match=message):
        CandidateTable(name="mine", flatbuffer="x.tflite", **settings)


def test_text_is_run_at_the_shortest_length_that_fits():
    mask = np.array([[1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1] * 5, [1, 1, 1, 1, 0], [0] * 5])
    assert tokens_of(mask).tolist() == [1, 3, 5, 4, 0]
    assert shortest_that_fit(mask, (1, 3, 5)).tolist() == [1, 3, 5, 5, 1]


def test_left_padded_row_is_run_at_its_full_length():
    """A shorter length would cut off the end of the row, where the text is."""
    assert shortest_that_fit(np.array([[0, 0, 0, 1]]), (2, 4)).tolist() == [4]


def test_zero_between_ones_in_the_mask_is_not_padding():
    assert tokens_of(np.array([[1, 0, 1, 0]])).tolist() == [3]
