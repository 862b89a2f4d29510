"""Check that no text leaves the device."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.needs("a runner", "a tokenizer on the device")
def test_inference_opens_no_socket_and_writes_no_file(variant, audit):
    """From text to label, the runner uses no network, starts no process and writes no file."""
    assert audit(variant) == ()


@pytest.mark.needs("a runner")
def test_inference_needs_no_network(variant, logits_without_network, few):
    """In an empty network namespace the runner gives the same logits."""
    assert np.array_equal(logits_without_network(variant), variant.logits_of(few))
