"""A scheme that a converter refuses is an artefact with its reason; the others are made."""

from __future__ import annotations

import json

import pytest

from models.plan import FLATBUFFER, VARIANT_CARD
from suites.meta.scripts import run_builder

REFUSED = "dynamic_wi4b32_afp32"
# Rows of 24 weights have no blocks of 32.
SUBJECT = f"""
name = "narrow"
description = "A network too narrow for blocks of 32 weights"
budgets = "embedded"
schemes = ["float32", "{REFUSED}"]

[corpus]
source = "generated"
labels = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
counts = {{ train = 60, validation = 20, calibration = 10, test = 20 }}
seed = 3

[tokenizer]
source = "trained"
vocabulary = 600
max_tokens = 40

[full.network]
family = "bert"
layers = 1
hidden = 24
heads = 2
intermediate = 48
activation = "gelu"
normalization = "layer_norm"

[full.training]
epochs = 1
batch = 32
learning_rate = 1e-3
"""


def test_the_artefact_holds_the_reason(tmp_path):
    pytest.importorskip("tensorflow", reason="conversion needs TensorFlow")
    done = run_builder(tmp_path, SUBJECT)
    assert done.returncode == 0, done.stdout + done.stderr
    made = {}
    for card in (tmp_path / "store" / "variant").glob(f"*/{VARIANT_CARD}"):
        told = json.loads(card.read_text())
        made[told["scheme"]] = told.get("refused"), (card.parent / FLATBUFFER).exists()
    assert made["float32"] == (None, True)
    reason, exists = made[REFUSED]
    assert "is not divisible by block size 32" in reason
    assert not exists
    assert f"variant {REFUSED}: not made" in done.stderr
