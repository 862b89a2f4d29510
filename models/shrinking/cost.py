"""Estimate the size and the speed of a network as a FlatBuffer of four-bit weights.

Both follow from the network's shape alone, so that a search finds the same network on every
machine. Speed is a multiple of the speed of the paper's recipe. The estimated size is within 1 % of
the file's. The estimated time holds for one thread of one processor: x86-64 with AMX,
ai-edge-litert 2.3, XNNPACK. The five rates are fitted to the fastest answers of nine files at four
lengths each (one to five layers of 4 to 12 heads and 64 to 1,536 units; 76 to 1,763 microseconds),
and each estimate is within 6 % of the measured time. Kernels of XNNPACK compute sixteen rows
together.

In a race against the paper's recipe a network takes longer, because the caches hold the other
network's weights when its turn begins: `times_paper` allows for it. The gate of a goal measures
the speed that is estimated here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.networks.architecture import Architecture

# Bytes for each row of an integer matrix: a float32 scale and an int64 zero point; bytes of a
# float32.
SCALE, ZERO_POINT, FLOAT = 4, 8, 4
# Minimum number of elements of an added constant that models/flatbuffers/added_constants.py stores
# as int8.
LARGE = 4096
# Bytes besides the constants: per file, per graph, and per layer of a graph.
FILE, GRAPH, GRAPH_OF_LAYER = 5_800, 1_900, 5_000
# Number of operators per graph, and per layer of a graph.
OPERATORS, OPERATORS_OF_LAYER = 25, 38
# How often operators other than products read each of the rows * width elements: outside of the
# layers, in each layer, and in a last layer that computes only the first token. Then the same for
# the rows * attention width elements, in each layer and in such a last layer.
PASSES, PASSES_OF_LAYER, PASSES_OF_LAST = 8, 22, 2
PASSES_OF_HEADS, PASSES_OF_LAST_HEADS = 8, 4
# Number of rows that a kernel computes together.
TILE = 16
# Microseconds per operator, and per element that an operator reads; multiply-accumulates per
# microsecond for products of many rows with weights, of a single row with weights, and of rows with
# rows.
OPERATOR, ELEMENT = 0.140, 1 / 6920
OF_ROWS, OF_ONE_ROW, OF_ATTENTION = 455_000, 27_200, 42_400
# Microseconds of a text outside of the graph: tokenizing, checks, inputs and label.
TEXT = 25.0
# In a race against the recipe, in turns, a text takes RACE_START microseconds plus RACE_SHARE times
# its own time. This is within 7 % of the races of three files for airline, two of them raced twice.
RACE_START, RACE_SHARE = 50.0, 1.14
# Microseconds of an inference by the paper's recipe: MobileBERT with 24 layers as dynamic int8,
# with 128 tokens (models/paper_recipe.py); the fastest of 150 on the same processor.
PAPER = 12_800.0


def file_bytes(shape: Architecture, lengths: Sequence[int]) -> int:
    """Estimate the size of a network's file with weights and word vectors in four bits, in bytes.

    Args:
        shape: the network, of the family BERT or with narrow word vectors.
        lengths: row lengths of its graphs, in tokens.
    """
    hidden, units, attended = shape.hidden, shape.intermediate, shape.attended
    norms = (1 + 2 * shape.layers) * 2 * FLOAT * hidden
    bytes_of_layer = 3 * _dense(hidden, attended) + _dense(attended, hidden)
    bytes_of_layer += _dense(hidden, units) + _dense(units, hidden)
    total = _rows(shape.vocabulary, shape.embedding) + shape.vocabulary * ZERO_POINT
    total += norms + shape.layers * bytes_of_layer + _dense(hidden, shape.classes)
    if shape.embedding_transformed:
        total += _dense(shape.embedding, hidden)
    if shape.pooled:
        total += _dense(hidden, hidden)
    total += ZERO_POINT * (hidden + units + shape.classes)
    return FILE + total + sum(_graph(shape, tokens) for tokens in lengths)


def _graph(shape: Architecture, tokens: int) -> int:
    """Return the bytes that one graph for rows of `tokens` tokens adds to a file.

    They include its own copy of the position embeddings.
    """
    cells = tokens * shape.hidden
    positions = cells + FLOAT * shape.hidden if cells >= LARGE else FLOAT * cells
    return GRAPH + shape.layers * GRAPH_OF_LAYER + positions


def _rows(rows: int, width: int) -> int:
    return rows * (math.ceil(width / 2) + SCALE)


def _dense(inputs: int, outputs: int) -> int:
    """Return the size of a dense layer in bytes: its weights by row, and its bias."""
    return _rows(outputs, inputs) + FLOAT * outputs


def text_time(shape: Architecture, tokens: int) -> float:
    """Estimate the shortest time from a text's words to its label, in microseconds.

    Args:
        shape: the network.
        tokens: length of its row in tokens, padding included.
    """
    rows, hidden, attended = math.ceil(tokens / TILE) * TILE, shape.hidden, shape.attended
    short_layers = int(shape.first_token_last)
    full_layers = shape.layers - short_layers
    weights_of_layer = 2 * hidden * (2 * attended + shape.intermediate)
    products_of_rows = rows * (
        full_layers * weights_of_layer + short_layers * 2 * hidden * attended
    )
    if shape.embedding_transformed:
        products_of_rows += rows * shape.embedding * hidden
    products_of_one_row = (
        short_layers * (weights_of_layer - 2 * hidden * attended) + hidden * shape.classes
    )
    if shape.pooled:
        products_of_one_row += hidden * hidden
    passes = PASSES + full_layers * PASSES_OF_LAYER + short_layers * PASSES_OF_LAST
    passes_of_heads = full_layers * PASSES_OF_HEADS + short_layers * PASSES_OF_LAST_HEADS
    return (
        TEXT
        + OPERATOR * (OPERATORS + OPERATORS_OF_LAYER * shape.layers)
        + ELEMENT * rows * (hidden * passes + attended * passes_of_heads)
        + products_of_rows / OF_ROWS
        + products_of_one_row / OF_ONE_ROW
        + full_layers * 2 * rows * rows * attended / OF_ATTENTION
    )


def paper_time() -> float:
    """Return the time that the paper's recipe takes for a text, in microseconds."""
    return PAPER + TEXT


def times_paper(microseconds: float) -> float:
    """Estimate how many texts a network answers in a race while the paper's recipe answers one.

    Args:
        microseconds: the time of a text, as `text_time` estimates it.
    """
    return paper_time() / (RACE_START + RACE_SHARE * microseconds)


def multiplied(shape: Architecture, tokens: int) -> int:
    """Return the number of multiply-accumulates for the answer to a row of `tokens` tokens."""
    hidden, units, attended = shape.hidden, shape.intermediate, shape.attended
    total = hidden * shape.classes + (hidden * hidden if shape.pooled else 0)
    if shape.embedding_transformed:
        total += tokens * shape.embedding * hidden
    for layer in range(shape.layers):
        first_token_alone = shape.first_token_last and layer == shape.layers - 1
        rows_computed = 1 if first_token_alone else tokens
        total += 2 * tokens * hidden * attended  # keys and values
        total += rows_computed * (2 * hidden * (attended + units) + 2 * tokens * attended)
    return total
