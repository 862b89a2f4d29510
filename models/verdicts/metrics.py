"""Define the metrics: names, units, ranges, and checks of labels and logits.

Labels are integer arrays of shape [n], logits float arrays of shape [n, classes].
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from models import former_names
from models.errors import EdgeproofError, NotFinite, UsageMistake
from models.verdicts.quantities import Unit

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]
    Floats = NDArray[np.floating[Any]]

# The `scheme` of measurements of the full model.
FULL_MODEL = "full_model"


class Source(StrEnum):
    """The origin of a metric's values.

    It determines which measurements can be compared, and whether they depend on a backend.
    """

    FILE = "file"
    ANSWERS = "answers"
    RUNTIME = "runtime"
    CLOCK = "clock"
    RACE = "race"
    PROCESS = "process"
    EMULATOR = "emulator"


class Metric(NamedTuple):
    """The definition of a metric.

    Attributes:
        name: name in budgets and in results.json.
        unit: canonical unit of the values.
        better: "lower" or "higher"; a budget is an upper limit if lower is better, and a lower
            limit if higher is better.
        low: smallest possible value.
        high: largest possible value.
        source: origin of the values.
        counted: plural noun for the sample size, such as "texts", for messages.
        description: description in one sentence.
        difference: whether values are differences of two fractions, written in points.
        has_chance: whether guessing scores 1 / classes, so that a smaller limit is an error.
    """

    name: str
    unit: Unit
    better: Literal["higher", "lower"]
    low: float
    high: float
    source: Source
    counted: str
    description: str
    difference: bool = False
    has_chance: bool = False

    @property
    def is_share(self) -> bool:
        """Tell whether the metric is a share from 0 to 1."""
        return (self.low, self.high) == (0.0, 1.0)

    @property
    def exact(self) -> bool:
        """Tell whether the metric depends only on the file, and not on a backend."""
        return self.source is Source.FILE

    @property
    def timed(self) -> bool:
        """Tell whether the metric is computed from times, which depend on the machine's load."""
        return self.source in {Source.CLOCK, Source.RACE}

    @property
    def of_the_machine(self) -> bool:
        """Tell whether the metric depends on the machine."""
        return self.timed or self.source is Source.PROCESS

    @property
    def of_the_texts(self) -> bool:
        """Tell whether the metric depends on the texts."""
        return self.source is Source.ANSWERS


# What the sample size of a metric usually counts, as a plural noun, by the source of the values.
COUNTED = {
    Source.FILE: "files",
    Source.ANSWERS: "texts",
    Source.RUNTIME: "operators",
    Source.CLOCK: "answers",
    Source.RACE: "blocks",
    Source.PROCESS: "runners",
    Source.EMULATOR: "answers",
}


def _score(name: str, description: str, *, has_chance: bool = True) -> Metric:
    return _share(name, Source.ANSWERS, description)._replace(has_chance=has_chance)


def _drop(name: str, description: str) -> Metric:
    cost = _cost(name, Unit.FRACTION, Source.ANSWERS, description)
    return cost._replace(low=-1.0, high=1.0, difference=True)


def _cost(name: str, unit: Unit, source: Source, description: str) -> Metric:
    return Metric(name, unit, "lower", 0.0, math.inf, source, COUNTED[source], description)


def _gain(name: str, unit: Unit, source: Source, description: str) -> Metric:
    return _cost(name, unit, source, description)._replace(better="higher")


def _size_ratio(name: str, description: str) -> Metric:
    return _gain(name, Unit.RATIO, Source.FILE, description)


def _share(name: str, source: Source, description: str) -> Metric:
    return _gain(name, Unit.FRACTION, source, description)._replace(high=1.0)


