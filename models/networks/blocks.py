"""Compute the parts that BERT and MobileBERT share, on `keras.ops` alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras import backend, ops

if TYPE_CHECKING:
    from models.networks.architecture import Architecture

Tensor = Any
Weights = Mapping[str, Tensor]


def keep(inputs: Tensor, rate: float) -> Tensor:  # noqa: ARG001 - called with the arguments of dropout
    """Return the input unchanged, as dropout does outside of training."""
    return inputs


def _like(example: Tensor, inputs: Tensor) -> Tensor:
    """Return `inputs`, converted to the dtype of `example`."""
    return ops.cast(inputs, backend.standardize_dtype(example.dtype))


def _gelu(inputs: Tensor) -> Tensor:
    return ops.gelu(inputs, approximate=False)


def _gelu_by_tanh(inputs: Tensor) -> Tensor:
    return ops.gelu(inputs, approximate=True)


# Activation functions by their names in Hugging Face's `hidden_act`.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": _gelu,
    "gelu_new": _gelu_by_tanh,
    "gelu_pytorch_tanh": _gelu_by_tanh,
    "relu": ops.relu,
    "relu6": ops.relu6,
}


@dataclass(frozen=True)
class Blocks:
    """The building blocks of a network, with one set of weights.

    Attributes:
        weights: tensors by parameter name (see `parameters`).
        shape: the architecture.
        drop: dropout at a rate while training, `keep` otherwise.
        padding: id of the padding that would follow the row if it had the longest length; None for
            a row of that length, which nothing follows.
    """

    weights: Weights
    shape: Architecture
    drop: Callable[[Tensor, float], Tensor] = keep
    padding: int | None = None

    def dense(self, name: str, inputs: Tensor) -> Tensor:
        """Return inputs @ weight.T + bias over the last axis of `inputs`."""
        kernel = ops.transpose(self.weights[f"{name}.weight"])
        return ops.matmul(inputs, kernel) + self.weights[f"{name}.bias"]

    def norm(self, name: str, inputs: Tensor) -> Tensor:
        """Apply layer normalization, or NoNorm: weight * inputs + bias (Sun et al. 2020, 3.3)."""
        if self.shape.normalization == "layer_norm":
            # Compute the statistics in float32, even if everything else uses fewer bits.
            wide = ops.cast(inputs, "float32")
            centered = wide - ops.mean(wide, axis=-1, keepdims=True)
            variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
            inputs = _like(inputs, centered * ops.rsqrt(variance + self.shape.epsilon))
        scale = self.weights[f"{name}.LayerNorm.weight"]
        return inputs * scale + self.weights[f"{name}.LayerNorm.bias"]

    def activate(self, inputs: Tensor) -> Tensor:
        """Apply the activation function of the architecture."""
        return ACTIVATIONS[self.shape.activation](inputs)

    def words(self, ids: Tensor) -> Tensor:
        """Return the word embeddings [batch, tokens, embedding]."""
        return ops.take(self.weights["embeddings.word_embeddings.weight"], ids, axis=0)

    def positions_and_types(self, types: Tensor) -> Tensor:
        """Return the sum of position and type embeddings [batch, tokens, hidden] for `types`."""
        position = self.weights["embeddings.position_embeddings.weight"][: ops.shape(types)[1]]
        table = self.weights["embeddings.token_type_embeddings.weight"]
        if self.shape.types == 1:
            return position + table[0]
        # Two types: interpolate between the rows instead of a second gather, which would have to be
        # quantized.
        second = ops.expand_dims(_like(table, types), -1)
        return position + table[0] + second * (table[1] - table[0])

    def mask_bias(self, attention_mask: Tensor) -> Tensor:
        """Turn a mask of ones and zeros [batch, keys] into a bias [batch, 1, 1, keys].

        Padding gets `mask_value` and not -inf, because -inf times zero is NaN. The value must be
        far below every score, and without layer normalization scores have no bound. Integer
        variants store mask and scores in one range and get a smaller value
        (`models.flatbuffers.masks`).
        """
        bias = (1.0 - ops.cast(attention_mask, "float32")) * self.shape.mask_value
        return ops.expand_dims(ops.expand_dims(bias, 1), 1)

    def computed_states(self, layer: int, states: Tensor) -> Tensor:
        """Return the states of the tokens that a layer computes: all, or the first token alone."""
        is_last = layer == self.shape.layers - 1
        return states[:, :1] if is_last and self.shape.first_token_last else states

    def attention(
        self, name: str, *, query: Tensor, key: Tensor, value: Tensor, bias: Tensor
    ) -> Tensor:
        """Return multi-head attention before the output projection (Vaswani et al. 2017, 3.2)."""
        q = self._heads(self.dense(f"{name}.query", query))
        k = self._heads(self.dense(f"{name}.key", key))
        v = self._heads(self.dense(f"{name}.value", value))
        # Scale the query instead of the scores: the same result with fewer multiplications.
        q *= q.shape[-1] ** -0.5
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))
        scores = ops.cast(scores, "float32") + bias
        shares = self.drop(ops.softmax(scores, axis=-1), self.shape.attention_dropout)
        context = ops.matmul(_like(v, shares), v)
        batch, heads, tokens, size = ops.shape(context)
        merged = ops.transpose(context, (0, 2, 1, 3))
        return ops.reshape(merged, (batch, tokens, heads * size))

    def _heads(self, inputs: Tensor) -> Tensor:
        batch, tokens, size = ops.shape(inputs)
        heads = self.shape.heads
        split = ops.reshape(inputs, (batch, tokens, heads, size // heads))
        return ops.transpose(split, (0, 2, 1, 3))

    def residual(self, name: str, inputs: Tensor, stream: Tensor) -> Tensor:
        """Project `inputs` by a dense layer, add `stream`, and normalize the sum."""
        projected = self.drop(self.dense(f"{name}.dense", inputs), self.shape.dropout)
        return self.norm(name, projected + stream)

    def feedforward(self, prefix: str, inputs: Tensor) -> Tensor:
        """Apply a feed-forward network with its residual connection."""
        inner = self.activate(self.dense(f"{prefix}.intermediate.dense", inputs))
        return self.residual(f"{prefix}.output", inner, inputs)
