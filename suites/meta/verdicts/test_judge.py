"""The judge decides by the whole interval, with a reason that can be acted on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError
from models.verdicts.intervals import proportion_interval
from models.verdicts.judge import Budget, Estimate, Verdict, judge

FILE = "models/verdicts/limits/budgets/embedded.toml"
DROP = Budget("accuracy_drop", "max", 0.041, "4.1 points", FILE, "accuracy_drop.max")
AGREEMENT = Budget("agreement", "min", 0.97, "97 %", FILE, "agreement.min")
SCHEME = "dynamic_wi8_afp32"
VALUES = st.floats(-1.0, 1.0)


@pytest.mark.parametrize(
    ("budget", "low", "value", "high", "verdict"),
    [
        (DROP, 0.004, 0.012, 0.021, Verdict.PASS),
        (DROP, 0.004, 0.012, 0.041, Verdict.PASS),
        (DROP, 0.004, 0.012, 0.042, Verdict.INCONCLUSIVE),
        (DROP, 0.040, 0.050, 0.060, Verdict.INCONCLUSIVE),
        (DROP, 0.041, 0.050, 0.060, Verdict.INCONCLUSIVE),
        (DROP, 0.042, 0.050, 0.060, Verdict.FAIL),
        (DROP, -0.02, -0.01, 0.0, Verdict.PASS),
        (AGREEMENT, 0.971, 0.98, 0.99, Verdict.PASS),
        (AGREEMENT, 0.97, 0.98, 0.99, Verdict.PASS),
        (AGREEMENT, 0.96, 0.98, 0.99, Verdict.INCONCLUSIVE),
        (AGREEMENT, 0.90, 0.93, 0.969, Verdict.FAIL),
    ],
)
def test_verdict_depends_on_the_whole_interval(
    budget: Budget, low: float, value: float, high: float, verdict: Verdict
) -> None:
    assert judge(Estimate(value, low, high, 2000), budget, scheme=SCHEME).verdict is verdict


def test_reason_of_a_verdict_names_value_interval_sample_size_and_budget() -> None:
    judgment = judge(Estimate(0.012, 0.004, 0.021, 2000), DROP, scheme=SCHEME)
    assert judgment.reason == (
        "accuracy_drop of dynamic_wi8_afp32: 1.2 points [0.4, 2.1] (n = 2,000 texts), "
        f"budget at most 4.1 points ({FILE}: accuracy_drop.max): "
        "the whole interval keeps it"
    )


def test_exact_value_is_shown_without_an_interval() -> None:
    size = Budget(
        "flatbuffer_bytes", "max", 8378547.0, "8378547 bytes", FILE, "flatbuffer_bytes.max"
    )
    judgment = judge(Estimate(8378548.0, 8378548.0, 8378548.0, 1), size, scheme=SCHEME)
    assert judgment.verdict is Verdict.FAIL
    assert judgment.reason == (
        "flatbuffer_bytes of dynamic_wi8_afp32: 8,378,548 bytes, "
        f"budget at most 8378547 bytes ({FILE}: flatbuffer_bytes.max): "
        "the value breaks it"
    )


@pytest.mark.parametrize(
    ("low", "high", "n", "words"),
    [
        (0.98, 0.98, 1, "98 %, budget at least 97 %"),
        (0.98, 0.98, 2, "98 % (n = 2 texts), budget"),
        (-math.inf, math.inf, 1, "98 % [?, ?] (n = 1 text), budget"),
        (0.975, 0.99, 1234, "98 % [97.5, 99] (n = 1,234 texts), budget"),
    ],
)
def test_single_exact_value_shows_no_sample_size(
    low: float, high: float, n: int, words: str
) -> None:
    judgment = judge(Estimate(0.98, low, high, n), AGREEMENT, scheme=SCHEME)
    assert words in judgment.reason


def test_reason_of_a_verdict_shows_memory_in_megabytes() -> None:
    budget = Budget("peak_rss", "max", 64e6, "64 MB", FILE, "peak_rss.max")
    judgment = judge(Estimate(61.62e6, 61.56e6, 61.72e6, 9), budget, scheme=SCHEME)
    assert "peak_rss of dynamic_wi8_afp32: 61.62 MB [61.56, 61.72] (n = 9 " in judgment.reason


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        # The upper end is twice as far from the value as the limit is, so that four times as many
        # texts are needed.
        (Estimate(0.031, 0.021, 0.051, 500), "about 2,000 texts would decide"),
        (Estimate(0.051, 0.031, 0.061, 500), "about 2,000 texts would decide"),
        (
            Estimate(0.041, 0.031, 0.051, 500),
            "so near the value that no number of texts would decide",
        ),
        (Estimate(0.02, -math.inf, math.inf, 5), "and 5 texts are too few to bound the value"),
        (Estimate(0.051, 0.041, 0.061, 500), "about 501 texts would decide"),
        # Drops range from -1 to 1, so that 0 is the middle of the range and not its end.
        (Estimate(0.0, -0.082, 0.082, 100), "about 400 texts would decide"),
    ],
)
def test_reason_of_an_inconclusive_verdict_names_the_number_of_texts_needed(
    estimate: Estimate, words: str
) -> None:
    judgment = judge(estimate, DROP, scheme=SCHEME)
    assert judgment.verdict is Verdict.INCONCLUSIVE
    assert words in judgment.reason


@pytest.mark.parametrize(("limit", "needed"), [(0.97, 122), (0.98, 183), (0.995, 736)])
@pytest.mark.parametrize("share", [0, 1])
@pytest.mark.parametrize("n", [2, 11, 100])
def test_number_of_texts_needed_is_finite_for_a_share_of_zero_or_one(
    n: int, share: int, limit: float, needed: int
) -> None:
    """The number equals the requirement of the exact interval, however few texts were seen."""
    metric, side, end = (
        ("agreement", "min", limit) if share else ("total_variation", "max", 1 - limit)
    )
    budget = Budget(metric, side, end, "so much", FILE, "key")
    judgment = judge(Estimate(share, *proportion_interval(n * share, n), n), budget, scheme=SCHEME)
    assert f"about {needed} texts would decide" in judgment.reason
    decided, one_less = (
        judge(Estimate(share, *proportion_interval(m * share, m), m), budget, scheme=SCHEME).verdict
        for m in (needed, needed - 1)
    )
    assert (decided, one_less) == (Verdict.PASS, Verdict.INCONCLUSIVE)


def test_share_with_the_widest_interval_needs_more_texts() -> None:
    judgment = judge(Estimate(1.0, 0.0, 1.0, 1), AGREEMENT, scheme=SCHEME)
    assert "so near the value that no number of texts would decide" not in judgment.reason
    assert "texts would decide" in judgment.reason


@pytest.mark.parametrize("high", [0.02, 0.05, 1.0])
def test_wrong_circumstances_make_every_verdict_invalid(high: float) -> None:
    judgment = judge(
        Estimate(0.012, 0.004, high, 9), DROP, scheme=SCHEME, invalid_because="the board throttled"
    )
    assert judgment.verdict is Verdict.INVALID
    assert judgment.reason.endswith("not judged, the board throttled")


@pytest.mark.parametrize(
    ("value", "low", "high", "n"),
    [
        (math.nan, 0.0, 1.0, 5),
        (math.inf, 0.0, math.inf, 5),
        (0.5, math.nan, 1.0, 5),
        (0.5, 0.6, 1.0, 5),
        (0.5, 0.0, 0.4, 5),
        (0.5, 0.0, 1.0, 0),
    ],
)
def test_rejects_invalid_estimate(value: float, low: float, high: float, n: int) -> None:
    with pytest.raises(EdgeproofError, match="is impossible"):
        Estimate(value, low, high, n)


@pytest.mark.parametrize("value", [84.0, -1.5])
def test_rejects_value_outside_the_metrics_range(value: float) -> None:
    with pytest.raises(EdgeproofError, match=r"accuracy_drop is .* outside \[-1.0, 1.0\] fraction"):
        judge(Estimate(value, value, value, 1), DROP, scheme=SCHEME)


@pytest.mark.parametrize(("value", "verdict"), [(-1.0, Verdict.PASS), (1.0, Verdict.FAIL)])
def test_accepts_value_at_the_end_of_the_metrics_range(value: float, verdict: Verdict) -> None:
    assert judge(Estimate(value, value, value, 1), DROP, scheme=SCHEME).verdict is verdict


@settings(deadline=None)
@given(st.lists(VALUES, min_size=3, max_size=3), VALUES, st.floats(0.0, 1.0), st.booleans())
def test_widening_a_budget_never_makes_a_verdict_worse(
    ends: list[float],
    limit: float,
    slack: float,
    upper: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    low, value, high = sorted(ends)
    side, wider = ("max", limit + slack) if upper else ("min", limit - slack)
    order = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    strict, loose = (
        order.index(
            judge(
                Estimate(value, low, high, 100),
                Budget("accuracy_drop", side, bound, "?", FILE, "?"),
                scheme=SCHEME,
            ).verdict
        )
        for bound in (limit, wider)
    )
    assert loose <= strict


@settings(deadline=None)
@given(st.lists(VALUES, min_size=3, max_size=3), st.floats(0.0, 1.0), VALUES)
def test_widening_an_interval_never_makes_an_inconclusive_verdict_conclusive(
    ends: list[float], more: float, limit: float
) -> None:
    low, value, high = sorted(ends)
    budget = Budget("accuracy_drop", "max", limit, "?", FILE, "?")
    narrow = judge(Estimate(value, low, high, 100), budget, scheme=SCHEME).verdict
    wide = judge(Estimate(value, low - more, high + more, 100), budget, scheme=SCHEME).verdict
    assert wide in {narrow, Verdict.INCONCLUSIVE}
