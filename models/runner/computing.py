"""Run a graph with any inputs and outputs, without binding or checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

from models.backends.common.backend import Backend, Details, Graph, Loaded, Source
from models.backends.common.interpreters import REFUSED
from models.backends.common.refusals import Refusal, one_line

if TYPE_CHECKING:
    from models.runner.framing import Arrays


def compute_graph(
    backend: Backend, content: bytes, threads: int, runs: int, arrays: Arrays
) -> Arrays:
    """Run a file's first graph several times; load it once, and resize it if shapes change.

    Args:
        backend: the backend.
        content: the FlatBuffer.
        threads: threads of the kernels.
        runs: number of runs.
        arrays: input arrays by name, "RUN/INPUT": the index of the run and the position of the
            input.

    Returns:
        Output arrays by name, "RUN/OUTPUT": the index of the run and the position of the output.

    Raises:
        Refusal: the backend refuses the file or an input.
    """
    answers: Arrays = {}
    try:
        loaded = backend.load(Source(content=content), threads)
        graph = None
        for run in range(runs):
            inputs = _of_run(run, arrays)
            graph = _shaped(loaded, graph, inputs)
            for details, array in zip(loaded.positions()[0], inputs):
                graph.set_tensor(int(details["index"]), array)
            graph.invoke()
            for place, details in enumerate(loaded.positions()[1]):
                answers["{}/{}".format(run, place)] = graph.get_tensor(int(details["index"]))
    except REFUSED as error:
        raise Refusal("compute", one_line(error)) from None
    return answers


def _of_run(run: int, arrays: Arrays) -> List[Any]:
    """Return the input arrays of a run, sorted by position."""
    start = "{}/".format(run)
    places = sorted(int(name[len(start) :]) for name in arrays if name.startswith(start))
    return [arrays[start + str(place)] for place in places]


def _shaped(loaded: Loaded, graph: Any, arrays: List[Any]) -> Graph:
    """Return the graph with memory allocated for the shapes of these inputs."""
    inputs = loaded.positions()[0]
    if len(inputs) != len(arrays):
        message = "the graph has {} inputs, but {} were given"
        raise Refusal("inputs", message.format(len(inputs), len(arrays)))
    shapes: Dict[int, List[int]] = {
        int(details["index"]): list(array.shape)
        for details, array in zip(inputs, arrays)
        if _shape(details) != array.shape
    }
    return loaded.first_graph(shapes) if shapes or graph is None else graph


def _shape(details: Details) -> Any:
    return tuple(int(size) for size in details["shape"])
