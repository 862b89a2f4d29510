"""Measurements have the required fields, and are equal after conversion to JSON and back."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from models.errors import EdgeproofError, UsageMistake
from models.verdicts.details import Details
from models.verdicts.judge import Budget, Estimate, Verdict
from models.verdicts.measurement import Measurement, measure

BUDGET = Budget("accuracy_drop", "max", 0.041, "4.1 points", "mine.toml", "accuracy_drop.max")
PLACE = {"scheme": "float16", "device": "host", "backend": "ai_edge_litert", "test": "test_drop[x]"}
CONTRACT = [
    "metric",
    "scheme",
    "device",
    "backend",
    "value",
    "unit",
    "n",
    "low",
    "high",
    "budget",
    "verdict",
    "test",
]


def drop(**changes: Any) -> Measurement:
    """Return a judged accuracy drop."""
    parts = {"metric": "accuracy_drop", "budget": BUDGET, **PLACE} | changes
    return measure(Estimate(0.012, 0.004, 0.021, 2000), **parts)


def test_serialized_measurement_starts_with_the_required_fields() -> None:
    plain = drop().to_dict()
    assert list(plain)[: len(CONTRACT)] == CONTRACT
    assert plain["budget"] == {
        "limit": "max",
        "value": 0.041,
        "unit": "fraction",
        "source": "mine.toml: accuracy_drop.max",
    }
    assert (plain["unit"], plain["verdict"], plain["n"]) == ("fraction", "pass", 2000)


def test_measurement_is_equal_after_conversion_to_json_and_back() -> None:
    measurement = drop(details={"samples": [1, 2.5]}, known_failure="seen in float16")
    assert Measurement.from_dict(json.loads(json.dumps(measurement.to_dict()))) == measurement


def test_measurement_contains_its_details_scheme_device_backend_and_test() -> None:
    measurement = drop(details={"races": 2}, known_failure="seen", subject="mini")
    assert (measurement.details.held, measurement.known_failure, measurement.subject) == (
        {"races": 2},
        "seen",
        "mini",
    )
    assert (measurement.scheme, measurement.device, measurement.backend, measurement.test) == tuple(
        PLACE.values()
    )
    assert measurement.reason.startswith(
        "accuracy_drop of float16: 1.2 points [0.4, 2.1] (n = 2,000 "
    )
    plain = measure(Estimate(0.0, 0.0, 0.0, 1), metric="accuracy_drop", **PLACE)
    assert (plain.details, plain.known_failure, plain.subject) == (Details(), "", "")


def test_mcnemar_test_of_a_drop_is_reported_and_stored() -> None:
    estimate = Estimate(0.01, 0.0, 0.02, 500, mcnemar_p=0.0123)
    measurement = measure(estimate, metric="accuracy_drop", **PLACE, details={"races": 1})
    assert measurement.to_dict()["details"] == {"mcnemar_p": 0.0123, "races": 1}
    assert "(n = 500 texts, McNemar p = 0.012)" in measurement.reason


def test_infinite_interval_end_is_stored_as_null() -> None:
    measurement = measure(
        Estimate(0.02, -math.inf, math.inf, 3), metric="accuracy_drop", budget=BUDGET, **PLACE
    )
    assert (measurement.low, measurement.high, measurement.verdict) == (
        None,
        None,
        Verdict.INCONCLUSIVE,
    )
    assert Measurement.from_dict(measurement.to_dict()) == measurement


def test_measurement_without_a_budget_is_recorded_but_not_judged() -> None:
    measurement = drop(budget=None)
    assert (measurement.verdict, measurement.budget) == (None, None)
    assert measurement.reason.endswith("measured, not judged")


def test_measurement_without_a_budget_in_wrong_circumstances_is_invalid() -> None:
    measurement = drop(budget=None, invalid_because="another process ran")
    assert measurement.verdict is Verdict.INVALID
    assert measurement.reason.endswith("invalid, another process ran")


def test_measurement_in_wrong_circumstances_is_invalid_even_if_its_budget_is_met() -> None:
    measurement = drop(invalid_because="another process ran")
    assert measurement.verdict is Verdict.INVALID
    assert measurement.reason.endswith("not judged, another process ran")
    assert measurement.details.invalid_because == "another process ran"


@pytest.mark.parametrize("value", [0.0, 0.041, 0.1])
def test_reason_of_a_measurement_can_be_rebuilt_from_its_fields(value: float) -> None:
    measurement = measure(
        Estimate(value, value - 0.01, value + 0.01, 500),
        metric="accuracy_drop",
        budget=BUDGET,
        **PLACE,
    )
    read = Measurement.from_dict(measurement.to_dict())
    assert measurement.reason.endswith(f": {read.why(read.budget, read.verdict)}")


def test_rejects_measurement_details_of_the_wrong_type() -> None:
    with pytest.raises(EdgeproofError, match="details"):
        drop(details={"seconds": "a few"})
    with pytest.raises(EdgeproofError, match="rows of different widths"):
        drop(details={"confusion": [[1], [1, 2]]})


def test_rejects_unknown_metric() -> None:
    with pytest.raises(UsageMistake, match="no metric is called 'accuracy_dorp'"):
        drop(metric="accuracy_dorp")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"unit": "%"},
            "is given in '%', which is not the metric's unit. Give the value in 'fraction'",
        ),
        ({"value": 4.1, "high": None}, "accuracy_drop is 4.1, outside [-1.0, 1.0] fraction"),
        ({"value": "0.1"}, "Expected `float`, got `str` - at `$.value`"),
        ({"low": 0.5}, "is impossible"),
        ({"high": 0.001}, "is impossible"),
        ({"n": 0}, "is impossible"),
        ({"verdict": "passed"}, "Invalid enum value 'passed' - at `$.verdict`"),
        ({"verdict": None}, "has the verdict None with a budget"),
        ({"budget": None}, "has the verdict pass without a budget"),
        ({"budget": {"limit": "max"}}, "missing required field `value` - at `$.budget`"),
        ({"metric": "speed"}, "no metric is called 'speed'"),
        ({"confidence": 0.95}, "contains unknown field `confidence`"),
    ],
)
def test_rejects_broken_measurement(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EdgeproofError) as caught:
        Measurement.from_dict(drop().to_dict() | changes)
    assert message in str(caught.value)


@pytest.mark.parametrize("field", CONTRACT)
def test_rejects_measurement_without_a_required_field(field: str) -> None:
    plain = drop().to_dict()
    del plain[field]
    with pytest.raises(EdgeproofError, match=f"missing required field `{field}`"):
        Measurement.from_dict(plain)
