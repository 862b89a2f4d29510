"""Compare the device's answers with those of the host, with the same file and runtime."""

from __future__ import annotations

import numpy as np
import pytest

from models.verdicts.estimates import agreement, exact


@pytest.mark.measures("agreement_golden")
@pytest.mark.needs("a host")
def test_labels_agree_with_the_host(variant, golden, expected, judge):
    """The device gives the labels that the same runtime gives on the host."""
    host = variant.scores(golden(variant)).labels
    limit = expected("agreement_golden", variant)

    def on_host(texts):
        return host[texts.rows]

    def measured(texts):
        return agreement(on_host(texts), texts.labels(variant), confidence=texts.confidence)

    judge.early("agreement_golden", measured, of=variant, instead=limit, against=on_host)


@pytest.mark.measures("logit_difference")
@pytest.mark.needs("logits")
@pytest.mark.needs("a host")
def test_logits_stay_close_to_the_host(variant, score_differences, expected, judge):
    """No logit differs from the host's by more than its scheme's tolerance on this core."""
    differences = score_differences(variant)
    measured = exact(differences.max(), n=len(differences))
    judge("logit_difference", measured, of=variant, instead=expected("logit_difference", variant))


@pytest.mark.measures("reference_difference")
@pytest.mark.needs("an emulator")
def test_reference_kernels_answer_as_on_the_host(variant, reference_logits, expected, judge):
    """With the runtime's portable kernels, device and host give (almost) identical logits."""
    on_device, on_host = reference_logits(variant)
    differences = np.abs(on_host - on_device)
    measured = exact(differences.max(), n=len(differences))
    limit = expected("reference_difference", variant)
    judge("reference_difference", measured, of=variant, instead=limit)
