"""Replace lookups by GATHER, which has integer kernels, unlike EMBEDDING_LOOKUP."""

from __future__ import annotations

from models.flatbuffers.graph import CODES, Graph


def with_gathers(flatbuffer: bytes) -> bytes:
    """Return the file with a GATHER for each EMBEDDING_LOOKUP; its answers are unchanged."""
    graph = Graph(flatbuffer)
    lookups = graph.operators(CODES.EMBEDDING_LOOKUP)
    for operator in lookups:
        ids, table = (int(tensor) for tensor in operator.inputs)
        graph.become(operator, CODES.GATHER, [table, ids])
    return graph.pack() if lookups else flatbuffer
