"""Compute the ratios of other sizes to the size of the FlatBuffer."""

from __future__ import annotations

from models.errors import EdgeproofError

# BERT-large uncased with its pooler: 335,141,888 float32 parameters (google-research/bert).
BERT_LARGE_WEIGHTS = 335_141_888 * 4
# A training checkpoint contains each weight and its two moments for Adam.
CHECKPOINT_OVER_WEIGHTS = 3


def size_ratios(weights_bytes: int, flatbuffer_bytes: int) -> dict[str, float]:
    """Return the ratios of other sizes to the FlatBuffer's size, by the names of their metrics.

    Args:
        weights_bytes: size of the full model's parameters as float32.
        flatbuffer_bytes: size of the variant's file.

    Raises:
        EdgeproofError: a size is not positive.
    """
    if weights_bytes <= 0 or flatbuffer_bytes <= 0:
        raise EdgeproofError(
            f"no size ratio can be computed from {weights_bytes} bytes of weights and a file of "
            f"{flatbuffer_bytes} bytes",
            remedy="Give sizes above 0 bytes",
        )
    return {
        "size_ratio_weights": weights_bytes / flatbuffer_bytes,
        "size_ratio_checkpoint": CHECKPOINT_OVER_WEIGHTS * weights_bytes / flatbuffer_bytes,
        "size_ratio_bert_large_weights": BERT_LARGE_WEIGHTS / flatbuffer_bytes,
        "size_ratio_bert_large_checkpoint": CHECKPOINT_OVER_WEIGHTS
        * BERT_LARGE_WEIGHTS
        / flatbuffer_bytes,
    }
