"""Measure the time from starting a process to its first answer."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import quantile


@pytest.mark.measures("cold_start")
@pytest.mark.needs("a runner", "a clock")
def test_cold_start_is_within_budget(variant, cold_starts, judge):
    """A new process gives its first answer within the budgeted time."""
    judge("cold_start", quantile(cold_starts(variant), 0.5), of=variant)
