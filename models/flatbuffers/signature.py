"""The names that edgeproof's own converter writes into a FlatBuffer's signature."""

from __future__ import annotations

from models.roles import IDS, MASK, SEGMENTS

NAMES = {IDS: "input_ids", MASK: "attention_mask", SEGMENTS: "token_type_ids"}
LOGITS = "logits"
