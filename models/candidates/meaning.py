"""Find the meaning of a FlatBuffer's output from the last operators of its graph.

`models.flatbuffers.endings` reads the graph. If the result is uncertain, or if the output is a
single number that a dense layer computes, the user must declare the meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.candidates.declaration import NOTHING, output_lines
from models.candidates.labels import FEWEST, MOST
from models.candidates.roles import chosen, listed
from models.candidates.spec import Found, Meaning, OutputSpec, sizes
from models.errors import UsageMistake
from models.flatbuffers.dtypes import FLOAT_DTYPES, QUANTIZED_DTYPES
from models.flatbuffers.endings import Ending, ending_of, last_operator
from models.flatbuffers.structure import Quantization

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from models.candidates.declaration import Declaration
    from models.candidates.roles import Port
    from models.flatbuffers.structure import Operator

# Defaults for a single sigmoid: a value above one half means the second of two labels, as in Keras
# and scikit-learn.
THRESHOLD = 0.5
POSITIVE = 1
SIDES = 2

# The meaning of a single number, by the meaning that several numbers have after the same operator.
_OF_ONE: dict[Ending, Meaning] = {"sigmoids": "sigmoid", "logits": "logit"}


def bind_output(
    file: Path,
    ports: Sequence[Port],
    operators: Iterable[Operator],
    declared: Declaration = NOTHING,
    described: Sequence[tuple[str, ...] | None] = (),
) -> OutputSpec:
    """Return the judged output with its meaning.

    Args:
        file: the FlatBuffer, for messages.
        ports: the outputs of the graph.
        operators: the operators of the graph, in execution order.
        declared: the user's declarations.
        described: labels of each output in the metadata; None for an output without labels.

    Raises:
        UsageMistake: there are several outputs and none is declared, the shape does not fit an
            answer to a text, a declaration does not fit, or the meaning is uncertain.
    """
    port = _named(file, ports, declared)
    classes = _classes(file, port)
    quantization = _quantization(file, port, declared)
    meaning, meaning_from = _meaning(file, port, classes, tuple(operators), declared)
    sided = meaning in {"sigmoid", "logit"}
    in_metadata = described[port.position] if port.position < len(described) else None
    labels = in_metadata if declared.labels is None else declared.labels
    threshold, positive, sides_from = _sides(file, declared, labels, sided=sided)
    return OutputSpec(
        name=port.name,
        tensor=port.tensor.name,
        position=port.position,
        meaning=meaning,
        classes=SIDES if sided else classes,
        dtype=port.tensor.dtype,
        shape=port.shape,
        quantization=quantization,
        threshold=threshold,
        positive=positive,
        found=meaning_from,
        found_threshold=sides_from,
    )


def _named(file: Path, ports: Sequence[Port], declared: Declaration) -> Port:
    if not ports:
        raise UsageMistake(
            "has no outputs",
            file=file,
            key="output",
            remedy="Convert the model again, with its scores as an output",
        )
    if declared.output.name is not None:
        return chosen(file, ports, declared.output.name, "output.name", declared)
    if len(ports) == 1:
        return ports[0]
    raise UsageMistake(
        f"has {len(ports)} outputs, but only one of them can be judged: {listed(ports)}",
        file=file,
        key="output",
        remedy=f"Write which output to judge: {output_lines(name=ports[0].reference)}",
    )


def _classes(file: Path, port: Port) -> int | None:
    """Return the number of scores for one text; None if the dimension is dynamic."""
    dtype = port.tensor.dtype
    if dtype not in FLOAT_DTYPES and dtype not in QUANTIZED_DTYPES:
        raise UsageMistake(
            f"output {port} is {dtype}, but scores must be floating-point numbers",
            file=file,
            key="output",
            remedy="Convert the model so that the scores are its output, without a final "
            "ARG_MAX or table of labels",
        )
    # Accept an output without a shape: the file does not define it, and the first inference shows
    # it.
    *before, last = port.shape or (None,)
    batch, middle = before[:1], before[1:]
    answers_one = all(size in (1, None) for size in batch) and all(size == 1 for size in middle)
    if not answers_one or (last is not None and last > MOST):
        raise UsageMistake(
            f"output {port} has shape {sizes(port.shape)}, but the answer to a text needs "
            f"[1, labels] with one score for each of {FEWEST} to {MOST} labels",
            file=file,
            key="output",
            remedy="Convert the model with an output of [1, labels], or name another one: "
            + output_lines(name=port.reference),
        )
    return last


def _quantization(file: Path, port: Port, declared: Declaration) -> Quantization | None:
    stored, scale = port.tensor.quantization, declared.output.scale
    if port.tensor.dtype in FLOAT_DTYPES:
        if scale is not None:
            raise declared.mistake(
                f"a scale is declared, but output {port} holds floating-point "
                "numbers, which need none",
                file=file,
                key="output.scale",
                remedy="Remove the scale",
            )
        return None
    if scale is not None:
        declared_scale = Quantization((scale,), (declared.output.zero_point or 0,))
        if stored is not None and not _same(stored, declared_scale):
            raise declared.mistake(
                f"scale {scale} and zero point {declared_scale.zero_points[0]} are "
                f"declared, but the file has {stored.scales[0]:.6g} and "
                f"{(*stored.zero_points, 0)[0]} for output {port}",
                file=file,
                key="output.scale",
                remedy="Remove both from the declaration, or correct the file",
            )
        return stored or declared_scale
    if stored is None or len(stored.scales) != 1:
        raise UsageMistake(
            f"output {port} contains integers, but their scale is neither in the file nor declared",
            file=file,
            key="output.scale",
            remedy=f"Declare the scale: {output_lines(scale=0.00390625, zero_point=0)}",
        )
    return stored


def _same(stored: Quantization, declared: Quantization) -> bool:
    # The file stores float32, so the decimals of a declaration can differ in the last bits.
    near = (
        len(stored.scales) == 1
        and abs(stored.scales[0] - declared.scales[0]) <= 1e-6 * declared.scales[0]
    )
    return near and (*stored.zero_points, 0)[0] == declared.zero_points[0]


def _meaning(
    file: Path,
    port: Port,
    classes: int | None,
    operators: tuple[Operator, ...],
    declared: Declaration,
) -> tuple[Meaning, Found]:
    ending = ending_of(port.tensor, operators)
    graph: Meaning | None = ending
    if classes == 1 and ending is not None:
        if ending not in _OF_ONE:
            raise UsageMistake(
                f"output {port} is a softmax over a single number, which is 1 for every text",
                file=file,
                key="output",
                remedy="Convert the model with a sigmoid, or with an output for each label",
            )
        graph = _OF_ONE[ending]
    claimed = declared.output.meaning
    if claimed is not None:
        _check_meaning(file, port, (classes, graph, claimed), declared)
        return claimed, "declared"
    if graph is None or graph == "logit" or (classes is None and graph == "sigmoids"):
        operator = last_operator(port.tensor, operators) or "an unknown operator"
        raise UsageMistake(
            f"the meaning of output {port} is uncertain: {operator}, which computes it, does not "
            "determine the meaning",
            file=file,
            key="output.meaning",
            remedy=_ways(classes, graph),
        )
    return graph, "graph"


def _ways(classes: int | None, graph: Meaning | None) -> str:
    if graph == "logit":
        lines = output_lines(meaning="logit", threshold=THRESHOLD, positive=POSITIVE)
        return f"If the sigmoid of the output is a probability, declare this: {lines}"
    if classes == 1:
        lines = output_lines(meaning="sigmoid", threshold=THRESHOLD, positive=POSITIVE)
        return f'Declare the meaning: {lines}; or meaning = "logit" for a number before the sigmoid'
    lines = output_lines(meaning="probabilities")
    return f'Declare the meaning: {lines}; or "logits", "log_probabilities", "sigmoids"'


# For each declared meaning, the meanings computed by the graph that it is compatible with.
_COMPATIBLE = {
    "logits": {"logits"},
    "logit": {"logit"},
    "probabilities": {"probabilities", "sigmoids"},
    "log_probabilities": {"log_probabilities"},
    "sigmoid": {"sigmoid"},
    "sigmoids": {"sigmoids", "probabilities"},
}


def _check_meaning(
    file: Path,
    port: Port,
    claims: tuple[int | None, Meaning | None, Meaning],
    declared: Declaration,
) -> None:
    classes, graph, meaning = claims
    sided = meaning in {"sigmoid", "logit"}
    if classes is not None and sided != (classes == 1):
        raise declared.mistake(
            f"the declared meaning `{meaning}` requires "
            f"{'a single number' if sided else 'one number for each label'}, but "
            f"output {port} has {classes}",
            file=file,
            key="output.meaning",
            remedy=_ways(classes, graph),
        )
    if graph is not None and graph not in _COMPATIBLE[meaning]:
        raise declared.mistake(
            f"`{meaning}` is declared, but the graph computes {graph} for output {port}",
            file=file,
            key="output.meaning",
            remedy=f"Remove the meaning, or give {graph!r}",
        )


def _sides(
    file: Path, declared: Declaration, labels: tuple[str, ...] | None, *, sided: bool
) -> tuple[float | None, int | None, Found | None]:
    """Return the threshold, the index of the positive label, and how both were found."""
    threshold, side = declared.output.threshold, declared.output.positive
    if not sided:
        if threshold is not None or side is not None:
            raise declared.mistake(
                "`threshold` and `positive` apply only to a single sigmoid, but "
                "this output has a score for each label",
                file=file,
                key="output",
                remedy="Remove `threshold` and `positive`",
            )
        return None, None, None
    positive = POSITIVE if side is None else _index(file, side, labels, declared)
    found: Found = "default" if threshold is None and side is None else "declared"
    return THRESHOLD if threshold is None else threshold, positive, found


def _index(
    file: Path, side: str | int, labels: tuple[str, ...] | None, declared: Declaration
) -> int:
    if labels is not None and len(labels) != SIDES:
        raise declared.mistake(
            f"a single sigmoid distinguishes 2 labels, but there are {len(labels)}",
            file=file,
            key="labels",
            remedy="Give two labels, or a file with a score for each label",
        )
    if isinstance(side, int):
        if side in range(SIDES):
            return side
        problem, remedy = f"label {side} is neither 0 nor 1", "Give 0 or 1, or a label's name"
    elif labels is None:
        problem = f"`positive` is {side!r}, but no labels are given"
        remedy = "Give the labels, or write 0 or 1 for `positive`"
    elif side in labels:
        return labels.index(side)
    else:
        problem, remedy = (
            f"{side!r} is not one of the labels, {', '.join(labels)}",
            "Give one of the labels",
        )
    raise declared.mistake(problem, file=file, key="output.positive", remedy=remedy)
