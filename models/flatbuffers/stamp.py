"""Writing into a FlatBuffer the operator versions that its operands need.

ai-edge-quantizer changes operand types and leaves the versions as they were: an old runtime then
loads the file and answers nonsense where it should refuse. Imports TensorFlow's schema: only the
builder comes here.
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from models.flatbuffers.reading import read_contents
from models.flatbuffers.runtimes import runtime_needs

IDENTIFIER = b"TFL3"


def stamp_versions(flatbuffer: bytes) -> bytes:
    """Return the file with every operator's version raised to what its operands need."""
    operators = read_contents(Path("the quantized FlatBuffer"), flatbuffer).operators
    codes = {operator.name: operator.code for operator in operators}
    needed: dict[int, int] = {}
    for need in runtime_needs(operators):
        code = codes[need.operator]
        needed[code] = max(need.version, needed.get(code, 1))
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    _gather_buffers(model, flatbuffer)
    for operator in model.operatorCodes:
        operator.version = max(operator.version, needed.get(operator.builtinCode, 1))
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _gather_buffers(model: schema.ModelT, flatbuffer: bytes) -> None:
    """Take in the buffers that a large file keeps behind its FlatBuffer, by offset and size."""
    for buffer in model.buffers:
        if buffer.offset > 1:
            held = flatbuffer[buffer.offset : buffer.offset + buffer.size]
            buffer.data = np.frombuffer(held, np.uint8)
            buffer.offset = buffer.size = 0
