"""Convert a FlatBuffer to objects of the schema, and back.

Imports ai-edge-litert's schema, which is megabytes of Python: only the builder comes here.
"""

from __future__ import annotations

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from models.arrays import byte_array
from models.flatbuffers.opening import IDENTIFIER


def unpack(flatbuffer: bytes) -> schema.ModelT:
    """Return the model of a file, with the buffers that a large one keeps behind its FlatBuffer."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:
            held = flatbuffer[buffer.offset : buffer.offset + buffer.size]
            buffer.data = byte_array(held)
            buffer.offset = buffer.size = 0
    return model


def pack(model: schema.ModelT) -> bytes:
    """Return a model as a file."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER.encode())
    return bytes(builder.Output())
