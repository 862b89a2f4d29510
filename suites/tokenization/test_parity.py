"""Check that an app makes the ids that its file was trained with."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import exact


@pytest.mark.measures("token_parity")
@pytest.mark.needs("recorded ids")
def test_app_makes_the_same_ids(variant, token_parity, judge):
    """For each text, the app makes the token ids that edgeproof makes with the app's tokenizer."""
    parity = token_parity(variant)
    share = exact(parity.share, n=parity.equal.size)
    judge("token_parity", share, of=variant, note=parity.first, first_difference=parity.first)
