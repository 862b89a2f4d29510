"""Find the kinds of operators that must stay in float so that a file keeps its labels.

litert-quantizer is imported only when needed, because an environment that only judges lacks it.
"""

from __future__ import annotations

import itertools
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from models.localizing.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from models.flatbuffers.graph import Graph
    from models.flatbuffers.schemes import Scheme
    from models.localizing.watching import Rows

LARGEST_SET = 2
# Operators that only move values, so that they cause no rounding error.
MOVES = {"RESHAPE", "TRANSPOSE"}
QUANTIZER = "litert_quantizer"


def why_not_tried(scheme: Scheme | None) -> str | None:
    """Return why no operators can be tried in float; None if they can, or if this is not needed."""
    if scheme is None or not scheme.calibrated or find_spec(QUANTIZER):
        return None
    return (
        "which operators would have to stay in float was not tried: that needs litert-quantizer "
        "(python -m pip install --group host)"
    )


def mending(  # noqa: PLR0913 - arguments of a conversion and of a comparison
    reference: bytes,
    binding: Mapping[str, Any],
    scheme: Scheme,
    *,
    calibration: Rows,
    texts: Rows,
    enough: float,
    scores: frozenset[str] = frozenset(),
) -> Iterator[dict[str, Any]]:
    """Yield sets of operator kinds to compute in float, smallest first, until one repairs the file.

    Each set is yielded with the share of labels that then agree.

    Args:
        reference: the float32 FlatBuffer, leveled (outlier smoothing) if the scheme is leveled.
        binding: roles of its inputs.
        scheme: a static scheme.
        calibration: texts for finding ranges.
        texts: texts for comparing labels.
        enough: the share of labels that must agree.
        scores: names of the tensors of attention scores.
    """
    from models.flatbuffers.graph import Graph  # noqa: PLC0415 - a large module, as the next two
    from models.flatbuffers.observing import ranges_of  # noqa: PLC0415 - see above
    from models.flatbuffers.recipes import quantize  # noqa: PLC0415 - see above

    graph, watcher = Graph(reference), Watcher(reference, binding, scores)
    _, expected = watcher.answers(texts)
    # A watcher has the methods of an observer that are needed here, but takes rows, not samples.
    ranges = ranges_of(graph, cast("Any", watcher), cast("Any", calibration))
    for kinds in _sets(scheme, graph):
        remade = quantize(reference, scheme, ranges, floats=kinds)
        _, labels = Watcher(remade, binding).answers(texts)
        agreement = float((labels == expected).mean())
        yield {"operators": list(kinds), "agreement": agreement}
        if agreement >= enough:
            return


def _sets(scheme: Scheme, graph: Graph) -> Iterator[tuple[str, ...]]:
    kinds_of_scheme = {operator for rule in scheme.rules for operator in rule.operators}
    present = {kind for kind, _ in graph.outputs()}
    kinds = sorted((present if "*" in kinds_of_scheme else kinds_of_scheme & present) - MOVES)
    for size in range(1, LARGEST_SET + 1):
        yield from itertools.combinations(kinds, size)
