"""Compute BERT's encoder (Devlin et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.networks.blocks import Blocks, Tensor


def embed(blocks: Blocks, ids: Tensor, types: Tensor) -> Tensor:
    """Return the hidden states before the first layer, [batch, tokens, hidden]."""
    states = blocks.words(ids) + blocks.positions_and_types(types)
    return blocks.drop(blocks.norm("embeddings", states), blocks.shape.dropout)


def encode_layer(blocks: Blocks, layer: int, states: Tensor, bias: Tensor) -> Tensor:
    """Return the states of the tokens that a layer computes, [batch, tokens, hidden]."""
    prefix = f"encoder.layer.{layer}"
    computed = blocks.computed_states(layer, states)
    context = blocks.attention(
        f"{prefix}.attention.self", query=computed, key=states, value=states, bias=bias
    )
    states = blocks.residual(f"{prefix}.attention.output", context, computed)
    return blocks.feedforward(prefix, states)
