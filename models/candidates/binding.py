"""What a runner is told of a candidate: which tensor takes what, and how a number is a label."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.roles import IDS
from models.runtime.binding import Binding, BoundInput, Decision

if TYPE_CHECKING:
    from models.candidates.spec import CandidateSpec, OutputSpec

# Masks and segments hold 0 or 1.
_FLAGS = 2


def binding_of(spec: CandidateSpec, *, below: int | None, length: int) -> Binding:
    """Return how a runner binds a candidate's tensors: by their positions in the graph.

    Args:
        spec: the candidate.
        below: ids of it and above are refused; None allows any.
        length: of a row, for inputs whose length the file leaves open.
    """
    inputs = (
        BoundInput(
            role=one.role,
            tensor=one.position,
            below=below if one.role == IDS else _FLAGS,
            length=length if None in one.shape[1:] or one.shape == (None,) else None,
        )
        for one in spec.inputs
    )
    return Binding(
        inputs=tuple(inputs),
        output=spec.output.position,
        decision=_decision(spec.output),
        signature=spec.signature,
    )


def _decision(output: OutputSpec) -> Decision | None:
    """The threshold in what the output holds: a logit's is that of its probability."""
    if output.threshold is None or output.positive is None:
        return None
    threshold = output.threshold
    if output.meaning == "logit":
        threshold = math.log(threshold) - math.log1p(-threshold)
    return Decision(threshold=threshold, above=output.positive)
