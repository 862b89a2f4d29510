"""Define a measurement: one number of one variant on one device, as in results.json."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from models.errors import EdgeproofError
from models.files.extensible_tables import as_plain, read_open
from models.files.toml_tables import Table
from models.verdicts.details import Details
from models.verdicts.judge import Budget, Estimate, Judgment, Verdict, check_range, describe, judge
from models.verdicts.metrics import metric_named


class BudgetRecord(Table, frozen=True, kw_only=True):
    """A budget as in results.json; `source` is "FILE: KEY"."""

    limit: Literal["max", "min"]
    value: float
    unit: str
    source: str

    @property
    def file(self) -> str:
        """Return the file of the limit; for a derived limit, a description of its source."""
        return self.source.rpartition(": ")[0]

    @property
    def key(self) -> str:
        """Return the key of the limit in its TOML file."""
        return self.source.rpartition(": ")[2]


class GuardRecord(BudgetRecord, frozen=True, kw_only=True):
    """A regression guard as in results.json, with its own verdict and reason."""

    verdict: Verdict
    reason: str


class Measurement(Table, frozen=True, kw_only=True):
    """One number with unit, sample size, interval, budget and verdict.

    Attributes:
        metric: name of the metric, a key of METRICS.
        scheme: name of the variant, or `full_model`.
        device: name of the device.
        backend: name of the backend; None if the metric needs none (sizes).
        value: the value in `unit`.
        unit: canonical unit of the metric.
        n: sample size.
        low: lower end of the 95 % interval; None if the sample is too small to bound it.
        high: upper end of the interval; None if the sample is too small to bound it.
        budget: the limit; None if no budget limits this measurement.
        verdict: the verdict on the budget; None without a budget.
        test: id of the test.
        reason: a sentence that explains the verdict.
        known_failure: why a failure is expected; empty if none is.
        subject: name of the subject; a document may contain several.
        guard: the regression guard with its verdict; None if there is no guard.
        details: further data for reports, such as raw samples.
    """

    metric: str
    scheme: str
    device: str
    backend: str | None
    value: float
    unit: str
    n: int
    low: float | None
    high: float | None
    budget: BudgetRecord | None
    verdict: Verdict | None
    test: str
    reason: str = ""
    known_failure: str = ""
    subject: str = ""
    guard: GuardRecord | None = None
    details: Details = msgspec.field(default_factory=Details)

    @property
    def is_of_a_part(self) -> bool:
        """Return whether the gate was decided by a part of the test texts."""
        looked = self.details.looked
        return looked is not UNSET and looked.texts < looked.of

    def __post_init__(self) -> None:
        metric = metric_named(self.metric)
        if self.unit != metric.unit:
            raise EdgeproofError(
                f"{self.metric} is given in {self.unit!r}, which is not the metric's unit",
                remedy=f"Give the value in {metric.unit.value!r}",
            )
        check_range(self.estimate, metric)
        unjudged = self.verdict is None or self.verdict is Verdict.INVALID
        if (self.budget is None and not unjudged) or (self.budget and self.verdict is None):
            raise EdgeproofError(
                f"{self.metric} of {self.scheme} has the verdict {self.verdict} "
                f"{'with' if self.budget else 'without'} a budget",
                remedy="Give a verdict if, and only if, there is a budget",
            )

    @property
    def is_judged(self) -> bool:
        """Tell whether the measurement has a verdict by a budget or by a regression guard."""
        return self.verdict is not None or self.guard is not None

    @property
    def estimate(self) -> Estimate:
        """Return value, interval and sample size; a missing end is infinite."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return Estimate(self.value, low, high, self.n)

    def why(self, limit: BudgetRecord, verdict: Verdict) -> str:
        """Return the reason for a verdict in a few words.

        Args:
            limit: the budget or the regression guard.
            verdict: the verdict on this limit.
        """
        budget = Budget(self.metric, limit.limit, limit.value, "", limit.file, limit.key)
        because = self.details.invalid_because
        invalid = because if isinstance(because, str) else None
        return Judgment(verdict, self.estimate, budget, self.scheme, invalid).why

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement as plain values, in the order of the fields."""
        plain: dict[str, Any] = as_plain(self)
        return plain

    @classmethod
    def from_dict(cls, data: object) -> Measurement:
        """Convert the output of `to_dict` back into a measurement.

        Raises:
            EdgeproofError: a key is missing, unknown or mistyped, or the values contradict each
                other.
        """
        try:
            return read_open(data, cls)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise EdgeproofError(
                f"is not a valid measurement: {error}",
                remedy="Write it with this version of edgeproof",
            ) from None


def measure(  # noqa: PLR0913 - one keyword for each field of a measurement
    estimate: Estimate,
    *,
    metric: str,
    scheme: str,
    device: str,
    backend: str | None,
    test: str,
    budget: Budget | None = None,
    guard: Budget | None = None,
    invalid_because: str | None = None,
    known_failure: str = "",
    subject: str = "",
    details: dict[str, Any] | None = None,
) -> Measurement:
    """Return an estimate as a measurement, judged if there is a budget.

    Args:
        estimate: the measured value with its interval.
        metric: name of the metric.
        scheme: name of the variant, or `full_model`.
        device: name of the device.
        backend: name of the backend; None if the metric needs none.
        test: id of the test.
        budget: the limit; None if there is none.
        guard: the regression guard; None if there is none.
        invalid_because: why the circumstances make the measurement invalid; None if they do not.
        known_failure: why a failure is expected; empty if none is.
        subject: name of the subject.
        details: see `Measurement`.

    Raises:
        EdgeproofError: the value is outside the range of the metric.
        UsageMistake: the metric is unknown.
    """
    kind = metric_named(metric)
    if budget is None:
        verdict = None if invalid_because is None else Verdict.INVALID
        note = "measured, not judged" if invalid_because is None else f"invalid, {invalid_because}"
        reason = f"{describe(estimate, kind, scheme=scheme)}: {note}"
    else:
        judgment = judge(estimate, budget, scheme=scheme, invalid_because=invalid_because)
        verdict, reason = judgment.verdict, judgment.reason
    return Measurement(
        metric=metric,
        scheme=scheme,
        device=device,
        backend=backend,
        value=estimate.value,
        unit=kind.unit.value,
        n=estimate.n,
        low=estimate.low if math.isfinite(estimate.low) else None,
        high=estimate.high if math.isfinite(estimate.high) else None,
        budget=None if budget is None else _record(budget, kind.unit.value),
        verdict=verdict,
        test=test,
        reason=reason,
        known_failure=known_failure,
        subject=subject,
        guard=None if guard is None else _guarded(estimate, guard, scheme, invalid_because),
        details=_details({**_test_of(estimate), **(details or {}), **_invalid(invalid_because)}),
    )


def _test_of(estimate: Estimate) -> dict[str, float]:
    return {} if estimate.mcnemar_p is None else {"mcnemar_p": estimate.mcnemar_p}


def _invalid(because: str | None) -> dict[str, str]:
    return {} if because is None else {"invalid_because": because}


def _details(details: dict[str, Any]) -> Details:
    """Check the details from a gate, and convert them into `Details`.

    Raises:
        EdgeproofError: a value has the wrong type.
    """
    try:
        return read_open(details, Details)
    except msgspec.ValidationError as error:
        raise EdgeproofError(
            f"`details` is not valid: {error}",
            remedy="Correct the details that the gate passes to the judge",
        ) from None


def _guarded(
    estimate: Estimate, guard: Budget, scheme: str, invalid_because: str | None
) -> GuardRecord:
    judgment = judge(estimate, guard, scheme=scheme, invalid_because=invalid_because)
    limit = _record(guard, metric_named(guard.metric).unit.value)
    return GuardRecord(
        **msgspec.structs.asdict(limit), verdict=judgment.verdict, reason=judgment.reason
    )


def _record(budget: Budget, unit: str) -> BudgetRecord:
    return BudgetRecord(limit=budget.limit, value=budget.value, unit=unit, source=budget.source)
