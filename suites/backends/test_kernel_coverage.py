"""Check the kernels of a file's operators on the judged backend."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import exact

pytestmark = pytest.mark.needs("a runner", "a file")


@pytest.mark.measures("kernel_coverage")
def test_operators_have_proven_kernels(variant, kernel_coverage, judge):
    """Proven kernels compute at least the budgeted share of a file's operators."""
    coverage = kernel_coverage(variant)
    share = exact(coverage["kernel_coverage"], n=coverage["operators"])
    judge(
        "kernel_coverage",
        share,
        of=variant,
        note="\n".join(coverage["not_proven"]),
        kernels=coverage,
    )
