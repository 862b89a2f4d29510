"""Every reader of untrusted files either reads a file or rejects it, whatever the file contains.

Every reader gets a share of the inputs of `tox -e fuzz`.
"""

from __future__ import annotations

import pytest

from suites.meta.fuzz.readers import READERS
from suites.meta.fuzz.running import fuzz

INPUTS, EVERY = 600, 10
# Readers whose good files come from TensorFlow's converter, or that use TensorFlow for reading.
NEEDS_TENSORFLOW = {"tflite", "tf1_checkpoint"}


@pytest.mark.parametrize("reader", READERS)
def test_each_reader_accepts_or_rejects_corrupted_files_without_a_crash(reader, tmp_path):
    if reader in NEEDS_TENSORFLOW:
        pytest.importorskip("tensorflow", reason="its good files are TensorFlow's")
    outcome = fuzz(reader, tmp_path, inputs=INPUTS, every=EVERY)
    assert not outcome.findings, "\n".join(map(str, outcome.findings))
    assert outcome.refused > outcome.accepted / 100, "hardly any input was bad"
    assert outcome.inputs > INPUTS
