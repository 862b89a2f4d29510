"""Define a case: a graph, its inputs, and the outputs that a backend must compute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.arithmetic import PROCESSOR, computing_in
from models.kernels.reference.evaluating import evaluate
from models.kernels.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.kernels.arithmetic import Arithmetic
    from models.kernels.choices import Choices
    from models.kernels.graph import Graph, Tensor
    from models.kernels.rounded import Rounded


@dataclass(frozen=True, eq=False)
class Case:
    """A test case for a backend: a graph with its inputs.

    Attributes:
        graph: the graph of the file to compute.
        runs: the inputs of each run; one interpreter computes all runs.
        threads: the number of threads of the runtime's kernels.
        facts: properties that distinguish this case from others of its family, for known deviations
            and messages.
        resized: the same graph with the shapes of the second and later runs; None if these are the
            shapes of the first run.
    """

    graph: Graph
    runs: tuple[tuple[NDArray[Any], ...], ...]
    threads: int = 1
    facts: dict[str, Any] = field(default_factory=dict)
    resized: Graph | None = None

    def flatbuffer(self) -> bytes:
        """Return the graph as a FlatBuffer."""
        return write(self.graph, open_rows=self.resized is not None)

    def expected(self, arithmetic: Arithmetic = PROCESSOR) -> list[list[Rounded]]:
        """Return the exact outputs of each run, with their bounds in a backend's arithmetic."""
        with np.errstate(all="ignore"), computing_in(arithmetic):
            return self.computed(lambda graph: graph)

    def computed(self, edit: Callable[[Graph], Graph]) -> list[list[Rounded]]:
        """Return the exact outputs of each run of an edited graph, with their bounds."""
        if self.resized is None:
            return evaluate(edit(self.graph), self.runs)
        first, resized = edit(self.graph), edit(self.resized)
        return evaluate(first, self.runs[:1]) + evaluate(resized, self.runs[1:])

    def graph_of(self, run: int) -> Graph:
        """Return the graph of a run, with the shapes that it has in that run."""
        return self.graph if run == 0 or self.resized is None else self.resized

    @property
    def outputs(self) -> list[Tensor]:
        """Return the output tensors."""
        return [self.graph.tensors[place] for place in self.graph.outputs]


@dataclass(frozen=True)
class Family:
    """A family of cases: all cases of one operator or pattern, on operands of one kind.

    Attributes:
        operator: the name of the operator or pattern.
        kind: the kind of its operands: a dtype, or a kind of quantization.
        draw: a function that makes a case from choices.
    """

    operator: str
    kind: str
    draw: Callable[[Choices], Case]

    @property
    def name(self) -> str:
        """Return the name of the family in test ids and tables."""
        return f"{self.operator}-{self.kind}"
