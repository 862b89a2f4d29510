"""List the named parameters of an architecture: shapes, order, initial values.

Names are those of Hugging Face's published BERT and MobileBERT checkpoints without the family's
prefix. Matrices are [outputs, inputs], as in these checkpoints, so that a checkpoint can be read by
name without a table of exceptions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from models.networks.architecture import Architecture

Values = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Parameter:
    """One tensor of a network. In training, weight decay applies to matrices, not to vectors."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the number of values in the tensor."""
        return math.prod(self.shape)

    @property
    def decayed(self) -> bool:
        """Return whether weight decay applies; biases and norms have none (Devlin et al. 2019)."""
        return len(self.shape) > 1


def parameters(shape: Architecture) -> tuple[Parameter, ...]:
    """Return every parameter of the classifier, in a fixed order."""
    return tuple(parameter for part in parts(shape).values() for parameter in part)


def parts(shape: Architecture) -> dict[str, tuple[Parameter, ...]]:
    """Return the parameters by part of the network: embeddings, layers, pooler, classifier."""
    layers = (_layer(f"encoder.layer.{layer}", shape) for layer in range(shape.layers))
    pooler = _dense("pooler.dense", shape.hidden, shape.hidden) if shape.pooled else ()
    return {
        "embeddings": tuple(_embeddings(shape)),
        "encoder_layers": tuple(parameter for layer in layers for parameter in layer),
        "pooler": tuple(pooler),
        "classifier": tuple(_dense("classifier", shape.hidden, shape.classes)),
    }


def counts(shape: Architecture) -> dict[str, int]:
    """Return the number of trainable values by part of the network."""
    return {name: sum(parameter.size for parameter in part) for name, part in parts(shape).items()}


def count(shape: Architecture) -> int:
    """Return the number of trainable values of the classifier."""
    return sum(parameter.size for parameter in parameters(shape))


def initial_values(shape: Architecture, seed: int) -> Values:
    """Draw the initial values of the whole classifier: float32 arrays by parameter name."""
    return draw(parameters(shape), shape.initializer_range, seed)


def draw(parameters_wanted: Iterable[Parameter], deviation: float | None, seed: int) -> Values:
    """Draw the initial values of some parameters: float32 arrays by parameter name.

    Matrices are drawn from a normal distribution that is clipped at two standard deviations; with
    `deviation` None, the deviation is Glorot's. Norm weights are one, everything else zero.
    """
    generator = np.random.default_rng(seed)
    return {
        parameter.name: _initial(parameter, deviation, generator) for parameter in parameters_wanted
    }


def _initial(
    parameter: Parameter, deviation: float | None, generator: np.random.Generator
) -> NDArray[np.float32]:
    if len(parameter.shape) == 1:
        value = 1.0 if parameter.name.endswith("LayerNorm.weight") else 0.0
        return np.full(parameter.shape, value, np.float32)
    if deviation is None:
        embedding = "embeddings.weight" in parameter.name
        deviation = 0.05 if embedding else math.sqrt(2.0 / sum(parameter.shape))
    draws = generator.standard_normal(parameter.shape)
    return (np.clip(draws, -2.0, 2.0) * deviation).astype(np.float32)


def _dense(name: str, inputs: int, outputs: int) -> Iterator[Parameter]:
    yield Parameter(f"{name}.weight", (outputs, inputs))
    yield Parameter(f"{name}.bias", (outputs,))


def _norm(name: str, size: int) -> Iterator[Parameter]:
    yield Parameter(f"{name}.LayerNorm.weight", (size,))
    yield Parameter(f"{name}.LayerNorm.bias", (size,))


def _embeddings(shape: Architecture) -> Iterator[Parameter]:
    yield Parameter("embeddings.word_embeddings.weight", (shape.vocabulary, shape.embedding))
    yield Parameter("embeddings.position_embeddings.weight", (shape.positions, shape.hidden))
    yield Parameter("embeddings.token_type_embeddings.weight", (shape.types, shape.hidden))
    if shape.embedding_transformed:
        inputs = shape.embedding * (3 if shape.trigram_embedding else 1)
        yield from _dense("embeddings.embedding_transformation", inputs, shape.hidden)
    yield from _norm("embeddings", shape.hidden)


def _attention(prefix: str, shape: Architecture) -> Iterator[Parameter]:
    inner = shape.inner
    query_inputs = shape.hidden if shape.attention_input == "hidden" else inner
    value_inputs = inner if shape.attention_input == "bottleneck" else shape.hidden
    yield from _dense(f"{prefix}.self.query", query_inputs, shape.attended)
    yield from _dense(f"{prefix}.self.key", query_inputs, shape.attended)
    yield from _dense(f"{prefix}.self.value", value_inputs, shape.attended)
    yield from _dense(f"{prefix}.output.dense", shape.attended, inner)
    yield from _norm(f"{prefix}.output", inner)


def _feedforward(prefix: str, inner: int, intermediate: int) -> Iterator[Parameter]:
    yield from _dense(f"{prefix}.intermediate.dense", inner, intermediate)
    yield from _dense(f"{prefix}.output.dense", intermediate, inner)
    yield from _norm(f"{prefix}.output", inner)


def _layer(prefix: str, shape: Architecture) -> Iterator[Parameter]:
    inner = shape.inner
    if shape.bottleneck:
        yield from _dense(f"{prefix}.bottleneck.input.dense", shape.hidden, inner)
        yield from _norm(f"{prefix}.bottleneck.input", inner)
    if shape.attention_input == "shared":
        yield from _dense(f"{prefix}.bottleneck.attention.dense", shape.hidden, inner)
        yield from _norm(f"{prefix}.bottleneck.attention", inner)
    yield from _attention(f"{prefix}.attention", shape)
    for index in range(shape.feedforward_networks - 1):
        yield from _feedforward(f"{prefix}.ffn.{index}", inner, shape.intermediate)
    yield from _feedforward(prefix, inner, shape.intermediate)
    if shape.bottleneck:
        yield from _dense(f"{prefix}.output.bottleneck.dense", inner, shape.hidden)
        yield from _norm(f"{prefix}.output.bottleneck", shape.hidden)
