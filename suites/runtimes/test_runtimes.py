"""Which runtimes answer a FlatBuffer rightly: silently wrong pairs of file and runtime exist."""

from __future__ import annotations

import pytest

from fixtures.endings import does_not_apply
from models.flatbuffers.runtimes import minimum_runtime
from models.runtime.client import RunnerRefused
from models.verdicts.estimates import agreement


@pytest.mark.measures("agreement_runtimes")
@pytest.mark.needs("a runner", "another runtime")
def test_runtime_gives_the_labels_of_the_judged_one(variant, other_runtime, judge):
    """A runtime that loads the file gives the labels that the judged runtime gives."""
    try:
        logits = variant.logits_on(other_runtime.name)
    except RunnerRefused as refusal:
        needed = minimum_runtime(variant.report)
        if not other_runtime.older_than(needed):
            pytest.fail(
                f"fail: {refusal.message} (the file says {needed} is enough)", pytrace=False
            )
        # Reasons are counted by their first line.
        does_not_apply(f"refused, as it must: the file needs {needed}\n{refusal.message}")
    measured = agreement(variant.labels, variant.scores(logits).labels)
    judge("agreement_runtimes", measured, of=variant, runtime=other_runtime.name)
