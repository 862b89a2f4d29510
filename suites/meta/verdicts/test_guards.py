"""A regression guard limits an earlier value plus a margin, and has a verdict of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from models.errors import UsageMistake
from models.flatbuffers.schemes import SCHEMES
from models.verdicts.budgets import (
    budget_names,
    guard_names,
    guards_beside,
    load_budgets,
    load_guards,
)
from models.verdicts.judge import Budget, Estimate, Verdict
from models.verdicts.measurement import Measurement, measure

if TYPE_CHECKING:
    from pathlib import Path

BUDGET = Budget("latency_ratio", "max", 5.0, "5 x", "mine.toml", "latency_ratio.max")
GUARD = replace(BUDGET, value=2.5, text="2.5 x", file="seen.toml", guards=True)


def make_measurement(value: float, **limits: Budget) -> Measurement:
    """Return a latency ratio whose interval extends 0.1 to both sides."""
    return measure(
        Estimate(value, value - 0.1, value + 0.1, 40),
        metric="latency_ratio",
        scheme="static_wi8_ai8_dense",
        device="host",
        backend="ai_edge_litert",
        test="test_it",
        **limits,
    )


@pytest.mark.parametrize("name", guard_names())
def test_every_shipped_guard_file_belongs_to_a_shipped_budget(name: str) -> None:
    assert name in budget_names()
    assert guards_beside(f"models/verdicts/limits/budgets/{name}.toml") == name
    guards = load_guards(name, schemes=SCHEMES, classes=3)
    assert guards.limits
    assert {limit.guards for limit in guards.limits.values()} == {True}
    assert {limit.file for limit in guards.limits.values()} == {
        f"models/verdicts/limits/guards/{name}.toml"
    }


@pytest.mark.parametrize("name", guard_names())
def test_every_shipped_guard_is_stricter_than_its_budget(name: str) -> None:
    """A guard less strict than the budget would never fail before the budget."""
    budgets = load_budgets(name, schemes=SCHEMES, classes=3)
    guards = load_guards(name, schemes=SCHEMES, classes=3)
    for (metric, scheme), guard in guards.limits.items():
        budget = budgets.limit(metric, scheme or "float32")
        if budget is not None:
            assert budget.keeps(guard.value), guard.key
            assert not guard.keeps(budget.value), guard.key


@pytest.mark.parametrize(
    "budgets", ["mine.toml", "models/verdicts/limits/budgets/given.toml", "embedded"]
)
def test_users_budgets_have_no_shipped_guards(budgets: str) -> None:
    assert guards_beside(budgets) is None


def test_unknown_name_of_guards_is_a_usage_mistake() -> None:
    with pytest.raises(UsageMistake) as refused:
        load_guards("tiny", schemes=SCHEMES, classes=3)
    assert "--edge-guards: no guards are called 'tiny'" in str(refused.value)


def test_guards_are_relaxed_for_few_texts(tmp_path: Path) -> None:
    path = tmp_path / "seen.toml"
    path.write_text('[agreement]\nmin = "99 %"\n[logit_difference]\nmax = "0.1 logits"\n')
    guards = load_guards(str(path), schemes=SCHEMES, classes=3, emulated=40)
    agreement, logits = (
        guards.limit(metric, "float16") for metric in ("agreement", "logit_difference")
    )
    assert agreement is not None
    assert logits is not None
    assert (agreement.value, agreement.guards) == (0.83, True)
    assert (logits.value, logits.guards) == (0.1, True)


@pytest.mark.parametrize(
    ("value", "verdict", "guarded"),
    [
        (2.0, Verdict.PASS, Verdict.PASS),
        (2.5, Verdict.PASS, Verdict.INCONCLUSIVE),
        (3.0, Verdict.PASS, Verdict.FAIL),
        (6.0, Verdict.FAIL, Verdict.FAIL),
    ],
)
def test_budget_and_guard_have_separate_verdicts(
    value: float, verdict: Verdict, guarded: Verdict
) -> None:
    measurement = make_measurement(value, budget=BUDGET, guard=GUARD)
    assert measurement.guard is not None
    assert (measurement.verdict, measurement.guard.verdict) == (verdict, guarded)
    assert "budget at most 5 x (mine.toml" in measurement.reason
    assert "regression guard at most 2.5 x (seen.toml" in measurement.guard.reason


def test_measurement_with_only_a_guard_has_no_budget_verdict() -> None:
    measurement = make_measurement(2.0, guard=GUARD)
    assert (measurement.verdict, measurement.budget) == (None, None)
    assert measurement.is_judged
    assert not make_measurement(2.0).is_judged


def test_measurement_with_a_guard_is_equal_after_serialization() -> None:
    measurement = make_measurement(3.0, budget=BUDGET, guard=GUARD)
    assert Measurement.from_dict(measurement.to_dict()) == measurement
