"""Whether the kernels under a file's operators are right, on the backend that is judged."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import exact

pytestmark = pytest.mark.needs("a runner", "a file")


@pytest.mark.measures("kernel_coverage")
def test_operators_stand_on_proven_kernels(variant, kernel_coverage, judge):
    """The budgeted share of a file's operators is computed by kernels that were proven."""
    found = kernel_coverage(variant)
    share = exact(found["kernel_coverage"], n=found["operators"])
    judge("kernel_coverage", share, of=variant, note="\n".join(found["not_proven"]), kernels=found)
