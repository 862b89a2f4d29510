"""What a network costs as a FlatBuffer of four-bit weights: bytes, and time as of the paper's.

Both follow from its shape alone, so that a recipe finds the same network on every machine. Bytes
are within 1 % of the file's. Time is a model of one: multiply-accumulates, and as many more for
each operator and each text as they take on x86-64 with one thread (ai-edge-litert 2.3, XNNPACK),
where hybrid kernels do 145 of them in a nanosecond. What a text costs outside the graph is
estimated for a machine with nothing else to do; where it costs more, small networks gain less over
the paper's than this says. So what is promised is measured, by a gate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.networks.architecture import Architecture

# A scale in float32, and a zero point in int64, of each row of an integer matrix; a float32.
SCALE, ZERO_POINT, FLOAT = 4, 8, 4
# Elements from which on models/flatbuffers/added_constants.py stores an added constant as int8.
LARGE = 4096
# Bytes beside the constants: of a file, of each graph in it, and of each layer of a graph.
FILE, GRAPH, GRAPH_OF_LAYER = 5_800, 1_900, 5_000
# Operators of a graph, and of each layer of it.
OPERATORS, OPERATORS_OF_LAYER = 25, 38
# Multiply-accumulates that are done in the time of an operator, and of a text outside the graph:
# 0.55 and 80 microseconds.
OPERATOR, TEXT = 80_000, 11_600_000
# The paper's recipe: MobileBERT of 24 layers (Sun et al. 2020, table 1) as dynamic int8, every text
# padded to 128 tokens. Its multiply-accumulates, and its operators.
_PAPER_LAYERS, _PAPER_TOKENS, _PAPER_OPERATORS = 24, 128, 1700
_PAPER_HIDDEN, _PAPER_INNER, _PAPER_UNITS, _PAPER_NETWORKS = 512, 128, 512, 4


def file_bytes(shape: Architecture, lengths: Sequence[int]) -> int:
    """Estimate the bytes of a network's file, weights and word vectors in four bits.

    Args:
        shape: the network, of the family BERT or with narrow word vectors.
        lengths: of the rows that its graphs take, in tokens.
    """
    hidden, units = shape.hidden, shape.intermediate
    norms = (1 + 2 * shape.layers) * 2 * FLOAT * hidden
    of_layer = 4 * _dense(hidden, hidden) + _dense(hidden, units) + _dense(units, hidden)
    total = _rows(shape.vocabulary, shape.embedding) + shape.vocabulary * ZERO_POINT
    total += norms + shape.layers * of_layer + _dense(hidden, shape.classes)
    if shape.embedding_transformed:
        total += _dense(shape.embedding, hidden)
    if shape.pooled:
        total += _dense(hidden, hidden)
    total += ZERO_POINT * (hidden + units + shape.classes)
    return FILE + total + sum(_graph(shape, tokens) for tokens in lengths)


def _graph(shape: Architecture, tokens: int) -> int:
    """Return the bytes of one graph and of its positions, which it shares with no other."""
    cells = tokens * shape.hidden
    positions = cells + FLOAT * shape.hidden if cells >= LARGE else FLOAT * cells
    return GRAPH + shape.layers * GRAPH_OF_LAYER + positions


def _rows(rows: int, width: int) -> int:
    return rows * (math.ceil(width / 2) + SCALE)


def _dense(inputs: int, outputs: int) -> int:
    """Return the bytes of a dense layer: its weights by row, and its bias."""
    return _rows(outputs, inputs) + FLOAT * outputs


def text_cost(shape: Architecture, tokens: int) -> int:
    """Estimate what a text costs from its words to its label, in multiply-accumulates.

    Args:
        shape: the network.
        tokens: of its row, padding included.
    """
    operators = OPERATORS + OPERATORS_OF_LAYER * shape.layers
    return multiplied(shape, tokens) + operators * OPERATOR + TEXT


def multiplied(shape: Architecture, tokens: int) -> int:
    """Return the multiply-accumulates of one answer to a row of so many tokens."""
    hidden, units = shape.hidden, shape.intermediate
    total = hidden * shape.classes + (hidden * hidden if shape.pooled else 0)
    if shape.embedding_transformed:
        total += tokens * shape.embedding * hidden
    for layer in range(shape.layers):
        last = shape.first_token_last and layer == shape.layers - 1
        computed = 1 if last else tokens
        total += 2 * tokens * hidden * hidden  # keys and values
        total += computed * (2 * hidden * (hidden + units) + 2 * tokens * hidden)
    return total


def paper_cost() -> int:
    """Return what a text costs under the paper's recipe, in multiply-accumulates."""
    hidden, inner, units = _PAPER_HIDDEN, _PAPER_INNER, _PAPER_UNITS
    attention = 4 * hidden * inner + 3 * inner * inner
    of_token = attention + 2 * _PAPER_NETWORKS * inner * units
    scores = 2 * _PAPER_TOKENS * inner
    embedding = 3 * inner * hidden
    total = _PAPER_TOKENS * (_PAPER_LAYERS * (of_token + scores) + embedding)
    return total + _PAPER_OPERATORS * OPERATOR + TEXT
