"""Judge an estimate with its interval against a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from models.errors import EdgeproofError
from models.verdicts.metrics import Metric, metric_named
from models.verdicts.quantities import human_interval

# No sample size is suggested if the interval's end is at least this many times as far from the
# value as the limit is: the square of this ratio, a million times as many samples, would be needed.
UNREACHABLE = 1000.0


class Verdict(StrEnum):
    """The possible verdicts."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


@dataclass(frozen=True)
class Estimate:
    """A measured value with its uncertainty.

    Attributes:
        value: the value in the metric's canonical unit.
        low: lower end of the 95 % interval; -inf if the sample is too small to bound it.
        high: upper end of the interval; inf if the sample is too small to bound it.
        n: sample size: number of texts, answers or files.
        mcnemar_p: for an accuracy drop, the exact p-value of the hypothesis that neither model is
            better.
    """

    value: float
    low: float
    high: float
    n: int
    mcnemar_p: float | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or not self.low <= self.value <= self.high or self.n < 1:
            raise EdgeproofError(
                f"an estimate of {self.value} in [{self.low}, {self.high}] from {self.n} samples "
                "is impossible",
                remedy="Give a finite value inside its interval, from at least one sample",
            )


@dataclass(frozen=True)
class Budget:
    """The limit that a measurement must keep.

    A budget is what a user needs. A regression guard is an earlier measurement with a margin: if it
    is broken, something became worse, but may still be good enough.

    Attributes:
        metric: name of the metric.
        limit: "max" or "min".
        value: the limit in the metric's canonical unit.
        text: the limit as written in the file.
        file: path of that file, for messages.
        key: key in that file.
        guards: whether the limit is a regression guard.
    """

    metric: str
    limit: Literal["max", "min"]
    value: float
    text: str
    file: str
    key: str
    guards: bool = False

    @property
    def source(self) -> str:
        """Return the file and the key of the limit, as one text."""
        return f"{self.file}: {self.key}"

    def keeps(self, value: float) -> bool:
        """Tell whether a value is within the limit, or equal to it."""
        return value <= self.value if self.limit == "max" else value >= self.value

    def __str__(self) -> str:
        kind = "regression guard" if self.guards else "budget"
        return f"{kind} at {'most' if self.limit == 'max' else 'least'} {self.text} ({self.source})"


@dataclass(frozen=True)
class Judgment:
    """A verdict with its reasons as fields, from which messages are written.

    Attributes:
        verdict: the verdict.
        estimate: the judged estimate.
        budget: the limit.
        scheme: name of the variant.
        invalid_because: why the circumstances make the measurement invalid; None if they do not.
    """

    verdict: Verdict
    estimate: Estimate
    budget: Budget
    scheme: str
    invalid_because: str | None = None

    @property
    def needed(self) -> int | None:
        """Return how many samples would give a verdict if the value stayed the same.

        Return None if no practicable number of samples would. The number is extrapolated: an
        interval narrows with the square root of the number of samples. The exact interval of n
        successes in n samples narrows faster: its lower end is a power with the exponent 1 / n.
        """
        estimate, metric = self.estimate, metric_named(self.budget.metric)
        distance = abs(estimate.value - self.budget.value)
        if self._reach >= UNREACHABLE * distance:
            return None
        needed = round(estimate.n * (self._reach / distance) ** 2)
        if metric.is_share and estimate.value in {0.0, 1.0} and self._reach < 1:
            needed = math.ceil(estimate.n * math.log1p(-self._reach) / math.log1p(-distance))
        return max(estimate.n + 1, needed)

    @property
    def why(self) -> str:
        """Return the reason of the verdict in a few words."""
        estimate = self.estimate
        subject = "the whole interval" if estimate.low < estimate.high else "the value"
        if self.verdict is Verdict.INVALID:
            return f"not judged, {self.invalid_because}"
        if self.verdict is Verdict.INCONCLUSIVE:
            return f"the limit lies inside the interval, {self._what_decides()}"
        return f"{subject} {'keeps' if self.verdict is Verdict.PASS else 'breaks'} it"

    @property
    def reason(self) -> str:
        """Return a sentence with the measured value, the budget, and the reason of the verdict."""
        measured = describe(self.estimate, metric_named(self.budget.metric), scheme=self.scheme)
        return f"{measured}, {self.budget}: {self.why}"

    @property
    def _reach(self) -> float:
        """Return the distance from the value to the end of the interval on the limit's side."""
        estimate = self.estimate
        above = estimate.value > self.budget.value
        return estimate.value - estimate.low if above else estimate.high - estimate.value

    def _what_decides(self) -> str:
        """Return a clause that tells how large a sample would give a verdict."""
        counted = metric_named(self.budget.metric).counted
        if math.isinf(self._reach):
            return f"and {self.estimate.n:,} {counted} are too few to bound the value"
        if self.needed is None:
            return f"so near the value that no number of {counted} would decide"
        return f"about {self.needed:,} {counted} would decide"


def judge(
    estimate: Estimate, budget: Budget, *, scheme: str, invalid_because: str | None = None
) -> Judgment:
    """Judge an estimate by its whole interval.

    The verdict is pass if the whole interval is within the limit, fail if the whole interval is
    outside, and inconclusive if the limit is inside the interval. Wrong circumstances make it
    invalid.

    Args:
        estimate: the estimate to judge.
        budget: the limit.
        scheme: name of the variant, for the reason.
        invalid_because: why the circumstances make the measurement invalid; None if they do not.

    Raises:
        EdgeproofError: the value is outside the range of the metric.
    """
    check_range(estimate, metric_named(budget.metric))
    ends = budget.keeps(estimate.low), budget.keeps(estimate.high)
    verdict = Verdict.PASS if all(ends) else Verdict.INCONCLUSIVE if any(ends) else Verdict.FAIL
    if invalid_because is not None:
        verdict = Verdict.INVALID
    return Judgment(verdict, estimate, budget, scheme, invalid_because)


def describe(estimate: Estimate, metric: Metric, *, scheme: str) -> str:
    """Return the estimate in words: "agreement of float16: 99 % [98, 99.6] (n = 900 texts)"."""
    ends = (estimate.low, estimate.high) if estimate.low < estimate.high else None
    value = human_interval(
        estimate.value, ends, metric.unit, difference=metric.difference, exact=metric.exact
    )
    # A single file is measured exactly once, so there is no sample to describe.
    looked_at = "" if ends is None and estimate.n == 1 else f" ({_sample(estimate, metric)})"
    return f"{metric.name} of {scheme}: {value}{looked_at}"


def _sample(estimate: Estimate, metric: Metric) -> str:
    counted = metric.counted if estimate.n != 1 else metric.counted.removesuffix("s")
    test = "" if estimate.mcnemar_p is None else f", McNemar p = {estimate.mcnemar_p:.2g}"
    return f"n = {estimate.n:,} {counted}{test}"


def check_range(estimate: Estimate, metric: Metric) -> None:
    """Reject a value outside of the metric's range, such as an accuracy of 84.

    Raises:
        EdgeproofError: the value is outside [metric.low, metric.high].
    """
    if not metric.low <= estimate.value <= metric.high:
        raise EdgeproofError(
            f"{metric.name} is {estimate.value}, outside [{metric.low}, {metric.high}] "
            f"{metric.unit.value}",
            remedy="Give the value in the metric's canonical unit",
        )
