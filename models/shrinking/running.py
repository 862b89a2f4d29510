"""Run a network step by step on many texts, and watch what it computes. Imports TensorFlow."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from models.input_roles import IDS, MASK, SEGMENTS
from models.networks.blocks import Blocks, Tensor, Weights
from models.networks.encoder import embed, encode_layer, head
from models.shrinking.inherit import CLASSIFIER, WIDEN
from models.shrinking.inputs import Inputs
from models.shrinking.regression import Regression
from models.training import batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

BATCH = 64
# The dense layers that are not named after the normalization of their sum.
DENSE = {"embeddings": WIDEN, CLASSIFIER: CLASSIFIER}
# The tensors of one sum, one [texts, tokens, hidden] or [texts, classes] for each batch, by name.
Sums = dict[str, list[Tensor]]


@dataclass(frozen=True)
class Network:
    """A network and the train split as encoded for it.

    Attributes:
        shape: the architecture.
        values: the weights by name.
        train: the train split.
    """

    shape: Architecture
    values: Values
    train: Encoded


class Running:
    """A network that takes one step after the other, each for all observed texts.

    The steps are the embeddings, each layer, and the head. A *sum* is the input of a normalization:
    the output of a dense layer plus what bypasses that layer. It has the normalization's name. The
    head has one sum, the logits, which has the classifier's name.

    Attributes:
        values: the weights by name. Changes count from the next step on.
        steps: number of steps.
        taken: number of steps that have been taken.

    Args:
        network: the network.
        rows: indices of the texts to observe.
    """

    def __init__(self, network: Network, rows: NDArray[np.int64]) -> None:
        self.values = dict(network.values)
        self.steps = network.shape.layers + 2
        self.taken = 0
        self._shape = network.shape
        self._batches = [
            batches.cut(network.train, rows[start : start + BATCH])
            for start in range(0, len(rows), BATCH)
        ]
        self._states: list[Tensor] = [None] * len(self._batches)

    def advance(self) -> Sums:
        """Take the next step; return its sums."""
        sums: Sums = {}
        for number, watching in enumerate(self.watch()):
            self._states[number] = watching.states
            for name, tensor in watching.sums.items():
                sums.setdefault(name, []).append(tensor)
        self.taken += 1
        return sums

    def advance_through(self, layer: int) -> Sums:
        """Take all steps up to and including the layer of this index; return its sums."""
        sums: Sums = {}
        while self.taken <= layer + 1:
            sums = self.advance()
        return sums

    def dense_layers(self) -> list[list[str]]:
        """Return the names of the next step's dense layers, in the order of their use.

        Neighbours that have the same inputs are in one list.
        """
        inputs = next(self.watch()).inputs
        return [list(names) for _, names in itertools.groupby(inputs, lambda n: id(inputs[n]))]

    def inputs(self, dense: str) -> Inputs:
        """Sum up the inputs that the texts give to a dense layer of the next step."""
        inputs = Inputs()
        for watching in self.watch():
            inputs.add(watching.rows(watching.inputs[dense]))
        return inputs

    def fit(self, name: str, targets: list[Tensor]) -> Inputs:
        """Change the dense layer before a sum of the next step, so that the sum equals `targets`.

        Args:
            name: the sum's name.
            targets: the wanted values of the sum, one tensor for each batch. There may be more
                tokens than the step computes.

        Returns:
            The sums over the dense layer's inputs.
        """
        dense, regression = dense_of(name), Regression()
        for watching, target in zip(self.watch(), targets, strict=True):
            found = watching.sums[name]
            errors = watching.rows(target[:, : found.shape[1]] - found)
            regression.add(watching.rows(watching.inputs[dense]), errors)
        for part, change in zip(("weight", "bias"), regression.solve(), strict=True):
            self.values[f"{dense}.{part}"] = self.values[f"{dense}.{part}"] + change
        return regression.inputs

    def watch(self) -> Iterator[Watching]:
        """Compute the next step, without taking it; yield what it computed for each batch."""
        weights = {name: tf.constant(value) for name, value in self.values.items()}
        for states, batch in zip(self._states, self._batches, strict=True):
            watching = Watching(weights, self._shape, batch)
            watching.compute(self.taken, states)
            yield watching


class Watching(Blocks):
    """Compute one step for one batch, and keep the inputs and sums of the step.

    Attributes:
        inputs: inputs of the dense layers by the layer's name.
        sums: the sums by name, see `Running`.
        states: the hidden states after the step.
    """

    def __init__(self, weights: Weights, shape: Architecture, batch: batches.Inputs) -> None:
        super().__init__(weights, shape)
        object.__setattr__(self, "inputs", {})
        object.__setattr__(self, "sums", {})
        object.__setattr__(self, "_batch", batch)

    inputs: dict[str, Tensor]
    sums: dict[str, Tensor]
    states: Tensor
    _batch: batches.Inputs

    def compute(self, step: int, states: Tensor) -> None:
        """Compute a step, given the states after the step before."""
        if step == 0:
            states = embed(self, self._batch[IDS], tf.constant(self._batch[SEGMENTS]))
        elif step <= self.shape.layers:
            bias = self.mask_bias(tf.constant(self._batch[MASK]))
            states = encode_layer(self, step - 1, states, bias)
        else:
            self.sums[CLASSIFIER] = head(self, states[:, 0])
        object.__setattr__(self, "states", states)

    def rows(self, tensor: Tensor) -> NDArray[np.float32]:
        """Return the rows of a tensor [texts, tokens, width] that belong to tokens, not padding.

        A tensor without tokens [texts, width] is returned whole.
        """
        rows: NDArray[np.float32] = tensor.numpy()
        if rows.ndim == 2:  # noqa: PLR2004 - the axes [texts, width]
            return rows
        of_tokens: NDArray[np.bool_] = self._batch[MASK][:, : rows.shape[1]].astype(bool)
        return rows[of_tokens]

    def dense(self, name: str, inputs: Tensor) -> Tensor:
        """Keep the inputs of a dense layer, and compute it."""
        self.inputs[name] = inputs
        return super().dense(name, inputs)

    def norm(self, name: str, inputs: Tensor) -> Tensor:
        """Keep the sum before a normalization, and normalize it."""
        self.sums[name] = inputs
        return super().norm(name, inputs)


def dense_of(name: str) -> str:
    """Return the name of the dense layer that adds its output to the sum `name`."""
    return DENSE.get(name, f"{name}.dense")
