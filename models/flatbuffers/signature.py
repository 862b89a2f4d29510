"""The names that edgeproof's own converter writes into a FlatBuffer's signature."""

from __future__ import annotations

from models.corpus.roles import IDS, MASK, SEGMENTS
from models.runtime.binding import Binding, BoundInput

NAMES = {IDS: "input_ids", MASK: "attention_mask", SEGMENTS: "token_type_ids"}
LOGITS = "logits"

# Masks and segments hold 0 or 1.
_BELOW = {MASK: 2, SEGMENTS: 2}


def binding_of_encoder(vocabulary: int | None = None) -> Binding:
    """Bind the inputs of a file that edgeproof converted.

    Args:
        vocabulary: number of token ids; larger ones are refused. None allows any.
    """
    below = _BELOW if vocabulary is None else {IDS: vocabulary, **_BELOW}
    inputs = (BoundInput(role, name, below.get(role)) for role, name in NAMES.items())
    return Binding(tuple(inputs), output=LOGITS)
