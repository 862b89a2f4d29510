"""One graph at several lengths: it is resized where two answers differ in length."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from models.backends.common.backend import Graph, Loaded

# Of the inputs that are resized, by index.
Shapes = Dict[int, List[int]]


class Resizing:
    """The first graph of a loaded file, whose length is open.

    A file loaded once for each length would hold its weights as often.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.shapes: Shapes = {}
        self.graph: Optional[Graph] = None

    def at(self, shapes: Shapes) -> Graph:
        """Return the graph, allocated for these shapes."""
        if self.graph is None or shapes != self.shapes:
            self.graph, self.shapes = self.loaded.first_graph(shapes), shapes
        return self.graph


class ResizedGraph(Graph):
    """A graph at one of its lengths; what resizing takes is part of its answer's time."""

    def __init__(self, resizing: Resizing, shapes: Shapes) -> None:
        self.resizing, self.shapes = resizing, shapes
        self.given: Dict[int, Any] = {}

    def set_tensor(self, index: int, array: Any) -> None:
        """Keep what the next answer is given."""
        self.given[index] = array

    def invoke(self) -> None:
        """Resize, where the last answer had another length, and answer."""
        graph = self.resizing.at(self.shapes)
        for index, array in self.given.items():
            graph.set_tensor(index, array)
        graph.invoke()

    def get_tensor(self, index: int) -> Any:
        """Return what was answered last."""
        return self.resizing.at(self.shapes).get_tensor(index)
