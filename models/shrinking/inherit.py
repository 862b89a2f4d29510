"""Derive the shape and the initial weights of a small model from the full one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.errors import UsageMistake
from models.networks.parameters import parameters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.subjects import ShrunkTable

WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"
WIDEN = "embeddings.embedding_transformation"
LAYER = "encoder.layer"
# Dense layers of a feed-forward network: from the hidden width to its units, and back.
INTO, OUT = "intermediate.dense", "output.dense"
# Dense layers of attention: from the hidden width to the heads, and back.
QUERY, KEY, VALUE = (f"attention.self.{name}" for name in ("query", "key", "value"))
ATTENDED = "attention.output.dense"
POOLER, CLASSIFIER = "pooler.dense", "classifier"


@dataclass(frozen=True)
class Pieces:
    """The word pieces that a small model keeps.

    Attributes:
        numbers: the id of each piece in the full vocabulary, [pieces].
        uses: how often the train split uses each piece, [pieces].
    """

    numbers: NDArray[np.int64]
    uses: NDArray[np.int64]


def shrink_shape(
    full: Architecture, table: ShrunkTable, *, vocabulary: int, positions: int
) -> Architecture:
    """Return the architecture of the full model, reduced to the sizes in `table`.

    With `distillation` it has no dropout, which would keep a small model from answering like the
    full one.

    Raises:
        UsageMistake: the full model lacks a layer that `table` names, or is smaller than `table`
            requires.
    """
    layers = table.layers or tuple(range(full.layers))
    _require(
        max(layers) < full.layers,
        "layers",
        f"the full model has only {full.layers} layers, numbered from 0",
    )
    for key in ("heads", "intermediate", "embedding"):
        requested, available = getattr(table, key), getattr(full, key)
        _require(
            requested is None or requested <= available, key, f"the full model has only {available}"
        )
        can_shrink = full.family == "bert" or requested is None
        _require(can_shrink, key, "only a full model of the family bert can be shrunk in this way")
    embedding, heads = table.embedding or full.embedding, table.heads or full.heads
    taught = table.distillation is not None
    return replace(
        full,
        # MobileBERT without bottlenecks is BERT whose word vectors may be narrower than the
        # network.
        family="mobilebert" if embedding != full.embedding else full.family,
        vocabulary=vocabulary,
        positions=positions,
        layers=len(layers),
        heads=heads,
        attention_width=None if heads == full.heads else full.width_of(heads),
        intermediate=table.intermediate or full.intermediate,
        embedding=embedding,
        activation=table.activation or full.activation,
        dropout=0.0 if taught else full.dropout,
        attention_dropout=0.0 if taught else full.attention_dropout,
        classifier_dropout=0.0 if taught else full.classifier_dropout,
        pooled=full.pooled and table.pooler is not False,
        # The classifier reads no other token of the last layer.
        first_token_last=True,
    )


def shrink_values(
    values: Values,
    small: Architecture,
    layers: Iterable[int],
    pieces: Pieces,
    activity: dict[str, NDArray[np.float64]],
) -> Values:
    """Return the weights of `small` by name, cut out of the full model's weights.

    Args:
        values: the weights of the full model by name.
        small: the small architecture, see `shrink_shape`.
        layers: indices of the full model's layers to keep.
        pieces: the word pieces to keep.
        activity: sum of squares of each input of a dense layer, [inputs] by the layer's name.
    """
    shrunk = {name: value for name, value in values.items() if not name.startswith(LAYER)}
    shrunk[WORDS] = values[WORDS][pieces.numbers]
    shrunk[POSITIONS] = values[POSITIONS][: small.positions]
    if small.embedding != values[WORDS].shape[1]:
        shrunk |= _factorize_words(shrunk[WORDS], pieces.uses, small.embedding)
    if f"{POOLER}.weight" in values and not small.pooled:
        shrunk |= _merge_pooler(values)
    for number, layer in enumerate(layers):
        prefix = f"{LAYER}.{layer}."
        of_layer = {n.removeprefix(prefix): v for n, v in values.items() if n.startswith(prefix)}
        if of_layer[f"{QUERY}.bias"].size != small.attended:
            of_layer |= _keep_busiest_heads(of_layer, activity[f"{prefix}{ATTENDED}"], small)
        if of_layer[f"{INTO}.bias"].size != small.intermediate:
            of_layer |= _keep_busiest_units(
                of_layer, activity[f"{prefix}{OUT}"], small.intermediate
            )
        shrunk |= {f"{LAYER}.{number}.{name}": value for name, value in of_layer.items()}
    return {p.name: np.ascontiguousarray(shrunk[p.name]) for p in parameters(small)}


def _factorize_words(words: NDArray[np.float32], uses: NDArray[np.int64], width: int) -> Values:
    """Factorize word vectors into narrower ones and a matrix, with the least weighted error.

    This is a singular value decomposition. The weight of a word is its number of uses in the train
    split plus one, so that unused words count too.
    """
    weighted = words.astype(np.float64) * np.sqrt(uses + 1.0)[:, None]
    _, directions = np.linalg.eigh(weighted.T @ weighted)
    leading = directions[:, ::-1][:, :width].astype(np.float32)
    return {
        WORDS: words @ leading,
        f"{WIDEN}.weight": leading,
        f"{WIDEN}.bias": np.zeros(len(leading), np.float32),
    }


def _merge_pooler(values: Values) -> Values:
    """Merge the pooler into the classifier, without its tanh; return the classifier's weights."""
    weight, pooler = values[f"{CLASSIFIER}.weight"], values[f"{POOLER}.weight"]
    bias = weight @ values[f"{POOLER}.bias"] + values[f"{CLASSIFIER}.bias"]
    return {f"{CLASSIFIER}.weight": weight @ pooler, f"{CLASSIFIER}.bias": bias}


