"""Define the names in the signatures of edgeproof's own converter."""

from __future__ import annotations

from models.input_roles import IDS, MASK, SEGMENTS

NAMES = {IDS: "input_ids", MASK: "attention_mask", SEGMENTS: "token_type_ids"}
LOGITS = "logits"
# Key of the only signature in a file for a single row length.
SIGNATURE = "serving_default"


def signature_of_length(length: int) -> str:
    """Return the key of the signature for rows of `length` tokens, in a file of several lengths."""
    return f"tokens_{length}"
