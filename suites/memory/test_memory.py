"""Measure the memory that the device needs for the FlatBuffer."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import quantile


@pytest.mark.measures("peak_rss")
@pytest.mark.needs("a runner")
def test_peak_memory_is_within_budget(variant, start_afresh, judge):
    """A runner that loads only this variant needs at most the budgeted memory to answer."""
    judge("peak_rss", quantile(start_afresh(variant).peak_rss, 0.5), of=variant)