def _keep_busiest_units(layer: Values, activity: NDArray[np.float64], units: int) -> Values:
    """Return the weights of a layer's feed-forward network, reduced to its most effective units.

    These are the units that add most to its output.
    """
    chosen = _largest(_effect_on_output(layer[f"{OUT}.weight"], activity), units)
    return {
        f"{INTO}.weight": layer[f"{INTO}.weight"][chosen],
        f"{INTO}.bias": layer[f"{INTO}.bias"][chosen],
        f"{OUT}.weight": layer[f"{OUT}.weight"][:, chosen],
    }


def _keep_busiest_heads(
    layer: Values, activity: NDArray[np.float64], small: Architecture
) -> Values:
    """Return the weights of a layer's attention, reduced to the heads that add most to its output.

    Michel et al. 2019, "Are sixteen heads really better than one?", show that many heads can be
    removed.
    """
    size = small.attended // small.heads
    effect = _effect_on_output(layer[f"{ATTENDED}.weight"], activity).reshape(-1, size).sum(axis=1)
    heads = _largest(effect, small.heads)
    chosen = (heads[:, None] * size + np.arange(size)).ravel()
    into = {
        f"{name}.{part}": layer[f"{name}.{part}"][chosen]
        for name in (QUERY, KEY, VALUE)
        for part in ("weight", "bias")
    }
    return into | {f"{ATTENDED}.weight": layer[f"{ATTENDED}.weight"][:, chosen]}


def _effect_on_output(
    outgoing: NDArray[np.float32], activity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how much each input of a dense layer adds to its output, as a sum of squares."""
    squares: NDArray[np.float64] = (outgoing.astype(np.float64) ** 2).sum(axis=0)
    return activity * squares


def _largest(effect: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the indices of the `count` largest values, ascending."""
    return np.sort(np.argsort(-effect, kind="stable")[:count])


def _require(condition: bool, key: str, problem: str) -> None:  # noqa: FBT001 - reads as a condition
    if not condition:
        raise UsageMistake(
            problem, key=f"shrunk.{key}", remedy="Ask for no more than the full model has"
        )
