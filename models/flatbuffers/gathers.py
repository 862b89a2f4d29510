"""Lookups of rows as GATHER: it has integer kernels, and EMBEDDING_LOOKUP has none."""

from __future__ import annotations

from models.flatbuffers.graph import CODES, Graph


def with_gathers(flatbuffer: bytes) -> bytes:
    """Return the file with a GATHER in place of each EMBEDDING_LOOKUP; it answers the same."""
    graph = Graph(flatbuffer)
    lookups = graph.operators(CODES.EMBEDDING_LOOKUP)
    for operator in lookups:
        ids, table = (int(tensor) for tensor in operator.inputs)
        graph.become(operator, CODES.GATHER, [table, ids])
    return graph.pack() if lookups else flatbuffer
