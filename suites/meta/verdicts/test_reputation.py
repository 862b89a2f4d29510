"""The measures of RepLab 2013 equal their definition, computed from all pairs and by hand."""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError
from models.verdicts import confusion as tables_room
from models.verdicts import estimates, reputation
from models.verdicts.confusion import MISSING, confusion
from models.verdicts.trivial_classifiers import always_best, group_majority, majority

CLASSES = 3
# Entity, gold label, predicted label (or MISSING).
TEXTS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 2), st.integers(MISSING, 2)),
    min_size=1,
    max_size=40,
)
Texts = list[tuple[str, int, int]]


def counted(texts: Texts) -> tables_room.Counts:
    """Return the confusion table of each group in a list of texts."""
    groups, gold, predicted = zip(*texts, strict=True)
    return confusion(np.array(gold), np.array(predicted), groups, classes=CLASSES)


def by_group(texts: Texts) -> list[list[tuple[int, int]]]:
    """Return the gold labels and answers of the texts of each group."""
    groups: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for group, gold, answer in texts:
        groups[group].append((gold, answer))
    return [groups[group] for group in sorted(groups)]


def order(first: int, second: int) -> int:
    """Return the sign of the difference; 0 if an answer is missing."""
    return 0 if MISSING in (first, second) else (first > second) - (first < second)


def enumerated(texts: list[tuple[int, int]]) -> tuple[float, float, float]:
    """Compute Reliability, Sensitivity and F of one group from every pair of texts."""
    reliable, sensitive = [], []
    for gold, answer in texts:
        pairs = [(order(gold, g), order(answer, a)) for g, a in texts]
        in_gold = [of_gold == of_system for of_gold, of_system in pairs if of_gold]
        in_system = [of_gold == of_system for of_gold, of_system in pairs if of_system]
        sensitive.append(sum(in_gold) / len(in_gold) if in_gold else 1.0)
        reliable.append(sum(in_system) / len(in_system) if in_system else 1.0)
    r, s = sum(reliable) / len(texts), sum(sensitive) / len(texts)
    return r, s, 2 * r * s / (r + s) if r + s else 0.0


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_scores_from_counts_equal_enumerating_all_pairs_of_texts(texts: Texts) -> None:
    scores = reputation.group_scores(counted(texts))
    expected = [enumerated(pairs) for pairs in by_group(texts)]
    for actual, expected_score in zip(scores, zip(*expected, strict=True), strict=True):
        assert actual == pytest.approx(expected_score)
    means = [sum(column) / len(expected) for column in zip(*expected, strict=True)]
    measured = (reputation.reliability, reputation.sensitivity, reputation.f_rs)
    assert [float(measure(counted(texts))) for measure in measured] == pytest.approx(means)


@settings(deadline=None)
@given(TEXTS)
def test_official_accuracy_is_the_mean_accuracy_of_the_groups(texts: Texts) -> None:
    shares = [sum(gold == answer for gold, answer in e) / len(e) for e in by_group(texts)]
    measured = float(reputation.official_accuracy(counted(texts)))
    assert measured == pytest.approx(sum(shares) / len(shares))


@settings(deadline=None)
@given(TEXTS)
def test_scores_by_class_equal_their_definition(texts: Texts) -> None:
    scores = tables_room.class_scores(counted(texts).sum(axis=0))
    for label in range(CLASSES):
        hits = sum(gold == answer == label for _, gold, answer in texts)
        in_gold = sum(gold == label for _, gold, _ in texts)
        answered = sum(answer == label for _, _, answer in texts)
        precision = hits / answered if answered else 0.0
        recall = hits / in_gold if in_gold else 0.0
        total = precision + recall
        assert scores.in_gold[label] == in_gold
        assert scores.answered[label] == answered
        assert scores.precision[label] == pytest.approx(precision)
        assert scores.recall[label] == pytest.approx(recall)
        assert scores.f1[label] == pytest.approx(2 * precision * recall / total if total else 0.0)


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        pytest.param([2, 1, 0], [2, 1, 0], (1.0, 1.0, 1.0), id="all right"),
        pytest.param([2, 1, 0], [0, 1, 2], (0.0, 0.0, 0.0), id="all reversed"),
        # The predictions order nothing: no order is wrong, and none of the true orders is found.
        pytest.param([2, 1, 0], [2, 2, 2], (1.0, 0.0, 0.0), id="one answer for all"),
        # The gold labels order nothing: no order is missed, and every predicted order is wrong.
        pytest.param([1, 1], [0, 2], (0.0, 1.0, 0.0), id="gold of one polarity"),
        pytest.param([2], [0], (1.0, 1.0, 1.0), id="a single text"),
        # Text by text: R 1/1, 0/1, 1/2; S 1/2, 0/1, 1/1.
        pytest.param([2, 1, 1], [2, 2, 0], (0.5, 0.5, 0.5), id="by hand"),
        pytest.param([2, 0], [2, MISSING], (1.0, 0.0, 0.0), id="an answer is missing"),
        pytest.param([2, 0, 0], [2, MISSING, 0], (1.0, 0.5, 2 / 3), id="one of three is missing"),
    ],
)
def test_reliability_and_sensitivity_equal_hand_worked_examples(
    gold: list[int], predicted: list[int], expected: tuple[float, float, float]
) -> None:
    tables = confusion(np.array(gold), np.array(predicted), classes=CLASSES)
    scores = reputation.group_scores(tables)
    assert [float(column[0]) for column in scores] == pytest.approx(expected)


