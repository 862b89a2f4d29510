"""A runtime's outputs become labels and probabilities; examples were computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.candidates.scores import NO_LABEL, scores_of, softmax
from models.candidates.spec import OutputSpec
from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.structure import Quantization

THREE = OutputSpec(
    name="out",
    tensor="out",
    position=0,
    meaning="logits",
    classes=3,
    dtype="float32",
    shape=(1, 3),
    quantization=None,
    threshold=None,
    positive=None,
    found="graph",
)


def sided(meaning="sigmoid", threshold=0.5, positive=1):
    return replace(THREE, meaning=meaning, classes=2, threshold=threshold, positive=positive)


def test_logits_become_probabilities_by_softmax():
    scores = scores_of(THREE, np.log([[1.0, 2.0, 1.0], [3.0, 1.0, 1.0]]))
    assert scores.labels.tolist() == [1, 0]
    np.testing.assert_allclose(scores.probabilities, [[0.25, 0.5, 0.25], [0.6, 0.2, 0.2]])


def test_probabilities_are_not_normalized_again():
    probabilities = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]
    scores = scores_of(replace(THREE, meaning="probabilities"), np.array(probabilities, np.float32))
    np.testing.assert_allclose(scores.probabilities, probabilities, rtol=1e-6)
    assert scores.labels.tolist() == [0, 2]
    # Total variation of the two rows: (0.6 + 0.1 + 0.7) / 2. Another softmax would reduce it to
    # 0.28.
    distance = np.abs(np.subtract(*scores.probabilities)).sum() / 2
    assert distance == pytest.approx(0.7)
    again = softmax(scores.probabilities)
    assert np.abs(np.subtract(*again)).sum() / 2 < 0.3


def test_log_probabilities_are_exponentiated():
    probabilities = np.array([[0.5, 0.25, 0.25]])
    scores = scores_of(replace(THREE, meaning="log_probabilities"), np.log(probabilities))
    np.testing.assert_allclose(scores.probabilities, probabilities)


@pytest.mark.parametrize(
    ("threshold", "positive", "labels"),
    [
        (0.5, 1, [0, 0, 0, 1, 1]),
        (0.35, 1, [0, 1, 1, 1, 1]),
        (0.7, 1, [0, 0, 0, 0, 1]),
        # A value above one half stands for the first label.
        (0.5, 0, [1, 1, 1, 0, 0]),
        (0.35, 0, [1, 0, 0, 0, 0]),
    ],
)
def test_sigmoid_label_follows_threshold_and_positive_label(threshold, positive, labels):
    raw = np.array([[0.1], [0.4], [0.5], [0.6], [0.9]])
    scores = scores_of(sided(threshold=threshold, positive=positive), raw)
    assert scores.labels.tolist() == labels
    np.testing.assert_allclose(scores.probabilities[:, positive], raw[:, 0])
    np.testing.assert_allclose(scores.probabilities.sum(axis=1), 1.0)


def test_sigmoid_at_the_threshold_is_negative():
    assert scores_of(sided(threshold=0.35), np.array([[0.35]])).labels.tolist() == [0]


def test_sigmoid_is_applied_to_a_logit_exactly_once():
    raw = np.array([[0.0], [np.log(3.0)], [-np.log(3.0)]])
    scores = scores_of(sided("logit", threshold=0.6), raw)
    np.testing.assert_allclose(scores.probabilities[:, 1], [0.5, 0.75, 0.25])
    assert scores.labels.tolist() == [0, 1, 0]


def test_independent_sigmoids_are_normalized_to_probabilities():
    scores = scores_of(replace(THREE, meaning="sigmoids"), np.array([[0.9, 0.3, 0.6]]))
    np.testing.assert_allclose(scores.probabilities, [[0.5, 1 / 6, 1 / 3]])
    assert scores.labels.tolist() == [0]


@pytest.mark.parametrize(
    ("dtype", "scale", "zero", "raw", "real"),
    [
        ("int8", 0.03, 5, [105, 5, -95], [3.0, 0.0, -3.0]),
        ("uint8", 0.5, 128, [130, 128, 100], [1.0, 0.0, -14.0]),
        ("int16", 0.001, 0, [1000, -500, 0], [1.0, -0.5, 0.0]),
    ],
)
def test_quantized_outputs_are_dequantized(dtype, scale, zero, raw, real):
    output = replace(THREE, quantization=Quantization((scale,), (zero,)))
    scores = scores_of(output, np.array([raw], dtype))
    np.testing.assert_allclose(scores.logits, [real])


def test_quantized_sigmoid_is_dequantized_before_the_threshold_is_applied():
    output = replace(sided(threshold=0.35), quantization=Quantization((1 / 256,), (-128,)))
    raw = np.array([[-128], [-39], [-38], [127]], np.int8)
    # (-39 + 128) / 256 = 0.348, (-38 + 128) / 256 = 0.352
    assert scores_of(output, raw).labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("shape", [(4, 3), (4, 1, 3), (4, 1, 1, 3)])
def test_any_shape_with_one_score_per_label_is_accepted(shape):
    raw = np.arange(12, dtype=np.float32).reshape(shape)
    assert scores_of(THREE, raw).probabilities.shape == (4, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("meaning", ["logits", "probabilities", "sigmoid"])
def test_non_finite_scores_have_no_label(meaning, value):
    output = sided() if meaning == "sigmoid" else replace(THREE, meaning=meaning)
    raw = np.full((2, 1 if meaning == "sigmoid" else 3), 1 / 3)
    raw[1, 0] = value
    labels = scores_of(output, raw).labels
    assert labels[0] != NO_LABEL
    assert labels[1] == NO_LABEL


def test_rejects_scores_whose_number_differs_from_the_number_of_labels():
    with pytest.raises(EdgeproofError, match="gives 2 numbers for each text, but 3"):
        scores_of(THREE, np.zeros((1, 2)))
    with pytest.raises(EdgeproofError, match="gives 2 numbers for each text, but 1"):
        scores_of(sided(), np.zeros((1, 2)))
    with pytest.raises(EdgeproofError, match="gives 2 numbers for each text, but 5"):
        scores_of(replace(THREE, classes=None), np.zeros((1, 2)), classes=5)


def test_rejects_declared_probabilities_out_of_range():
    output = replace(THREE, meaning="probabilities", found="declared")
    scores_of(output, np.array([[0.5, 0.25, 0.25]]))
    with pytest.raises(
        UsageMistake, match="1 of 2 answers are not probabilities: those for text 1"
    ):
        scores_of(output, np.array([[0.5, 0.25, 0.25], [4.0, -2.0, 0.5]]))
    # A graph that ends in a softmax and gives such values is broken. The gates report that; it is
    # not the user's mistake.
    scores_of(replace(output, found="graph"), np.array([[4.0, -2.0, 0.5]]))


@given(arrays(np.float64, (5, 3), elements=st.floats(-30, 30)))
def test_softmax_of_the_logits_equals_the_probabilities(values):
    for meaning in ("logits", "log_probabilities"):
        raw = values if meaning == "logits" else np.log(softmax(values))
        scores = scores_of(replace(THREE, meaning=meaning), raw)
        np.testing.assert_allclose(softmax(scores.logits), scores.probabilities, atol=1e-12)
        np.testing.assert_allclose(scores.probabilities.sum(axis=1), 1.0)


@given(
    arrays(np.float64, (5, 1), elements=st.floats(0.001, 0.999)),
    st.sampled_from([0.35, 0.5, 0.7]),
    st.sampled_from([0, 1]),
)
def test_sigmoid_logits_and_probabilities_give_the_same_labels(values, threshold, positive):
    scores = scores_of(sided(threshold=threshold, positive=positive), values)
    np.testing.assert_allclose(softmax(scores.logits), scores.probabilities, atol=1e-12)
    above = values[:, 0] > threshold
    assert (scores.labels == np.where(above, positive, 1 - positive)).all()
