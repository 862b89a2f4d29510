"""Merge FlatBuffers of one network at several lengths into a file that shares their weights.

A converter fixes the number of tokens of a file's input, and a padding token costs as much time as
any other. Here, each length becomes a graph with its own signature, such as `tokens_16` for 16
tokens. Constants with the same bytes are stored once, whichever tool converted the files.

Only the builder uses this module: it imports ai-edge-litert's schema, which is megabytes of Python
code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ai_edge_litert import schema_py_generated as schema

from models.flatbuffers.packing import pack, unpack
from models.flatbuffers.signature import signature_of_length

if TYPE_CHECKING:
    from collections.abc import Mapping


def merge_lengths(flatbuffers: Mapping[int, bytes]) -> bytes:
    """Merge several files into one, whose first graph has the longest rows.

    An app that does not use signatures runs the first graph, whose rows are long enough for every
    text. The metadata is taken from the file with the longest rows.

    Args:
        flatbuffers: by length in tokens, a file with one graph and one signature; a single file is
            returned unchanged.

    Raises:
        ValueError: a file has several graphs or signatures, or none.
    """
    if len(flatbuffers) == 1:
        return next(iter(flatbuffers.values()))
    longest_first = sorted(flatbuffers, reverse=True)
    merged = unpack(flatbuffers[longest_first[0]])
    _require_one_graph(merged, longest_first[0])
    joined = _Joined(merged)
    for length in longest_first:
        joined.add(unpack(flatbuffers[length]), length)
    return pack(joined.finished())


class _Joined:
    """A file to which graphs are added one after the other."""

    def __init__(self, first: Any) -> None:
        self._model = first
        self._graphs: list[Any] = []
        self._signatures: list[Any] = []
        self._codes: dict[tuple[Any, ...], int] = {}
        self._kept_codes: list[Any] = []
        # By convention, the first buffer of a file is empty and belongs to tensors without data.
        self._buffers: list[Any] = [schema.BufferT()]
        self._places: dict[bytes, int] = {b"": 0}

    def add(self, model: Any, length: int) -> None:
        """Add the graph of another file, and its signature under the name of its length."""
        _require_one_graph(model, length)
        (graph,), (signature,) = model.subgraphs, model.signatureDefs
        for tensor in graph.tensors:
            tensor.buffer = self._place(model.buffers[tensor.buffer])
        for operator in graph.operators:
            operator.opcodeIndex = self._code(model.operatorCodes[operator.opcodeIndex])
        if not self._graphs:
            for entry in self._model.metadata or ():
                entry.buffer = self._place(model.buffers[entry.buffer])
        graph.name = signature.signatureKey = signature_of_length(length).encode()
        signature.subgraphIndex = len(self._graphs)
        self._graphs.append(graph)
        self._signatures.append(signature)

    def finished(self) -> Any:
        """Return the file with all added graphs, as an object of the schema."""
        self._model.subgraphs, self._model.signatureDefs = self._graphs, self._signatures
        self._model.buffers, self._model.operatorCodes = self._buffers, self._kept_codes
        return self._model

    def _place(self, buffer: Any) -> int:
        """Return the index of a buffer in the merged file with these bytes; add it if needed."""
        content = b"" if buffer.data is None else bytes(buffer.data)
        if content not in self._places:
            self._places[content] = len(self._buffers)
            self._buffers.append(buffer)
        return self._places[content]

    def _code(self, code: Any) -> int:
        key = (code.builtinCode, code.deprecatedBuiltinCode, code.customCode, code.version)
        if key not in self._codes:
            self._codes[key] = len(self._kept_codes)
            self._kept_codes.append(code)
        return self._codes[key]


def _require_one_graph(model: Any, length: int) -> None:
    graphs, signatures = len(model.subgraphs), len(model.signatureDefs or ())
    if (graphs, signatures) != (1, 1):
        raise ValueError(
            f"the file of {length} tokens has {graphs} graphs and {signatures} signatures, not one"
        )
