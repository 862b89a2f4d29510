"""Fit the layers of a cut network to those of the full one, before it is taught.

He et al. 2017, "Channel pruning for accelerating very deep neural networks", section 3.1, remove
inputs of a layer and then fit its weights by least squares, such that its outputs change least.
Here, the input of each normalization is fitted, in the order of the network, so that a layer also
corrects the errors of the layers before it. Imports TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from models.input_roles import IDS, MASK, SEGMENTS
from models.networks.blocks import Blocks, Tensor, Weights
from models.networks.encoder import embed, encode_layer, head
from models.shrinking.inherit import CLASSIFIER, LAYER
from models.shrinking.regression import Regression
from models.training import batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

BATCH = 64
# Number of texts to observe. The last layer sees one token of each, and has up to 1,536 inputs.
WATCHED = 2048
# The two sums of a layer: names of the normalizations after attention and feed-forward network.
ATTENTION, FEEDFORWARD = "attention.output", "output"
NORM = ("LayerNorm.weight", "LayerNorm.bias")


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


def reconstruct(full: Network, cut: Network, layers: Sequence[int]) -> Values:
    """Fit the cut network to the full one on texts of the train split; return its weights.

    Args:
        full: the full network.
        cut: the network that was cut out of it, whose last layer computes only the first token.
        layers: indices of the full network's layers that were kept, ascending. The last of them is
            fitted to the full network's last layer, whose normalization it gets.

    Returns:
        The weights by name; those of `cut` if no text consists of the same tokens for both.
    """
    rows = _same_tokens(full.train, cut.train)
    if not rows.size:
        return cut.values
    original, fitted = _Running(full, rows), _Running(cut, rows)
    for number, layer in enumerate(layers):
        sums = original.run(until=layer)
        fitted.fit(f"{LAYER}.{number}.{ATTENTION}", sums[f"{LAYER}.{layer}.{ATTENTION}"])
        source = layer
        if number == len(layers) - 1 and layer < full.shape.layers - 1:
            source = full.shape.layers - 1
            sums = original.run(until=source)
        fitted.values |= _norm(full.values, f"{LAYER}.{source}.{FEEDFORWARD}", number)
        fitted.fit(f"{LAYER}.{number}.{FEEDFORWARD}", sums[f"{LAYER}.{source}.{FEEDFORWARD}"])
        fitted.run(until=number)
    fitted.fit_head(original.logits())
    return fitted.values


def _same_tokens(full: Encoded, cut: Encoded) -> NDArray[np.int64]:
    """Return the indices of the first texts that have as many tokens for both networks.

    The cut network splits a word into more pieces if it lacks the word's own piece.
    """
    same = (full.mask == cut.mask).all(axis=1)
    return np.flatnonzero(same)[:WATCHED]


def _norm(values: Values, source: str, number: int) -> Values:
    """Return the full network's normalization `source`, named as that of the layer `number`."""
    target = f"{LAYER}.{number}.{FEEDFORWARD}"
    return {f"{target}.{part}": values[f"{source}.{part}"] for part in NORM}


class _Running:
    """A network that computes its layers one after the other, each for all observed texts.

    Args:
        network: the network.
        rows: indices of the texts.
    """

    def __init__(self, network: Network, rows: NDArray[np.int64]) -> None:
        self.values = dict(network.values)
        self._shape = network.shape
        self._layers = 0
        self._batches = [
            batches.cut(network.train, rows[start : start + BATCH])
            for start in range(0, len(rows), BATCH)
        ]
        blocks = self._blocks()
        self._states = [embed(blocks, b[IDS], tf.constant(b[SEGMENTS])) for b in self._batches]

    def run(self, until: int) -> dict[str, list[Tensor]]:
        """Compute the next layers, up to and including the layer `until`.

        Returns:
            The sums before the normalizations of the last of these layers, one tensor [texts,
            tokens, hidden] for each batch, by the name of the normalization.
        """
        sums: dict[str, list[Tensor]] = {}
        for layer in range(self._layers, until + 1):
            sums = {}
            for number, (watching, states) in enumerate(self._through(layer)):
                self._states[number] = states
                for name, tensor in watching.sums.items():
                    sums.setdefault(name, []).append(tensor)
        self._layers = until + 1
        return sums

    def fit(self, name: str, targets: list[Tensor]) -> None:
        """Fit the dense layer before a normalization of the next layer.

        Args:
            name: the normalization.
            targets: the wanted sums before it, [texts, tokens, hidden] for each batch. There may be
                more tokens than the layer computes.
        """
        dense, regression = f"{name}.dense", Regression()
        watched = zip(self._through(self._layers), self._batches, targets, strict=True)
        for (watching, _), batch, target in watched:
            inputs, sums = watching.inputs[dense], watching.sums[name]
            tokens = sums.shape[1]
            real = batch[MASK][:, :tokens].astype(bool)
            regression.add(inputs.numpy()[real], (target[:, :tokens] - sums).numpy()[real])
        self._correct(dense, regression)

    def logits(self) -> list[Tensor]:
        """Return the logits [texts, classes] of each batch, after the last layer."""
        blocks = self._blocks()
        return [head(blocks, states[:, 0]) for states in self._states]

    def fit_head(self, targets: list[Tensor]) -> None:
        """Fit the classifier, after the last layer, to logits [texts, classes] of each batch."""
        regression = Regression()
        for states, target in zip(self._states, targets, strict=True):
            watching = self._blocks()
            logits = head(watching, states[:, 0])
            regression.add(watching.inputs[CLASSIFIER].numpy(), (target - logits).numpy())
        self._correct(CLASSIFIER, regression)

    def _correct(self, dense: str, regression: Regression) -> None:
        weight, bias = regression.solve()
        self.values[f"{dense}.weight"] = self.values[f"{dense}.weight"] + weight
        self.values[f"{dense}.bias"] = self.values[f"{dense}.bias"] + bias

    def _through(self, layer: int) -> Iterator[tuple[_Watching, Tensor]]:
        """Compute a layer; yield each batch's blocks and the states after the layer."""
        weights = self._blocks().weights
        for states, batch in zip(self._states, self._batches, strict=True):
            watching = _Watching(weights, self._shape)
            bias = watching.mask_bias(tf.constant(batch[MASK]))
            yield watching, encode_layer(watching, layer, states, bias)

    def _blocks(self) -> _Watching:
        weights = {name: tf.constant(value) for name, value in self.values.items()}
        return _Watching(weights, self._shape)


class _Watching(Blocks):
    """Building blocks that keep what a layer computes."""

    def __init__(self, weights: Weights, shape: Architecture) -> None:
        super().__init__(weights, shape)
        object.__setattr__(self, "inputs", {})
        object.__setattr__(self, "sums", {})

    inputs: dict[str, Tensor]
    sums: dict[str, Tensor]

    def dense(self, name: str, inputs: Tensor) -> Tensor:
        """Keep the inputs of a dense layer, and compute it."""
        self.inputs[name] = inputs
        return super().dense(name, inputs)

    def norm(self, name: str, inputs: Tensor) -> Tensor:
        """Keep the sum before a normalization, and normalize it."""
        self.sums[name] = inputs
        return super().norm(name, inputs)
