"""A scheme that cannot be converted is stored with its reason; others are converted."""

from __future__ import annotations

import json

import pytest

from models.artefact_names import FLATBUFFER, REFUSED, VARIANT_CARD
from suites.meta.scripts import run_builder
from suites.meta.training.tables import CORPUS, NETWORK, TOKENIZER, TRAINING

SCHEME = "dynamic_wi4b32_afp32"
# Rows of 16 weights have no blocks of 32.
SUBJECT = f"""
name = "narrow"
description = "A network too narrow for blocks of 32 weights"
budgets = "embedded"
schemes = ["float32", "{SCHEME}"]

{CORPUS}{TOKENIZER}
[full.network]{NETWORK}
[full.training]
{TRAINING}"""


def test_scheme_that_cannot_be_converted_is_stored_with_its_reason(tmp_path):
    pytest.importorskip("tensorflow", reason="conversion needs TensorFlow")
    done = run_builder(tmp_path, SUBJECT)
    assert done.returncode == 0, done.stdout + done.stderr
    variants = {}
    for card in (tmp_path / "store" / "variant").glob(f"*/{VARIANT_CARD}"):
        parsed = json.loads(card.read_text())
        variants[parsed["scheme"]] = parsed.get(REFUSED), (card.parent / FLATBUFFER).exists()
    assert variants["float32"] == (None, True)
    reason, exists = variants[SCHEME]
    assert "is not divisible by block size 32" in reason
    assert not exists
    assert f"variant {SCHEME}: not made" in done.stderr
