"""The float32 FlatBuffer is the network that PyTorch has: everything else is compared with it."""

from __future__ import annotations

import pytest

from models.huggingface.parity import FORMS
from models.verdicts.estimates import exact

pytestmark = [
    pytest.mark.needs("PyTorch's answers"),
    pytest.mark.parametrize("form", FORMS),
]


@pytest.mark.measures("pytorch_labels")
def test_float32_file_gives_the_labels_of_pytorch(form, reference, parity, judge):
    """Every text gets PyTorch's label, but for texts that rounding decides."""
    found = parity(form)
    judge(
        "pytorch_labels",
        exact(found.same_labels, n=found.texts),
        of=reference,
        note=parity.departs,
        form=form,
    )


@pytest.mark.measures("pytorch_logits")
def test_float32_file_gives_the_logits_of_pytorch(form, reference, parity, judge):
    """Each logit is PyTorch's up to the rounding of float32."""
    found = parity(form)
    judge(
        "pytorch_logits",
        exact(found.logits, n=found.texts),
        of=reference,
        note=parity.departs,
        form=form,
    )


@pytest.mark.measures("pytorch_divergence")
def test_float32_file_gives_the_probabilities_of_pytorch(form, reference, parity, judge):
    """The probabilities hardly diverge from PyTorch's, in the mean."""
    found = parity(form)
    judge(
        "pytorch_divergence",
        exact(found.divergence, n=found.texts),
        of=reference,
        note=parity.departs,
        form=form,
    )
