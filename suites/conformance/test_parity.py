"""Check that the float32 FlatBuffer, the reference of all others, computes as PyTorch does."""

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
    """Every text gets PyTorch's label, except texts whose label depends on rounding."""
    compared = parity(form)
    judge(
        "pytorch_labels",
        exact(compared.same_labels, n=compared.texts),
        of=reference,
        note=parity.departs,
        form=form,
    )


@pytest.mark.measures("pytorch_logits")
def test_float32_file_gives_the_logits_of_pytorch(form, reference, parity, judge):
    """Each logit equals PyTorch's, up to the rounding of float32."""
    compared = parity(form)
    judge(
        "pytorch_logits",
        exact(compared.logits, n=compared.texts),
        of=reference,
        note=parity.departs,
        form=form,
    )


@pytest.mark.measures("pytorch_divergence")
def test_float32_file_gives_the_probabilities_of_pytorch(form, reference, parity, judge):
    """The mean divergence of the probabilities from PyTorch's is within its limit."""
    compared = parity(form)
    judge(
        "pytorch_divergence",
        exact(compared.divergence, n=compared.texts),
        of=reference,
        note=parity.departs,
        form=form,
    )
