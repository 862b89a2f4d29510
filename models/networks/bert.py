"""Compute BERT's encoder (Devlin et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.networks.blocks import Blocks, Tensor


def encode(blocks: Blocks, ids: Tensor, bias: Tensor, types: Tensor) -> Tensor:
    """Return the last hidden states [batch, tokens, hidden].

    If the architecture has `first_token_last`, they hold only the first token.
    """
    states = blocks.words(ids) + blocks.positions_and_types(types)
    states = blocks.drop(blocks.norm("embeddings", states), blocks.shape.dropout)
    for layer in range(blocks.shape.layers):
        prefix = f"encoder.layer.{layer}"
        computed = blocks.computed_states(layer, states)
        context = blocks.attention(
            f"{prefix}.attention.self", query=computed, key=states, value=states, bias=bias
        )
        states = blocks.residual(f"{prefix}.attention.output", context, computed)
        states = blocks.feedforward(prefix, states)
    return states