def test_f_of_reliability_and_sensitivity_is_the_mean_over_groups() -> None:
    # A is all right, and the predictions for B order nothing: R (1, 1), S (1, 0), F (1, 0).
    tables = counted([("A", 2, 2), ("A", 0, 0), ("B", 2, 2), ("B", 0, 2)])
    assert float(reputation.reliability(tables)) == 1.0
    assert float(reputation.sensitivity(tables)) == 0.5
    assert float(reputation.f_rs(tables)) == 0.5


def test_official_accuracy_counts_missing_answers_as_wrong_and_weights_groups_equally() -> None:
    texts = [("A", 2, 2)] * 9 + [("A", 2, MISSING)] + [("B", 0, 1)]
    assert float(reputation.official_accuracy(counted(texts))) == pytest.approx((0.9 + 0) / 2)


def test_scoring_as_many_texts_as_replab_has_takes_less_than_two_seconds() -> None:
    random = np.random.default_rng(0)
    size = 58_568
    groups = [f"RL2013D01E{number:03d}" for number in random.integers(61, size=size)]
    gold, predicted = random.integers(3, size=(2, size))
    started = time.process_time()
    tables = confusion(gold, predicted, groups, classes=CLASSES)
    assert 0.0 < float(reputation.f_rs(tables)) < 1.0
    # CPU seconds; 0.04 s at the time of writing, although there are 56 million pairs.
    assert time.process_time() - started < 2.0


def test_trivial_classifier_always_best_predicts_the_last_label_for_every_text() -> None:
    assert always_best(4, classes=3).tolist() == [2, 2, 2, 2]


def test_majority_classifier_predicts_the_most_frequent_training_label() -> None:
    assert majority(np.array([0, 1, 1, 2]), 3).tolist() == [1, 1, 1]
    assert majority(np.array([2]), 2).tolist() == [2, 2]
    with pytest.raises(
        EdgeproofError, match="cannot find a majority among 0 training labels with 0 groups"
    ):
        majority(np.array([], dtype=np.int64), 3)


def test_majority_classifier_of_one_training_text_predicts_its_label() -> None:
    assert group_majority(np.array([1]), ["A"], ["A", "B"]).tolist() == [1, 1]


def test_group_majority_classifier_predicts_the_most_frequent_label_of_the_group() -> None:
    train = [("A", 0), ("A", 0), ("A", 2), ("B", 1), ("B", 2), ("C", 2)]
    labels = np.array([label for _, label in train])
    answers = group_majority(labels, [group for group, _ in train], ["A", "B", "C", "new"])
    # The tie in B is decided by the most frequent label of all texts, which is also the prediction
    # for a group without training texts.
    assert answers.tolist() == [0, 2, 2, 2]


@pytest.mark.parametrize(("labels", "groups"), [([], []), ([1, 2], ["A"])])
def test_rejects_majority_classifier_without_training_texts(
    labels: list[int], groups: list[str]
) -> None:
    with pytest.raises(EdgeproofError, match="cannot find a majority"):
        group_majority(np.array(labels, dtype=int), groups, ["A"])


@pytest.mark.parametrize(
    ("gold", "predicted", "groups", "message"),
    [
        ([], [], [], "cannot score 0 gold labels, 0 answers and 0 groups"),
        ([1, 2], [1], ["A", "B"], "2 gold labels, 1 answers and 2 groups"),
        ([1, 2], [1, 2], ["A"], "2 gold labels, 2 answers and 1 groups"),
        ([-1], [1], ["A"], "a label is not one of the 3 classes"),
        ([1], [-2], ["A"], "a label is not one of the 3 classes"),
        ([1], [3], ["A"], "a label is not one of the 3 classes"),
    ],
)
def test_rejects_labels_and_groups_that_cannot_be_scored(
    gold: list[int], predicted: list[int], groups: list[str], message: str
) -> None:
    with pytest.raises(EdgeproofError, match=message):
        confusion(np.array(gold, dtype=int), np.array(predicted, dtype=int), groups, classes=3)


def test_estimated_scores_have_an_interval_and_a_sample_size() -> None:
    random = np.random.default_rng(1)
    gold = random.integers(3, size=900)
    predicted = np.where(random.random(900) < 0.7, gold, 2)
    groups = [f"E{number}" for number in random.integers(6, size=900)]
    tables = confusion(gold, predicted, groups, classes=3)
    for name in ("official_accuracy", "reliability", "sensitivity", "f_rs"):
        estimate = getattr(estimates, name)(gold, predicted, groups)
        assert estimate.value == pytest.approx(float(getattr(reputation, name)(tables)))
        assert 0.01 < estimate.high - estimate.low < 0.12
        assert estimate.n == 900
