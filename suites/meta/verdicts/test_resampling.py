"""A bootstrap over confusion tables gives the same interval as a bootstrap over texts."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import TooFew
from models.verdicts import confusion as tables_room
from models.verdicts import estimates, reputation, resampling
from models.verdicts.confusion import confusion
from models.verdicts.resampling import counts_interval, drop_interval


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
def test_bootstrap_over_tables_equals_bootstrap_over_texts(name: str) -> None:
    random = np.random.default_rng(5)
    gold = random.choice(3, 800, p=[0.12, 0.28, 0.6])
    predicted = np.where(random.random(800) < 0.6, gold, random.integers(3, size=800))
    from scipy.stats import bootstrap  # noqa: PLC0415 - slow to import

    measure = getattr(tables_room, name)
    tables = confusion(gold, predicted, classes=3)
    interval = counts_interval(lambda table: measure(table[..., 0, :, :]), tables)
    peer = bootstrap(
        (np.arange(gold.size),),
        lambda rows: measure(confusion(gold[rows], predicted[rows], classes=3)[0]),
        vectorized=False,
        n_resamples=1000,
        method="BCa",
        rng=np.random.default_rng(0),
    )
    assert interval == pytest.approx(tuple(peer.confidence_interval), abs=0.008)


def test_bootstrap_interval_is_reproducible_for_one_seed() -> None:
    tables = np.arange(24).reshape(2, 3, 4)
    first = counts_interval(reputation.f_rs, tables)
    assert first == counts_interval(reputation.f_rs, tables)
    assert first != counts_interval(reputation.f_rs, tables, seed=1)


def test_interval_of_a_constant_score_depends_on_the_smallest_group() -> None:
    # The interval counts each of the two groups with 50 texts, the size of the smallest group.
    unseen = 1.0 - 0.025**0.01
    for answer, ends in ((2, (1.0 - unseen, 1.0)), (3, (0.0, unseen))):
        tables = np.zeros((2, 3, 4), dtype=np.int64)
        tables[0, 2, answer], tables[1, 2, answer] = 50, 500
        assert counts_interval(reputation.official_accuracy, tables) == pytest.approx(ends)


def test_bootstrap_accepts_a_group_of_one_text() -> None:
    tables = np.zeros((2, 3, 4), dtype=np.int64)
    tables[0, 1, 2] = 1
    tables[1] = 5
    low, high = counts_interval(reputation.official_accuracy, tables)
    assert 0.0 <= low < high <= 1.0


def test_rejects_bootstrap_of_a_single_text() -> None:
    tables = confusion(np.array([1]), np.array([1]), classes=3)
    with pytest.raises(TooFew, match="1 text is too few: this measurement needs at least 2"):
        counts_interval(reputation.official_accuracy, tables)


def test_drop_equals_the_difference_between_the_scores_of_two_models() -> None:
    random = np.random.default_rng(3)
    gold = random.choice(3, 400)
    first = np.where(random.random(400) < 0.8, gold, random.integers(3, size=400))
    second = np.where(random.random(400) < 0.9, first, random.integers(3, size=400))
    groups = [f"e{number % 4}" for number in range(400)]
    macro = estimates.macro_f1_drop(gold, first, second)
    assert macro.value == pytest.approx(
        estimates.macro_f1(gold, first).value - estimates.macro_f1(gold, second).value
    )
    balanced = estimates.balanced_accuracy_drop(gold, first, second)
    assert balanced.value == pytest.approx(
        estimates.balanced_accuracy(gold, first).value
        - estimates.balanced_accuracy(gold, second).value
    )
    f_rs = estimates.f_rs_drop(gold, first, second, groups)
    assert f_rs.value == pytest.approx(
        estimates.f_rs(gold, first, groups).value - estimates.f_rs(gold, second, groups).value
    )
    for drop in (macro, balanced, f_rs):
        assert drop.low < drop.value < drop.high
        assert drop.n == 400


def test_drop_changes_sign_if_the_models_are_swapped() -> None:
    random = np.random.default_rng(4)
    gold, first, second = random.choice(3, (3, 300))
    forward = estimates.macro_f1_drop(gold, first, second)
    back = estimates.macro_f1_drop(gold, second, first)
    assert back.value == pytest.approx(-forward.value)
    assert (back.low, back.high) == pytest.approx((-forward.high, -forward.low), abs=0.01)


def test_drop_between_identical_models_has_an_interval_around_zero() -> None:
    gold = np.arange(300) % 3
    drop = estimates.macro_f1_drop(gold, gold, gold)
    assert drop.value == 0.0
    assert -0.03 < drop.low < -0.003 < 0.003 < drop.high < 0.03


def test_drop_between_similar_models_has_a_narrow_interval() -> None:
    random = np.random.default_rng(5)
    gold = random.choice(3, 500)
    first = np.where(random.random(500) < 0.7, gold, (gold + 1) % 3)
    alike = np.where(random.random(500) < 0.98, first, gold)
    drop = estimates.macro_f1_drop(gold, first, alike)
    alone = estimates.macro_f1(gold, first)
    assert drop.high - drop.low < (alone.high - alone.low) / 2


def test_rejects_drop_computed_from_no_texts() -> None:
    with pytest.raises(TooFew, match="0 texts are too few: this measurement needs at least 1"):
        drop_interval(reputation.f_rs, np.zeros((1, 3, 4, 4), dtype=np.int64))


@pytest.mark.parametrize("paired", [False, True])
def test_interval_computed_in_parts_equals_the_interval_computed_at_once(
    monkeypatch: pytest.MonkeyPatch, *, paired: bool
) -> None:
    random = np.random.default_rng(3)
    gold, groups = random.integers(0, 3, 400), random.integers(0, 60, 400).astype(str).tolist()
    answers = [np.where(random.random(400) < 0.8, gold, 0) for _ in range(2)]

    def interval() -> tuple[float, float]:
        if paired:
            counted = tables_room.paired_confusion(gold, *answers, groups, classes=3)
            return drop_interval(reputation.f_rs, counted)
        return counts_interval(reputation.f_rs, confusion(gold, answers[0], groups, classes=3))

    at_once = interval()
    sizes = []

    def watched(tables: np.ndarray) -> np.ndarray:
        sizes.append(tables.size)
        return f_rs(tables)

    f_rs = reputation.f_rs
    monkeypatch.setattr(reputation, "f_rs", watched)
    monkeypatch.setattr(resampling, "LARGEST_PART", 100_000)
    assert interval() == pytest.approx(at_once, abs=0.01)
    assert max(sizes) <= 100_000


def test_jackknife_evaluates_groups_with_equal_tables_only_once() -> None:
    gold = np.arange(6000) % 3
    groups = [str(at // 3) for at in range(6000)]
    tables = confusion(gold, np.where(gold == 2, 0, gold), groups, classes=3)
    tried = []

    def statistic(some: np.ndarray) -> np.ndarray:
        tried.append(len(some))
        return reputation.official_accuracy(some)[..., None]

    (acceleration,) = resampling._accelerations(statistic, tables, 1)
    assert sum(tried) == 3
    (of_one,) = resampling._accelerations(statistic, tables[:1], 1)
    assert acceleration == pytest.approx(of_one / 2000**0.5)


def test_intervals_with_common_resamples_equal_separately_computed_intervals() -> None:
    random = np.random.default_rng(3)
    gold = random.integers(0, 3, 300)
    answers = np.where(random.random(300) < 0.8, gold, random.integers(0, 3, 300))
    tables = confusion(gold, answers, [str(at % 7) for at in range(300)], classes=3)
    alone = (reputation.reliability, reputation.sensitivity, reputation.f_rs)
    together = resampling.counts_intervals(reputation.means, tables)
    assert together == [resampling.counts_interval(table, tables) for table in alone]
