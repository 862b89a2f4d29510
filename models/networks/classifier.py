"""Define the trainable classifier: an encoder, its pooler if it has one, and a linear head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from models.input_roles import IDS, MASK, SEGMENTS
from models.networks.blocks import Blocks, Tensor, keep
from models.networks.encoder import embed, encode_layer, head
from models.networks.parameters import Parameter, Values, parameters

if TYPE_CHECKING:
    from models.networks.architecture import Architecture


def forward(blocks: Blocks, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
    """Return the logits [batch, classes] for ids, mask and types, each [batch, tokens]."""
    states, bias = embed(blocks, ids, types), blocks.mask_bias(mask)
    for layer in range(blocks.shape.layers):
        states = encode_layer(blocks, layer, states, bias)
    return head(blocks, states[:, 0])


class Classifier(keras.Model):  # type: ignore[misc] # keras ships no types
    """A Keras model with two flat variables: the parameters with weight decay, and the others.

    An optimizer spends most of its time on the overhead per variable if there are a thousand small
    ones. With two long vectors, a deep network trains about 1.5 times as fast.

    Args:
        shape: the architecture.
        values: initial values by parameter name.
        seed: seed of dropout.
        precision: Keras's name for the types of computation and variables.
    """

    def __init__(
        self, shape: Architecture, values: Values, seed: int, precision: str = "float32"
    ) -> None:
        super().__init__(dtype=precision)
        self.shape = shape
        everything = parameters(shape)
        self._matrices = [p for p in everything if p.decayed]
        self._vectors = [p for p in everything if not p.decayed]
        self.decayed = self._flat("matrices", self._matrices, values)
        self.undecayed = self._flat("vectors", self._vectors, values)
        self._dropout_seeds = keras.random.SeedGenerator(seed)
        self.built = True

    def _flat(self, name: str, group: list[Parameter], values: Values) -> Any:
        flat = np.concatenate([values[p.name].ravel() for p in group])
        variable = self.add_weight(shape=flat.shape, name=name, initializer="zeros")
        variable.assign(flat)
        return variable

    def weights_by_name(self) -> dict[str, Tensor]:
        """Return the parameters as tensors cut out of the flat variables."""
        return {
            **_cut(self.decayed.value, self._matrices),
            **_cut(self.undecayed.value, self._vectors),
        }

    def values_by_name(self) -> Values:
        """Return the parameters as float32 arrays by name."""
        return {name: ops.convert_to_numpy(t) for name, t in self.weights_by_name().items()}

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:  # noqa: FBT001, FBT002 - Keras defines this signature
        """Return the logits [batch, classes] of a batch of rows."""
        drop = self._drop if training else keep
        return forward(
            Blocks(self.weights_by_name(), self.shape, drop),
            inputs[IDS],
            inputs[MASK],
            inputs[SEGMENTS],
        )

    def _drop(self, tensor: Tensor, rate: float) -> Tensor:
        if not rate:
            return tensor
        return keras.random.dropout(tensor, rate, seed=self._dropout_seeds)


def _cut(flat: Tensor, group: list[Parameter]) -> dict[str, Tensor]:
    ends = np.cumsum([p.size for p in group])[:-1].tolist()
    parts = ops.split(flat, ends)
    return {p.name: ops.reshape(part, p.shape) for p, part in zip(group, parts, strict=True)}
