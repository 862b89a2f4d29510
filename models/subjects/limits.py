"""Check from a subject's file alone that its networks are not too large.

The parameters of a network are counted without building it, and the memory of a training step is
estimated from the arrays that grow with its batch. The estimate is rough, but sufficient: numbers
that are each allowed can multiply to a thousand times the memory of any machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.subjects import NetworkTable, TrainingTable

# Maximum number of parameters: a FlatBuffer has up to 2 GiB, and the reference stores them in
# float32.
MOST_PARAMETERS = 2**31 // 4
# Maximum memory of a training step, in bytes: that of a large server.
MOST_STEP_BYTES = 2**38
# Assumed size of a WordPiece vocabulary if the subject gives none.
_USUAL_VOCABULARY = 4000
_FLOAT_BYTES = 4
# Arrays per token of a layer: input, query, key, value, context, two sums, two norms, and the
# gradient of each.
_KEPT_OF_A_LAYER = 18


def about_parameters(network: NetworkTable, vocabulary: int | None, tokens: int) -> int:
    """Estimate the number of parameters of a network from its table; the error is below 10 %."""
    inner = network.bottleneck or network.hidden
    embedding = network.embedding or network.hidden
    words = (vocabulary or _USUAL_VOCABULARY) * embedding + tokens * network.hidden
    widening = embedding * network.hidden * (3 if network.trigram_embedding else 1)
    attention = 4 * inner * inner
    bottlenecks = 3 * network.hidden * inner if network.bottleneck else 0
    feedforward = 2 * inner * network.intermediate * (network.feedforward_networks or 1)
    return words + widening + network.layers * (attention + bottlenecks + feedforward)


def about_step_bytes(network: NetworkTable, training: TrainingTable, tokens: int) -> int:
    """Estimate the memory of one part of a training batch, in bytes."""
    rows = -(-training.batch // training.accumulation)
    inner = network.bottleneck or network.hidden
    of_token = _KEPT_OF_A_LAYER * (inner + (network.hidden if network.bottleneck else 0))
    of_token += 4 * network.intermediate * (network.feedforward_networks or 1)
    of_token += 4 * network.heads * tokens
    return rows * tokens * network.layers * of_token * _FLOAT_BYTES


def too_large(
    network: NetworkTable, training: TrainingTable, vocabulary: int | None, tokens: int
) -> str | None:
    """Return a message if a network or its training exceeds a limit; otherwise None."""
    parameters = about_parameters(network, vocabulary, tokens)
    if parameters > MOST_PARAMETERS:
        return (
            f"its network would have about {parameters:,} parameters, and a FlatBuffer of 2 GiB "
            f"holds {MOST_PARAMETERS:,} in float32: lower `layers`, `hidden`, `intermediate` or "
            "`tokenizer.vocabulary`"
        )
    step = about_step_bytes(network, training, tokens)
    if step > MOST_STEP_BYTES:
        return (
            f"a training step would take about {step / 2**30:,.0f} GiB, and the limit is "
            f"{MOST_STEP_BYTES / 2**30:.0f}: lower `training.batch` or raise "
            "`training.accumulation`"
        )
    return None
