"""Files of one network at several lengths are merged into one, and the lengths are recognized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.flatbuffers.lengths import alike_by_length, by_length
from models.flatbuffers.merging import merge_lengths
from models.flatbuffers.reading import read_contents
from models.flatbuffers.schemes import SCHEMES
from suites.meta.gates import edits
from suites.meta.lengths_files import LENGTHS, of_lengths
from suites.meta.small_classifiers import NAMES, Shape, classifier, model_of


def contents(data):
    return read_contents(Path("x.tflite"), data)


def keys(signatures):
    return {length: signature.key for length, signature in signatures.items()}


def test_merged_file_has_one_graph_and_signature_per_length_and_the_longest_first():
    read = contents(of_lengths())
    assert keys(by_length(read)) == {4: "tokens_4", 6: "tokens_6", 8: "tokens_8"}
    assert [signature.subgraph for signature in by_length(read).values()] == [2, 1, 0]
    assert [subgraph.inputs[0].shape for subgraph in read.subgraphs] == [(1, 8), (1, 6), (1, 4)]


def test_merged_file_stores_the_weights_once():
    merged, single = contents(of_lengths()), contents(classifier())
    assert {t.buffer for t in merged.tensors if t.weight} == {
        t.buffer for t in merged.tensors if t.weight and t.name in {"table", "head"}
    }
    assert len({t.buffer for t in merged.tensors if t.weight}) == len(
        {t.buffer for t in single.tensors if t.weight}
    )
    assert len(of_lengths()) < len(LENGTHS) * len(classifier()) - 2000


def test_operators_are_unchanged_in_every_graph_of_the_merged_file():
    """Two files may list their operator codes in different orders."""
    plain, softmax = classifier(tokens=4), classifier(tokens=8, end=("SOFTMAX",))
    read = contents(merge_lengths({4: plain, 8: softmax}))
    for number, file in ((0, softmax), (1, plain)):
        names = [operator.name for operator in read.operators if operator.subgraph == number]
        assert names == [operator.name for operator in contents(file).operators]


def test_rejects_merging_a_file_with_several_graphs():
    two = model_of(Shape(keys=("a",)), Shape(keys=("b",))).pack()
    with pytest.raises(ValueError, match="8 tokens has 2 graphs and 2 signatures"):
        merge_lengths({4: classifier(tokens=4), 8: two})


@pytest.mark.parametrize(
    ("data", "alike"),
    [
        (lambda: model_of(Shape(tokens=4, keys=("a",)), Shape(keys=("b",), seed=1)).pack(), True),
        (lambda: model_of(Shape(keys=("a",)), Shape(keys=("b",))).pack(), False),
        (lambda: classifier(keys=("a", "b")), False),
        (lambda: of_lengths(8), False),
        (lambda: merge_lengths({4: classifier(tokens=4, classes=5), 8: classifier()}), False),
        (lambda: merge_lengths({4: classifier(tokens=4, output="other"), 8: classifier()}), False),
        (lambda: merge_lengths({4: classifier(tokens=4, dtype="int64"), 8: classifier()}), False),
        (lambda: merge_lengths({4: classifier(signature=(1, -1)), 8: classifier()}), False),
    ],
    ids=[
        *("other weights", "one length", "one graph", "one signature", "other classes"),
        *("another output", "another dtype", "an open length"),
    ],
)
def test_signatures_that_are_not_lengths_of_one_network_are_not_recognized(data, alike):
    read = contents(data())
    assert by_length(read) == {}
    assert bool(alike_by_length(read.signatures)) == alike


def test_file_with_one_edited_length_is_still_recognized_as_several_lengths():
    """A planted fault edits one length; its gate must still recognize the file."""
    wrong = of_lengths(edits={6: edits.permuted_classes})
    assert keys(by_length(contents(wrong))) == keys(by_length(contents(of_lengths())))


def test_rejects_tensor_name_that_means_different_operators_at_two_lengths():
    """The value range of one tensor must not be used for another tensor of the same name."""
    from models.flatbuffers.quantizing import UnsupportedSchemeError, make_variants  # noqa: PLC0415 - slow to import

    sample = {name: np.ones((1, 8), np.int32) for name in NAMES}
    files = {4: classifier(tokens=4, end=("MUL",)), 8: classifier(tokens=8, end=("ADD",))}
    with pytest.raises(
        UnsupportedSchemeError, match="'end_0' is the output of MUL at 4 tokens and of ADD at 8"
    ):
        make_variants(files, SCHEMES["static_wi8_ai8_dense"], [sample])