METRICS = {
    metric.name: metric
    for metric in (
        _score("accuracy", "Share of texts whose label equals the gold label"),
        _score("balanced_accuracy", "Mean recall of the labels that occur among the gold labels"),
        _score("macro_f1", "Mean F1 of the labels", has_chance=False),
        _score("official_accuracy", "Mean accuracy of the groups, as in RepLab 2013"),
        _score(
            "reliability",
            "Of the pairs of texts that the predictions order, the share that gold labels order in "
            "the same way; mean over the groups",
            has_chance=False,
        ),
        _score(
            "sensitivity",
            "Of the pairs of texts that gold labels order, the share that the predictions order in "
            "the same way; mean over the groups",
            has_chance=False,
        ),
        _score(
            "f_rs",
            "Harmonic mean of Reliability and Sensitivity, as in RepLab 2013; mean over the groups",
            has_chance=False,
        ),
        _drop("accuracy_drop", "Accuracy of the full model minus the variant's"),
        _drop("accuracy_drop_float32", "Accuracy of the float32 variant minus the variant's"),
        _drop("balanced_accuracy_drop", "Balanced accuracy of the full model minus the variant's"),
        _drop("macro_f1_drop", "Macro-F1 of the full model minus the variant's"),
        _drop("f_rs_drop", "F(R,S) of the full model minus the variant's"),
        _score("agreement", "Share of texts labelled as the float32 variant labels them"),
        _score("agreement_full", "Share of texts labelled as the full model labels them"),
        _cost(
            "backend_deviation",
            Unit.RATIO,
            Source.ANSWERS,
            "Largest difference of a logit from the judged backend's, over the allowed difference",
        ),
        _score("agreement_backends", "Share of texts labelled as on the judged backend"),
        _score("agreement_lengths", "Share of texts with one label at every length that they fit"),
        _cost(
            "total_variation",
            Unit.FRACTION,
            Source.ANSWERS,
            "Mean total variation distance between the probabilities and the float32 variant's",
        )._replace(high=1.0),
        _cost("weights_bytes", Unit.BYTES, Source.FILE, "Parameters stored as float32"),
        _cost("flatbuffer_bytes", Unit.BYTES, Source.FILE, "Size of the FlatBuffer"),
        _cost(
            "flatbuffer_zipped_bytes", Unit.BYTES, Source.FILE, "The FlatBuffer after zlib level 9"
        ),
        _size_ratio("size_ratio_weights", "Full model's float32 weights over the FlatBuffer"),
        _size_ratio(
            "size_ratio_checkpoint",
            "Full model's training checkpoint (weights and Adam's moments) over the FlatBuffer",
        ),
        _size_ratio("size_ratio_bert_large_weights", "BERT-large's weights over the FlatBuffer"),
        _size_ratio(
            "size_ratio_bert_large_checkpoint",
            "BERT-large's training checkpoint over the FlatBuffer",
        ),
        _size_ratio("size_ratio_reference", "The reference's FlatBuffer over the candidate's"),
        _cost("latency_p50", Unit.SECONDS, Source.CLOCK, "Median latency of one answer"),
        _cost("latency_p90", Unit.SECONDS, Source.CLOCK, "90th percentile of the latency"),
        _cost("latency_p99", Unit.SECONDS, Source.CLOCK, "99th percentile of the latency"),
        _cost("latency_ratio", Unit.RATIO, Source.RACE, "Latency over the float32 variant's"),
        _cost(
            "latency_first_p50", Unit.SECONDS, Source.CLOCK, "Median latency in the first seconds"
        ),
        _cost("text_to_label_p50", Unit.SECONDS, Source.CLOCK, "Median time from text to label"),
        _cost("text_to_label_p90", Unit.SECONDS, Source.CLOCK, "90th percentile, text to label"),
        _cost("text_to_label_p99", Unit.SECONDS, Source.CLOCK, "99th percentile, text to label"),
        _cost(
            "latency_order_ratio",
            Unit.RATIO,
            Source.RACE,
            "Latency of texts in random order over that of texts in fixed order",
        ),
        _cost(
            "latency_repeat_ratio",
            Unit.RATIO,
            Source.RACE,
            "Latency of different texts over that of one text repeated",
        ),
        _gain(
            "texts_per_second",
            Unit.PER_SECOND,
            Source.CLOCK,
            "Texts classified in a second, from text to label, with tokenization",
        )._replace(counted="rounds"),
        _gain(
            "speed_ratio_paper",
            Unit.RATIO,
            Source.RACE,
            "Texts per second, from text to label, over those of the paper's recipe",
        ),
        _cost(
            "cold_start",
            Unit.SECONDS,
            Source.CLOCK,
            "From starting the runner to its first answer",
        )._replace(counted="starts"),
        _cost("peak_rss", Unit.BYTES, Source.PROCESS, "Peak resident memory of the runner"),
        _gain(
            "weights_kept",
            Unit.RATIO,
            Source.FILE,
            "Bytes of constants in the float32 FlatBuffer over those of the parameters",
        ),
        _share(
            "pytorch_labels",
            Source.ANSWERS,
            "Texts that the float32 FlatBuffer labels as PyTorch does, of those that rounding does "
            "not decide",
        ),
        _cost(
            "pytorch_logits",
            Unit.LOGITS,
            Source.ANSWERS,
            "Largest difference of a logit of the float32 FlatBuffer from PyTorch's",
        ),
        _cost(
            "pytorch_divergence",
            Unit.NATS,
            Source.ANSWERS,
            "Mean Kullback-Leibler divergence of the float32 FlatBuffer's probabilities from "
            "PyTorch's",
        ),
        _share("token_parity", Source.ANSWERS, "Texts for which an app makes the right token ids"),
        _share(
            "quantized_operator_share", Source.FILE, "Operators that compute on integers"
        )._replace(counted="operators"),
        _share("integer_mac_share", Source.FILE, "Multiply-accumulates done on integers alone"),
        _share(
            "quantized_weight_share", Source.FILE, "Weight bytes that are stored quantized"
        )._replace(counted="bytes"),
        _share("delegated_share", Source.RUNTIME, "Operators that the runtime passes to XNNPACK"),
        _share(
            "kernel_coverage", Source.RUNTIME, "Operators whose kernel was proven on the backend"
        ),
        _score("agreement_golden", "Share of texts labelled as the same backend does on the host"),
        _cost(
            "logit_difference",
            Unit.LOGITS,
            Source.ANSWERS,
            "Largest difference of a logit from the same backend's on the host",
        ),
        _cost(
            "reference_difference",
            Unit.LOGITS,
            Source.ANSWERS,
            "Largest difference of a logit from the host's, both with reference kernels",
        ),
        _cost("instructions", Unit.INSTRUCTIONS, Source.EMULATOR, "Instructions of one answer"),
        _cost(
            "instructions_sdot",
            Unit.INSTRUCTIONS,
            Source.EMULATOR,
            "Integer dot products of one answer (such as sdot)",
        ),
        _cost(
            "instructions_mlal",
            Unit.INSTRUCTIONS,
            Source.EMULATOR,
            "Other integer multiplications of vectors in one answer (such as smull and smlal)",
        ),
        _cost(
            "instructions_fmla",
            Unit.INSTRUCTIONS,
            Source.EMULATOR,
            "Float multiply-adds of one answer (such as fmla)",
        ),
        _share(
            "integer_multiply_share",
            Source.EMULATOR,
            "Multiplications of integers",
        ),
        _share(
            "dot_product_share", Source.EMULATOR, "Integer multiplications that are dot products"
        ),
    )
}


