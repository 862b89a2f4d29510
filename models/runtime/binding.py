"""Define the binding of a FlatBuffer: the role of each input, the output, and its threshold.

Without a binding, a runner uses the names in the file's only signature. Files from other converters
may have no signature or other names. They need a binding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BoundInput:
    """One input of a file.

    Attributes:
        role: name of the input in requests.
        tensor: name in the signature, or position among the graph's inputs.
        below: integers must be smaller than this; None for no limit.
        length: row length, if it is dynamic in the file; None for the length in the file.
    """

    role: str
    tensor: str | int
    below: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The threshold by which the single value of an output determines the label.

    Attributes:
        threshold: values above the threshold get the label `above`, others the other label.
        above: 0 or 1.
    """

    threshold: float
    above: int


@dataclass(frozen=True, slots=True)
class Binding:
    """The binding of a file: the tensors that a runner sets and reads, with their roles.

    Attributes:
        inputs: all inputs of the graph.
        output: name in the signature, or position among the graph's outputs; None for the only
            output, or the one named logits.
        decision: threshold for an output with one value; None if the largest value gives the label.
        signature: key of the signature, if the file has several.
        graph: index of the graph that the signature runs.
        called: whether the graph is run through its signature, with tensors bound by name; needed
            for every graph except the first, and if several graphs are used.
        shorter: bindings of the same network for shorter rows, ascending, if there are several
            lengths.
    """

    inputs: tuple[BoundInput, ...]
    output: str | int | None = None
    decision: Decision | None = None
    signature: str | None = None
    graph: int = 0
    called: bool = False
    shorter: tuple[Binding, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles of the inputs."""
        return tuple(port.role for port in self.inputs)

    def to_request(self) -> dict[str, Any]:
        """Return the binding in the form of a runner's request."""
        decision = self.decision
        return {
            "inputs": [[port.role, port.tensor, port.below, port.length] for port in self.inputs],
            "output": self.output,
            "decision": None if decision is None else [decision.threshold, decision.above],
            "signature": self.signature,
            "graph": self.graph,
            "called": self.called,
            "shorter": [binding.to_request() for binding in self.shorter],
        }
