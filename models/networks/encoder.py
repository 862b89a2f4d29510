"""Compute an encoder of either family, as a whole or layer by layer, and the head on top of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import ops

from models.networks import bert, mobilebert

if TYPE_CHECKING:
    from models.networks.blocks import Blocks, Tensor


def embed(blocks: Blocks, ids: Tensor, types: Tensor) -> Tensor:
    """Return the hidden states before the first layer, [batch, tokens, hidden]."""
    family = bert if blocks.shape.family == "bert" else mobilebert
    return family.embed(blocks, ids, types)


def encode_layer(blocks: Blocks, layer: int, states: Tensor, bias: Tensor) -> Tensor:
    """Return the hidden states after a layer, [batch, tokens, hidden].

    If the architecture has `first_token_last`, those of the last layer hold only the first token.

    Args:
        blocks: the building blocks of the network.
        layer: the layer's index; the first layer has the index 0.
        states: hidden states before the layer, [batch, tokens, hidden].
        bias: see `Blocks.mask_bias`.
    """
    family = bert if blocks.shape.family == "bert" else mobilebert
    return family.encode_layer(blocks, layer, states, bias)


def head(blocks: Blocks, first: Tensor) -> Tensor:
    """Return the logits [batch, classes] for the last states of the first tokens."""
    if blocks.shape.pooled:
        first = ops.tanh(blocks.dense("pooler.dense", first))
    logits = blocks.dense("classifier", blocks.drop(first, blocks.shape.classifier_dropout))
    return ops.cast(logits, "float32")