def metric_named(name: str) -> Metric:
    """Return a metric by its name.

    Raises:
        UsageMistake: no metric has this name.
    """
    if name not in METRICS:
        raise UsageMistake(f"no metric is called {name!r}", remedy=remedy_for_metric(name))
    return METRICS[name]


def remedy_for_metric(name: str) -> str:
    """Return the remedy for an unknown name of a metric."""
    return former_names.remedy_for(
        name, former_names.METRICS, f"Known metrics: {', '.join(METRICS)}"
    )


def matches(first: Labels, second: Labels) -> NDArray[np.bool_]:
    """Return for each text whether two label arrays are equal, as booleans [n].

    Raises:
        EdgeproofError: the arrays are empty, differ in shape, or are not label indices.
    """
    for labels in (first, second):
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or (labels < 0).any():
            raise EdgeproofError(
                f"labels are {labels.dtype}{list(labels.shape)}, not indices of shape [n]",
                remedy="Give one label index per text, 0 or more",
            )
    if first.shape != second.shape or first.size == 0:
        raise EdgeproofError(
            f"{first.size} labels cannot be compared with {second.size} labels of the other model",
            remedy="Give both models' labels for the same texts (at least one text)",
        )
    return np.equal(first, second)


def labels_of(logits: Floats) -> NDArray[np.int64]:
    """Return the label of each row of logits [n, classes]: the first with the largest logit.

    Raises:
        EdgeproofError: the array has another shape, is empty, or contains NaN or infinity.
    """
    return np.asarray(_sane(logits).argmax(axis=1), dtype=np.int64)


def total_variations(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Return, for each text, the total variation distance of two distributions over the labels.

    It is half of the L1 distance, and the largest difference in the probability of any set of
    labels.

    Args:
        first: probabilities [n, classes].
        second: probabilities [n, classes].

    Returns:
        Distances [n], 0 for equal and 1 for disjoint distributions.

    Raises:
        EdgeproofError: the arrays differ in shape, are empty, or contain NaN or infinity.
    """
    first_sane, second_sane = _sane(first), _sane(second)
    if first_sane.shape != second_sane.shape:
        raise EdgeproofError(
            f"logits of shape {list(first_sane.shape)} cannot be compared with "
            f"{list(second_sane.shape)}",
            remedy="Give both models' logits for the same texts and labels",
        )
    return np.asarray(0.5 * np.abs(first_sane - second_sane).sum(axis=1))


def _sane(logits: Floats) -> NDArray[np.float64]:
    """Return logits as float64; reject NaN and Inf, which could get a good score by accident."""
    if logits.ndim != 2 or logits.size == 0:  # noqa: PLR2004 - the number of axes of [n, classes]
        raise EdgeproofError(
            f"logits have the shape {list(logits.shape)}, not [n, classes]",
            remedy="Give one row of logits per text",
        )
    values = np.asarray(logits, dtype=np.float64)
    refuse_not_finite(values)
    return values


def refuse_not_finite(
    logits: Floats,
    *,
    file: Path | str | None = None,
    key: str | None = None,
    texts: NDArray[np.int64] | None = None,
) -> None:
    """Reject logits [n, classes] with NaN or Inf, which could get a good score by accident.

    Args:
        logits: the logits to check.
        file: the file that computed them, for the message.
        key: variant and backend, for the message.
        texts: position of each row's text, [n]; None if the rows are all texts in order.

    Raises:
        NotFinite: some logits are NaN or infinite; the message counts the texts, and names the
            first.
    """
    broken = ~np.isfinite(logits).all(axis=1)
    if broken.any():
        first = int(broken.argmax())
        raise NotFinite(
            f"{int(broken.sum())} of {len(logits)} answers contain NaN or Inf, the "
            f"first for text {first if texts is None else int(texts[first])}",
            file=file,
            key=key,
            remedy="The file computes invalid numbers on this backend: correct its conversion",
        )
