"""Run one graph at several lengths; resize it when the length changes."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from models.backends.common.backend import Graph, Loaded

# New shapes of the resized inputs, by index.
Shapes = Dict[int, List[int]]


class Resizing:
    """The first graph of a loaded file with a dynamic length, which all lengths share.

    Loading the file once for each length would store its weights several times.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.shapes: Shapes = {}
        self.graph: Optional[Graph] = None

    def at(self, shapes: Shapes) -> Graph:
        """Return the file's graph with memory allocated for these input shapes."""
        if self.graph is None or shapes != self.shapes:
            self.graph, self.shapes = self.loaded.first_graph(shapes), shapes
        return self.graph


class ResizedGraph(Graph):
    """A graph at one of its lengths; resizing counts as part of the answer's time."""

    def __init__(self, resizing: Resizing, shapes: Shapes) -> None:
        self.resizing, self.shapes = resizing, shapes
        self.given: Dict[int, Any] = {}

    def set_tensor(self, index: int, array: Any) -> None:
        """Store an input until `invoke` passes it to the graph."""
        self.given[index] = array

    def invoke(self) -> None:
        """Resize the graph if the length has changed, then run it."""
        graph = self.resizing.at(self.shapes)
        for index, array in self.given.items():
            graph.set_tensor(index, array)
        graph.invoke()

    def get_tensor(self, index: int) -> Any:
        """Return a tensor's value after the last run."""
        return self.resizing.at(self.shapes).get_tensor(index)
