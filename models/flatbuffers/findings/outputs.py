"""Find problems of outputs: their shape, their meaning, and the range of their integers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.flatbuffers.dtypes import BITS, FLOAT_DTYPES, QUANTIZED_DTYPES
from models.flatbuffers.endings import ending_of
from models.flatbuffers.findings.finding import (
    Finding,
    Inspected,
    limits,
    named,
    several,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.flatbuffers.structure import Tensor

_PROBABILITIES = frozenset({"probabilities", "sigmoids"})


def _several(inspected: Inspected) -> Iterator[Finding]:
    if len(inspected.outputs) > 1:
        names = tuple(output.name for output in inspected.outputs)
        yield Finding(
            "several-outputs",
            "warning",
            f"It has {len(names)} outputs: {several(map(repr, names))}.",
            names,
            "Declare by name which output contains the answer",
        )
    if not inspected.outputs:
        yield Finding("no-outputs", "error", "It has no outputs.", (), "Convert the model again")


def _shapes(inspected: Inspected) -> Iterator[Finding]:
    answers = [output for output in inspected.outputs if _answers(output)]
    for tensor in inspected.outputs:
        name = named(tensor, inspected.outputs)
        if not _scores(tensor):
            yield Finding(
                "output-is-no-score",
                "error" if not answers else "warning",
                f"Output {name} is {tensor.dtype}, so it contains no score for each label.",
                (tensor.name,),
                "Convert the model with its scores as the output, before ARG_MAX",
            )
        elif not _one_text(tensor):
            yield Finding(
                "output-shape",
                "error" if not answers else "warning",
                f"Output {name} is not an answer to one text: {shape_of(tensor)}.",
                (tensor.name,),
                "Convert the model with an output of [1, labels]",
            )
        elif not tensor.shape or tensor.dynamic[-1:] == (True,):
            yield Finding(
                "open-output",
                "note",
                f"The number of scores in output {name} is known only after the first answer.",
                (tensor.name,),
                "Give the labels, and check their number against an answer",
            )


def _scores(tensor: Tensor) -> bool:
    return tensor.dtype in FLOAT_DTYPES or tensor.dtype in QUANTIZED_DTYPES


def _one_text(tensor: Tensor) -> bool:
    before = tensor.shape[:-1]
    batch = before[:1] in {(), (1,)}
    middle = zip(before[1:], tensor.dynamic[1:-1], strict=False)
    return batch and all(size == 1 and not open_ for size, open_ in middle)


def _answers(tensor: Tensor) -> bool:
    return _scores(tensor) and _one_text(tensor)


def _meanings(inspected: Inspected) -> Iterator[Finding]:
    names = {
        tensor.index: name
        for signature in inspected.report.signatures
        if signature.subgraph == 0
        for name, tensor in signature.outputs.items()
    }
    for tensor in inspected.outputs:
        ending = ending_of(tensor, inspected.main)
        name = names.get(tensor.index, tensor.name)
        if ending in {*_PROBABILITIES, "log_probabilities"} and name.lower().startswith("logit"):
            yield Finding(
                "probabilities-called-logits",
                "warning",
                f"Output {name!r} is called logits and holds {ending}.",
                (name,),
                "Use it unchanged: a second softmax makes all probabilities nearly equal",
            )
        one_number = tensor.shape[-1:] == (1,) and tensor.dynamic[-1:] != (True,)
        if ending in {"probabilities", "log_probabilities"} and one_number:
            yield Finding(
                "softmax-of-one",
                "error",
                f"Output {name!r} is a softmax of one number, which is 1 for every text.",
                (name,),
                "Convert the model with a sigmoid, or with an output for each label",
            )
        if ending == "sigmoids":
            yield Finding(
                "sigmoid",
                "note",
                f"Output {name!r} comes from a sigmoid: a threshold decides, but the file contains "
                "neither the threshold nor the label that 1 stands for.",
                (name,),
                "Declare the threshold and the positive label that the app uses",
            )


def _integers(inspected: Inspected) -> Iterator[Finding]:
    for tensor in inspected.outputs:
        if tensor.dtype in FLOAT_DTYPES or not _answers(tensor):
            continue
        name = named(tensor, inspected.outputs)
        quantization = tensor.quantization
        if quantization is None or len(quantization.scales) != 1:
            yield Finding(
                "output-without-scale",
                "error",
                f"Output {name} is {tensor.dtype} without a scale, so the meaning of its integers "
                "is unknown.",
                (tensor.name,),
                "Convert again, or declare scale and zero point",
            )
            continue
        yield from _range_problems(
            inspected, tensor, quantization.scales[0], (*quantization.zero_points, 0)[0]
        )


def _range_problems(
    inspected: Inspected, tensor: Tensor, scale: float, zero: int
) -> Iterator[Finding]:
    """Find integer outputs that cannot represent the range of their values."""
    name = named(tensor, inspected.outputs)
    bits = BITS[tensor.dtype]
    smallest = 0 if tensor.dtype.startswith("u") else -(1 << (bits - 1))
    low, high = ((end - zero) * scale for end in (smallest, smallest + (1 << bits) - 1))
    probable = ending_of(tensor, inspected.main) in _PROBABILITIES
    surest = high if probable else _surest(high - low, tensor)
    allowed, step = limits(), limits().probability_step if probable else limits().logit_step
    if not math.isfinite(scale) or surest < allowed.surest_probability or (probable and low > step):
        yield Finding(
            "output-saturates",
            "warning",
            f"The integers of output {name} represent values from {low:.4g} to {high:.4g}: the "
            f"largest probability that they can express is {min(surest, 1.0):.2f}.",
            (tensor.name,),
            "Calibrate with texts like those of the test, or keep the output in floats",
        )
    elif scale > step:
        yield Finding(
            "output-coarse",
            "warning",
            f"The integers of output {name} are {scale:.3g} apart, so close scores become equal.",
            (tensor.name,),
            "Keep the output in floats",
        )


def _surest(width: float, tensor: Tensor) -> float:
    """Return the largest probability that logits within a range can express."""
    other_classes = max(tensor.shape[-1] if tensor.shape else 1, 2) - 1
    return 1.0 / (1.0 + other_classes * math.exp(-min(max(width, 0.0), 700.0)))


CHECKS = (_several, _shapes, _meanings, _integers)
