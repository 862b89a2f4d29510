"""Tell a runner which tensor takes which input, and how an output becomes a label."""

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
    """Return how a runner binds a candidate's tensors.

    They are bound by their positions in the first graph; in another, or where several graphs answer
    in turn, by their names in the signature: positions mean nothing to a runtime there.

    Args:
        spec: the candidate.
        below: ids of it and above are refused; None allows any.
        length: of a row, for inputs whose length the file leaves open.
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
    """Return the threshold in the unit of the output: logits need the logit of the probability."""
    if output.threshold is None or output.positive is None:
        return None
    threshold = output.threshold
    if output.meaning == "logit":
        threshold = math.log(threshold) - math.log1p(-threshold)
    return Decision(threshold=threshold, above=output.positive)
