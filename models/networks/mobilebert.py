"""Compute MobileBERT's encoder (Sun et al. 2020): bottlenecks, stacked feed-forwards, NoNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import name_scope, ops

if TYPE_CHECKING:
    from models.networks.blocks import Blocks, Tensor


def embed(blocks: Blocks, ids: Tensor, types: Tensor) -> Tensor:
    """Return the hidden states before the first layer, [batch, tokens, hidden]."""
    words = _words(blocks, ids)
    if blocks.shape.embedding_transformed:
        words = blocks.dense("embeddings.embedding_transformation", words)
    states = blocks.norm("embeddings", words + blocks.positions_and_types(types))
    return blocks.drop(states, blocks.shape.dropout)


def _words(blocks: Blocks, ids: Tensor) -> Tensor:
    """Return the word embeddings; with trigrams, each token also has those of its two neighbors.

    The neighbor after the last token of a row is zero, or padding if the row is shorter than the
    longest row (see `Blocks.padding`). The name scopes keep the names of all later operators the
    same in both cases.
    """
    if not blocks.shape.trigram_embedding:
        return blocks.words(ids)
    if blocks.padding is None:
        words = blocks.words(ids)
        with name_scope("following"):
            following = ops.pad(words[:, 1:], ((0, 0), (0, 1), (0, 0)))
    else:
        with name_scope("behind"):
            ids = ops.pad(ids, ((0, 0), (0, 1)), constant_values=blocks.padding)
        every = blocks.words(ids)
        with name_scope("behind"):
            words, following = every[:, :-1], every[:, 1:]
    with name_scope("previous"):
        previous = ops.pad(words[:, :-1], ((0, 0), (1, 0), (0, 0)))
    with name_scope("trigrams"):
        return ops.concatenate([following, words, previous], axis=-1)


def encode_layer(blocks: Blocks, layer: int, states: Tensor, bias: Tensor) -> Tensor:
    """Return the states of the tokens that a layer computes, [batch, tokens, hidden]."""
    prefix = f"encoder.layer.{layer}"
    inner = computed = blocks.computed_states(layer, states)
    query, key, value = computed, states, states
    if blocks.shape.attention_input == "bottleneck":
        key = value = _bottleneck(blocks, f"{prefix}.bottleneck.input", states)
        query = inner = blocks.computed_states(layer, key)
    elif blocks.shape.bottleneck:
        inner = _bottleneck(blocks, f"{prefix}.bottleneck.input", computed)
    if blocks.shape.attention_input == "shared":
        key = _bottleneck(blocks, f"{prefix}.bottleneck.attention", states)
        query = blocks.computed_states(layer, key)
    context = blocks.attention(
        f"{prefix}.attention.self", query=query, key=key, value=value, bias=bias
    )
    inner = blocks.residual(f"{prefix}.attention.output", context, inner)
    for index in range(blocks.shape.feedforward_networks - 1):
        inner = blocks.feedforward(f"{prefix}.ffn.{index}", inner)
    inner = blocks.feedforward(prefix, inner)
    if not blocks.shape.bottleneck:
        return inner
    return blocks.residual(f"{prefix}.output.bottleneck", inner, computed)


def _bottleneck(blocks: Blocks, name: str, states: Tensor) -> Tensor:
    return blocks.norm(name, blocks.dense(f"{name}.dense", states))
