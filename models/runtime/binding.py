"""Bind tensors of a FlatBuffer to inputs, and its output to labels.

A runner told nothing binds by the names of the only signature. Files made by other converters have
no signature, or names of their own: a binding says which tensor is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BoundInput:
    """One input of a file.

    Attributes:
        role: under which requests give it.
        tensor: its name in the signature, or its position among the graph's inputs.
        below: integers of this size and above are refused; None allows any.
        length: of a row, where the file leaves it open; None takes what the file says.
    """

    role: str
    tensor: str | int
    below: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How the one value of a sigmoid becomes a label.

    Attributes:
        threshold: values above it get the label `above`, others the other of the two.
        above: 0 or 1.
    """

    threshold: float
    above: int


@dataclass(frozen=True, slots=True)
class Binding:
    """The binding of a file, as a runner needs it.

    Attributes:
        inputs: all inputs of the graph.
        output: its name in the signature, or its position among the graph's outputs; None takes the
            only one, or the one named logits.
        decision: of an output of one value; None gives the label of the largest value.
        signature: the signature's key, where the file has several.
        graph: which of the file's graphs the signature runs.
        called: whether a runtime enters it through its signature, with tensors bound by names: the
            way into any graph but the first, and into each of several.
        shorter: the same for shorter rows, ascending, where the file takes several lengths.
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
        """The roles of the inputs."""
        return tuple(port.role for port in self.inputs)

    def to_request(self) -> dict[str, Any]:
        """Return the binding in the form of the runner's protocol."""
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
