"""Confusion tables equal counts made text by text; arrays of tables are scored one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from models.errors import EdgeproofError
from models.verdicts import confusion, reputation
from models.verdicts.confusion import MISSING, paired_confusion

RANDOM = np.random.default_rng(9)
# Tables of three gold labels by three predicted labels or none, with more texts in some cells than
# in others.
MANY = RANDOM.integers(0, 9, size=(2, 4, 5, 3, 4)) + np.eye(3, 4, dtype=np.int64)


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "macro_f1"])
def test_each_confusion_table_in_an_array_is_scored_separately(name: str) -> None:
    measure = getattr(confusion, name)
    alone = [float(measure(MANY[at])) for at in np.ndindex(MANY.shape[:3])]
    for tables in (MANY, MANY.reshape(8, 5, 3, 4), MANY.reshape(40, 3, 4)):
        scores = measure(tables)
        assert scores.shape == tables.shape[:-2]
        assert scores.ravel() == pytest.approx(alone)


@pytest.mark.parametrize("field", confusion.ClassScores._fields)
def test_class_scores_are_computed_separately_for_each_confusion_table(field: str) -> None:
    alone = np.array(
        [getattr(confusion.class_scores(MANY[at]), field) for at in np.ndindex(MANY.shape[:3])]
    )
    for tables in (MANY, MANY.reshape(8, 5, 3, 4), MANY.reshape(40, 3, 4)):
        scores = getattr(confusion.class_scores(tables), field)
        assert scores.shape == (*tables.shape[:-2], 3)
        assert scores.reshape(-1, 3) == pytest.approx(alone)


@pytest.mark.parametrize("name", ["official_accuracy", "reliability", "sensitivity", "f_rs"])
def test_group_scores_are_computed_separately_for_each_resample(name: str) -> None:
    measure = getattr(reputation, name)
    alone = [float(measure(MANY[at])) for at in np.ndindex(MANY.shape[:2])]
    assert measure(MANY).ravel() == pytest.approx(alone)
    assert measure(MANY.reshape(8, 5, 3, 4)) == pytest.approx(alone)


def test_label_that_never_occurs_has_scores_of_zero() -> None:
    scores = confusion.class_scores(np.array([[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]))
    assert [column[2] for column in scores] == [0.0, 0.0, 0.0, 0, 0]


def test_share_with_a_zero_denominator_has_a_default_value() -> None:
    parts, wholes = np.array([1, 2, 3]), np.array([2, 0, 1])
    assert confusion.shares(parts, wholes).tolist() == [0.5, 0.0, 3.0]
    assert confusion.shares(parts, wholes, otherwise=1.0).tolist() == [0.5, 1.0, 3.0]
    assert confusion.shares(np.array([[1], [2]]), np.array([2, 4])).tolist() == [
        [0.5, 0.25],
        [1.0, 0.5],
    ]


@pytest.mark.parametrize("owned", [True, False])
def test_paired_confusion_counts_equal_counting_text_by_text(owned: bool) -> None:  # noqa: FBT001 - a parameter of the test
    gold = RANDOM.integers(3, size=60)
    first, second = RANDOM.integers(MISSING, 3, size=(2, 60))
    names = [f"E{number}" for number in RANDOM.integers(4, size=60)]
    groups = names if owned else None
    tables = paired_confusion(gold, first, second, groups, classes=3)
    assert tables.shape == (len(set(names)) if owned else 1, 3, 4, 4)
    places = sorted(set(names)) if owned else []
    expected = Counter(
        (places.index(name) if owned else 0, label, first_label % 4, second_label % 4)
        for name, label, first_label, second_label in zip(
            names, gold.tolist(), first.tolist(), second.tolist(), strict=True
        )
    )
    counted = {at: int(tables[at]) for at in np.ndindex(tables.shape) if tables[at]}
    assert counted == dict(expected)
    alone = [confusion.confusion(gold, answers, groups, classes=3) for answers in (first, second)]
    assert (tables.sum(axis=-1) == alone[0]).all()
    assert (tables.sum(axis=-2) == alone[1]).all()


@pytest.mark.parametrize(
    ("gold", "first", "second"),
    [([3], [0], [0]), ([-1], [0], [0]), ([0], [3], [0]), ([0], [0], [3]), ([0], [0], [-2])],
)
def test_rejects_label_out_of_range(gold: list[int], first: list[int], second: list[int]) -> None:
    labels = (np.array(numbers) for numbers in (gold, first, second))
    with pytest.raises(EdgeproofError, match="a label is not one of the 3 classes"):
        paired_confusion(*labels, classes=3)


def test_rejects_gold_labels_and_predictions_of_different_lengths() -> None:
    with pytest.raises(EdgeproofError, match="1 gold labels, 2 answers and 1 groups"):
        paired_confusion(np.array([0]), np.array([0]), np.array([0, 1]), classes=3)
