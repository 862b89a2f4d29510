"""Count the instructions of one answer on the emulated core, unaffected by the machine's load.

Instructions do not measure time, because an emulator models neither caches nor a pipeline.
"""

from __future__ import annotations

import pytest

from models.verdicts.estimates import exact


@pytest.mark.measures("instructions", "instructions_sdot", "instructions_mlal", "instructions_fmla")
@pytest.mark.needs("an emulator")
def test_instructions_are_within_budget(variant, counted, expected, judge):
    """One answer takes at most the instructions that were measured for this core, plus a margin."""
    counts = counted(variant)
    for metric, count in counts.classes.items():
        judge.record(metric, exact(count, n=counts.answers), of=variant)
    measured = exact(counts.instructions, n=counts.answers)
    judge("instructions", measured, of=variant, instead=expected("instructions", variant))


@pytest.mark.parametrize("metric", ["integer_multiply_share", "dot_product_share"])
@pytest.mark.needs("an emulator")
def test_multiplications_are_as_the_scheme_says(metric, variant, counted, expected, judge):
    """The shares of integer multiplications and of dot products are as expected on this core."""
    counts = counted(variant)
    measured = exact(counts.shares[metric], n=counts.answers)
    judge(metric, measured, of=variant, instead=expected(metric, variant))
