"""Convert a runtime's outputs into labels and probabilities, by the meaning of the output.

output                                    raw value   label    probabilities
logits                                    [2, 0]      first    [0.881, 0.119] (softmax)
probabilities                             [0.7, 0.3]  first    [0.7, 0.3] (unchanged)
sigmoid with threshold 0.35, positive 1   0.4         second   [0.6, 0.4]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import EdgeproofError, UsageMistake

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.candidates.spec import OutputSpec
    from models.flatbuffers.structure import Quantization

    Floats = NDArray[np.float64]

# Label of a text with scores that are not finite.
NO_LABEL = -1
# Lower limit of probabilities before the logarithm: the smallest normal float32.
_SMALLEST = float(np.finfo(np.float32).tiny)
# How much a sum of float16 probabilities may differ from 1.
_SLACK = 0.01


@dataclass(frozen=True)
class Scores:
    """The labels and scores of n texts.

    Attributes:
        labels: labels [n], as indices; `NO_LABEL` for an answer that is not finite. For a single
            sigmoid, the threshold decides, not the larger probability.
        probabilities: probabilities [n, classes], which sum to 1; NaN and infinity are preserved.
        logits: logits [n, classes] whose softmax gives these probabilities; the values of the
            file's output, if that output is logits.
    """

    labels: NDArray[np.int64]
    probabilities: Floats
    logits: Floats


def scores_of(output: OutputSpec, raw: NDArray[Any], classes: int | None = None) -> Scores:
    """Convert a runtime's outputs into labels, probabilities and logits.

    Args:
        output: the output with its meaning.
        raw: the runtime's values for each text [n, ...].
        classes: number of labels, used if the file's output is dynamic.

    Raises:
        EdgeproofError: the values do not have a score for each label.
        UsageMistake: the values are declared to be probabilities, but are not.
    """
    values = real_values(raw.reshape(len(raw), -1), output.quantization)
    _check_width(output, values, classes)
    if output.threshold is not None and output.positive is not None:
        return _sided(output, values[:, 0], output.threshold, output.positive)
    if output.meaning == "logits":
        return _scores(values, softmax(values), values)
    if output.meaning == "log_probabilities":
        return _scores(values, np.exp(values), values)
    logits = logarithms(values)
    if output.meaning == "sigmoids":
        return _scores(values, softmax(logits), logits)
    if output.found == "declared":
        _check_probabilities(output, values)
    return _scores(values, values, logits)


def real_values(raw: NDArray[Any], quantization: Quantization | None) -> Floats:
    """Dequantize integers: (q - zero point) * scale; floats pass unchanged."""
    if quantization is None or raw.dtype.kind not in "iu":
        return raw.astype(np.float64)
    zero = (*quantization.zero_points, 0)[0]
    return np.asarray((raw.astype(np.float64) - zero) * quantization.scales[0])


def logarithms(probabilities: Floats) -> Floats:
    """Return logits [n, classes] whose softmax gives the probabilities."""
    return np.asarray(np.log(np.maximum(probabilities, _SMALLEST)), np.float64)


def softmax(logits: Floats) -> Floats:
    """Return the softmax of logits [n, classes]; NaN for a row with a value that is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _scores(values: Floats, probabilities: Floats, logits: Floats) -> Scores:
    return Scores(_finite_or_none(values, values.argmax(axis=1)), probabilities, logits)


def _sided(output: OutputSpec, values: Floats, threshold: float, positive: int) -> Scores:
    """Return the scores of both labels, from an output that is a single sigmoid or logit."""
    odds = values
    if output.meaning == "sigmoid":
        sure = np.clip(values, _SMALLEST, None)
        odds = np.log(sure) - np.log(np.clip(1.0 - values, _SMALLEST, None))
        probability = values
    else:
        probability = 0.5 * (1.0 + np.tanh(0.5 * values))
    columns = [1.0 - probability, probability]
    halves = [-odds / 2, odds / 2]
    order = (0, 1) if positive else (1, 0)
    labels = np.where(probability > threshold, positive, 1 - positive)
    return Scores(
        _finite_or_none(values[:, None], labels),
        np.stack([columns[i] for i in order], axis=1),
        np.stack([halves[i] for i in order], axis=1),
    )


def _finite_or_none(values: Floats, labels: NDArray[Any]) -> NDArray[np.int64]:
    return np.where(np.isfinite(values).all(axis=1), labels, NO_LABEL).astype(np.int64)


def _check_width(output: OutputSpec, values: Floats, classes: int | None) -> None:
    sided = output.threshold is not None
    expected = 1 if sided else (output.classes or classes)
    if expected is not None and values.shape[1] != expected:
        raise EdgeproofError(
            f"gives {values.shape[1]} numbers for each text, but {expected} were expected",
            key=output.name or output.tensor or f"output {output.position}",
            remedy="Name the output that contains the scores, and give one label for each score",
        )


def _check_probabilities(output: OutputSpec, values: Floats) -> None:
    """Reject values that are declared to be probabilities, but are negative or do not sum to 1."""
    scale = 0.0 if output.quantization is None else output.quantization.scales[0]
    slack = max(_SLACK, values.shape[1] * scale / 2)
    finite = np.isfinite(values).all(axis=1)
    sums = values.sum(axis=1)
    wrong = finite & ((np.abs(sums - 1.0) > slack) | (values < -slack).any(axis=1))
    if wrong.any():
        first = int(wrong.argmax())
        raise UsageMistake(
            f"is declared to contain probabilities, but {int(wrong.sum())} of "
            f"{len(values)} answers are not probabilities: those for text {first} begin with "
            f"{np.round(values[first][:4], 3).tolist()} and sum to {sums[first]:.3f}",
            key=output.name or output.tensor or f"output {output.position}",
            remedy='Declare meaning = "logits", or another meaning that fits',
        )
