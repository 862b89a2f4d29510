"""Create the binding for a runner: the roles of the inputs, and the meaning of the output."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.input_roles import IDS
from models.runtime.binding import Binding, BoundInput, Decision

if TYPE_CHECKING:
    from models.candidates.spec import CandidateSpec, InputSpec, OutputSpec

# Number of values that masks and segments can have: 0 and 1.
_FLAGS = 2


def binding_of(spec: CandidateSpec, *, below: int | None, length: int) -> Binding:
    """Return the binding of a candidate's tensors for a runner.

    In the first graph, tensors are bound by position. In another graph, or if several graphs are
    used, they are bound by their names in the signature, because runtimes have no positions there.

    Args:
        spec: the candidate.
        below: ids must be smaller than this; None for no limit.
        length: row length for inputs with a dynamic length.
    """
    return _bound(spec, below, length, called=spec.graphs > 1)


def _bound(spec: CandidateSpec, below: int | None, length: int, *, called: bool) -> Binding:
    called = called or spec.graph > 0
    inputs = (
        BoundInput(
            role=port.role,
            tensor=_place(port, called=called),
            below=below if port.role == IDS else _FLAGS,
            length=length if None in port.shape[1:] or port.shape == (None,) else None,
        )
        for port in spec.inputs
    )
    return Binding(
        inputs=tuple(inputs),
        output=_place(spec.output, called=called),
        decision=_decision(spec.output),
        signature=spec.signature,
        graph=spec.graph,
        called=called,
        shorter=tuple(
            _bound(shorter, below, shorter.length or length, called=called)
            for shorter in spec.shorter
        ),
    )


def _place(port: InputSpec | OutputSpec, *, called: bool) -> str | int:
    return port.name if called and port.name is not None else port.position


def _decision(output: OutputSpec) -> Decision | None:
    """Return the threshold of an output and the label above it; None if there is no threshold.

    If the output is a logit, convert the threshold, which is declared as a probability, to a logit.
    """
    if output.threshold is None or output.positive is None:
        return None
    threshold = output.threshold
    if output.meaning == "logit":
        threshold = math.log(threshold) - math.log1p(-threshold)
    return Decision(threshold=threshold, above=output.positive)
