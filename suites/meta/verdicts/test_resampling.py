"""The bootstrap over tables: the interval that resampling tweets gives, covering the truth."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import EdgeproofError
from models.verdicts import confusion as tables_room
from models.verdicts import intervals, metrics, reputation
from models.verdicts.confusion import confusion
from models.verdicts.resampling import counts_interval

DRAWS = 400
FLOOR = 0.925  # 95 % less the noise of 400 draws (a standard error of 1.1 points).


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
def test_it_gives_the_interval_of_resampled_tweets(name: str) -> None:
    random = np.random.default_rng(5)
    gold = random.choice(3, 800, p=[0.12, 0.28, 0.6])
    predicted = np.where(random.random(800) < 0.6, gold, random.integers(3, size=800))
    tables = confusion(gold, predicted, classes=3)
    found = counts_interval(lambda each: getattr(tables_room, name)(each[..., 0, :, :]), tables)
    expected = intervals.bootstrap_interval(
        getattr(metrics, name), (gold, predicted), bounds=(0.0, 1.0)
    )
    assert found == pytest.approx(expected, abs=0.006)


def test_one_table_has_one_interval() -> None:
    tables = np.arange(24).reshape(2, 3, 4)
    first = counts_interval(reputation.f_rs, tables)
    assert first == counts_interval(reputation.f_rs, tables)
    assert first != counts_interval(reputation.f_rs, tables, seed=1)


@pytest.mark.parametrize("statistic", [reputation.official_accuracy, reputation.f_rs])
def test_the_interval_covers_the_truth(statistic: object) -> None:
    random = np.random.default_rng(8)
    sizes = (60, 150, 300)
    odds = random.dirichlet(np.ones(12) + np.eye(3, 4).ravel() * 3, size=len(sizes))
    many = np.array([10**7 * each for each in odds]).round().astype(np.int64).reshape(-1, 3, 4)
    truth = float(statistic(many))
    covered = 0
    for _ in range(DRAWS):
        drawn = [random.multinomial(n, p) for n, p in zip(sizes, odds, strict=True)]
        tables = np.array(drawn).reshape(-1, 3, 4)
        low, high = counts_interval(statistic, tables, resamples=400)
        covered += low <= truth <= high
    assert covered / DRAWS >= FLOOR


def test_where_nothing_varies_the_smallest_entity_bounds_what_is_unseen() -> None:
    tables = np.zeros((2, 3, 4), dtype=np.int64)
    tables[0, 2, 2], tables[1, 2, 2] = 50, 500
    low, high = counts_interval(reputation.official_accuracy, tables)
    assert (low, high) == (pytest.approx(0.025**0.01), 1.0)


def test_an_entity_of_one_tweet_is_no_obstacle() -> None:
    tables = np.zeros((2, 3, 4), dtype=np.int64)
    tables[0, 1, 2] = 1
    tables[1] = 5
    low, high = counts_interval(reputation.official_accuracy, tables)
    assert 0.0 <= low < high <= 1.0


def test_one_tweet_cannot_be_resampled() -> None:
    tables = confusion(np.array([1]), np.array([1]), classes=3)
    with pytest.raises(EdgeproofError, match="1 tweets cannot be resampled"):
        counts_interval(reputation.official_accuracy, tables)
