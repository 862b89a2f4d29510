"""Metrics equal brute force and scikit-learn, ignore the order of texts, and reject NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError, UsageMistake
from models.verdicts import confusion, estimates, metrics
from models.verdicts.quantities import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from numpy.typing import NDArray

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def arrays(pairs: list[tuple[int, int]]) -> Iterator[NDArray[np.int32]]:
    """Return two label arrays [n] from a list of pairs."""
    return (np.array(side, dtype=np.int32) for side in zip(*pairs, strict=True))


def scored(name: str, gold: NDArray[np.int32], predicted: NDArray[np.int32]) -> float:
    """Return one score of the confusion table of these labels."""
    (table,) = confusion.confusion(gold, predicted, classes=6)
    return float(getattr(confusion, name)(table))


def brute_macro_f1(pairs: list[tuple[int, int]]) -> float:
    """Compute Macro-F1 by its definition from the precision and recall of each class."""
    scores = []
    for label in {label for pair in pairs for label in pair}:
        hits = sum(gold == predicted == label for gold, predicted in pairs)
        in_gold = sum(gold == label for gold, _ in pairs)
        in_predicted = sum(predicted == label for _, predicted in pairs)
        recall = hits / in_gold if in_gold else 0.0
        precision = hits / in_predicted if in_predicted else 0.0
        total = precision + recall
        scores.append(2 * precision * recall / total if total else 0.0)
    return sum(scores) / len(scores)


@settings(deadline=None)
@given(PAIRS)
def test_scores_equal_a_brute_force_computation(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = arrays(pairs)
    recalls = [
        sum(g == p == label for g, p in pairs) / sum(g == label for g, _ in pairs)
        for label in {g for g, _ in pairs}
    ]
    right = sum(g == p for g, p in pairs) / len(pairs)
    assert scored("accuracy", gold, predicted) == estimates.accuracy(gold, predicted).value == right
    balanced = sum(recalls) / len(recalls)
    assert scored("balanced_accuracy", gold, predicted) == pytest.approx(balanced)
    assert scored("macro_f1", gold, predicted) == pytest.approx(brute_macro_f1(pairs))


@pytest.mark.parametrize("seed", range(20))
def test_scores_equal_the_scores_of_scikit_learn(seed: int) -> None:
    peer = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(seed)
    size, gold_classes, predicted_classes = random.integers((1, 1, 1), (300, 6, 6))
    gold, predicted = (
        random.integers(gold_classes, size=size),
        random.integers(predicted_classes, size=size),
    )
    # scikit-learn itself leaves out predicted classes that gold lacks, and warns that it does.
    recall = peer.recall_score(gold, predicted, labels=np.unique(gold), average="macro")
    right = peer.accuracy_score(gold, predicted)
    assert scored("accuracy", gold, predicted) == pytest.approx(right)
    assert scored("balanced_accuracy", gold, predicted) == pytest.approx(recall)
    f1 = peer.f1_score(gold, predicted, average="macro")
    assert scored("macro_f1", gold, predicted) == pytest.approx(f1)


@settings(deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_order_of_texts_does_not_change_the_scores(
    pairs: list[tuple[int, int]], random: Random
) -> None:
    gold, predicted = arrays(pairs)
    shuffled = list(pairs)
    random.shuffle(shuffled)
    gold_again, predicted_again = arrays(shuffled)
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        again = scored(name, gold_again, predicted_again)
        assert scored(name, gold, predicted) == pytest.approx(again)
    assert estimates.accuracy_drop(gold, gold, predicted) == estimates.accuracy_drop(
        gold_again, gold_again, predicted_again
    )


def test_macro_f1_ignores_absent_classes_and_counts_classes_that_are_only_predicted() -> None:
    gold = np.array([0, 0, 2, 2])
    assert scored("macro_f1", gold, gold) == 1.0
    again = scored("macro_f1", gold, np.array([0, 0, 2, 1]))
    assert again == pytest.approx((1 + 2 / 3 + 0) / 3)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.array([], dtype=int), np.array([], dtype=int), "0 labels cannot be compared with 0"),
        (np.array([1, 2]), np.array([1]), "2 labels cannot be compared with 1"),
        (np.array([0.5]), np.array([1]), "labels are float64[1], not indices of shape [n]"),
        (np.array([[1]]), np.array([[1]]), "not indices of shape [n]"),
        (np.array([-1]), np.array([1]), "not indices of shape [n]"),
    ],
)
def test_rejects_labels_that_cannot_be_compared(
    first: NDArray[np.int64], second: NDArray[np.int64], message: str
) -> None:
    for metric in (
        metrics.matches,
        estimates.accuracy,
        estimates.agreement,
        estimates.balanced_accuracy,
        estimates.macro_f1,
    ):
        with pytest.raises(EdgeproofError) as caught:
            metric(first, second)
        assert message in str(caught.value)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_logits_are_counted_and_never_scored(broken: float) -> None:
    fine = np.zeros((5, 3), dtype=np.float32)
    nonsense = fine.copy()
    nonsense[2, 1] = nonsense[4, 0] = broken
    for score in (
        lambda: metrics.labels_of(nonsense),
        lambda: metrics.total_variations(nonsense, fine),
        lambda: metrics.total_variations(fine, nonsense),
        lambda: estimates.total_variation(fine, nonsense),
    ):
        with pytest.raises(
            EdgeproofError, match="2 of 5 answers contain NaN or Inf, the first for text 2"
        ):
            score()


@pytest.mark.parametrize("shape", [(5,), (0, 3), (2, 3, 1)])
def test_rejects_logits_that_are_not_a_matrix(shape: tuple[int, ...]) -> None:
    with pytest.raises(EdgeproofError, match="not \\[n, classes\\]"):
        metrics.labels_of(np.zeros(shape))


def test_rejects_comparing_logits_of_different_shapes() -> None:
    with pytest.raises(EdgeproofError, match=r"shape \[2, 3\] cannot be compared with \[2, 2\]"):
        metrics.total_variations(np.zeros((2, 3)), np.zeros((2, 2)))


def test_label_is_the_first_class_with_the_largest_logit() -> None:
    assert metrics.labels_of(np.array([[0.1, 0.3, 0.3], [1.0, 0.0, 0.0]])).tolist() == [1, 0]


def test_total_variation_equals_a_worked_example() -> None:
    even, certain = np.array([[0.5, 0.5]]), np.array([[0.75, 0.25]])
    assert metrics.total_variations(even, certain) == pytest.approx([0.25])
    assert metrics.total_variations(certain, certain) == [0.0]
    assert metrics.total_variations(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])) == [1.0]


def test_total_variation_is_computed_for_each_text() -> None:
    first = np.array([[0.5, 0.5], [1.0, 0.0], [0.75, 0.25]])
    second = np.array([[0.75, 0.25], [0.0, 1.0], [0.75, 0.25]])
    assert metrics.total_variations(first, second) == pytest.approx([0.25, 1.0, 0.0])


def test_metrics_of_float32_inputs_are_computed_in_float64() -> None:
    first, second = np.random.default_rng(1).dirichlet([1.0] * 3, size=(2, 50)).astype(np.float32)
    precise = metrics.total_variations(first.astype(np.float64), second.astype(np.float64))
    assert metrics.total_variations(first, second).tolist() == precise.tolist()


def test_label_of_a_single_logit_is_zero() -> None:
    assert metrics.labels_of(np.array([[0.5]])).tolist() == [0]


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (metrics._score, "accuracy"),
        (metrics._drop, "accuracy_drop"),
        (metrics._size_ratio, "size_ratio_weights"),
    ],
)
def test_metrics_of_one_kind_are_created_by_one_function(made, name: str) -> None:
    metric = metrics.METRICS[name]
    assert made(name, metric.description) == metric


def test_cost_and_share_metrics_are_each_created_by_one_function() -> None:
    cost, share = metrics.METRICS["latency_p50"], metrics.METRICS["integer_mac_share"]
    assert metrics._cost(cost.name, cost.unit, cost.source, cost.description) == cost
    assert metrics._share(share.name, share.source, share.description) == share
    f1 = metrics.METRICS["macro_f1"]
    assert metrics._score(f1.name, f1.description, has_chance=False) == f1


def test_every_metric_is_registered_under_its_own_name() -> None:
    assert all(name == metric.name for name, metric in metrics.METRICS.items())
    assert all(metric.low < metric.high for metric in metrics.METRICS.values())
    assert {metric.unit for metric in metrics.METRICS.values()} == set(Unit)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("flatbuffer_bytes", {"exact"}),
        ("quantized_weight_share", {"exact"}),
        ("accuracy_drop", {"of_the_texts"}),
        ("delegated_share", set()),
        ("latency_p50", {"timed", "of_the_machine"}),
        ("latency_ratio", {"timed", "of_the_machine"}),
        ("peak_rss", {"of_the_machine"}),
        ("instructions", set()),
    ],
)
def test_each_metric_is_marked_as_exact_timed_or_dependent_on_machine_or_texts(
    name: str, properties: set[str]
) -> None:
    metric = metrics.METRICS[name]
    every = ("exact", "timed", "of_the_machine", "of_the_texts")
    assert {
        name_of_property for name_of_property in every if getattr(metric, name_of_property)
    } == properties


def test_error_on_an_unknown_metric_lists_the_known_metrics() -> None:
    with pytest.raises(
        UsageMistake, match=r"no metric is called 'acuracy'\. Known metrics: accuracy,"
    ):
        metrics.metric_named("acuracy")
