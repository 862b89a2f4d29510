"""Convert a FlatBuffer to objects of the schema, and back.

Import this module only where a file is edited: it imports ai-edge-litert's schema, which is
megabytes of Python code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from models.files.arrays import byte_array
from models.flatbuffers.opening import IDENTIFIER

if TYPE_CHECKING:
    from numpy.typing import NDArray

# numpy kinds (float, int) of vectors that are written only once if they are equal: scales and zero
# points. Vectors of bytes are excluded, because a tensor's content must be aligned to 16 bytes.
_SHARED_KINDS = "fi"
_SHARED_BYTES_OF_A_NUMBER = 4


def unpack(flatbuffer: bytes) -> schema.ModelT:
    """Return the model of a file, including buffers that are stored behind the FlatBuffer."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:
            content = flatbuffer[buffer.offset : buffer.offset + buffer.size]
            buffer.data = byte_array(content)
            buffer.offset = buffer.size = 0
    return model


def pack(model: schema.ModelT) -> bytes:
    """Return a model as a file that stores equal scales and equal zero points once.

    Every row of a quantized weight has a scale of 4 bytes and a zero point of 8. Zero points are
    zero in most schemes, and graphs of one network at several lengths have the same scales.
    """
    builder = _SharingBuilder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER.encode())
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc] # flatbuffers has no type annotations
    """A builder with which several tables can refer to one vector of numbers."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._places: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 - overrides a method of flatbuffers
        """Return the offset of a vector; write it only if no equal one was written."""
        number = x.dtype
        if number.kind not in _SHARED_KINDS or number.itemsize < _SHARED_BYTES_OF_A_NUMBER:
            return int(super().CreateNumpyVector(x))
        key = (number.str, x.tobytes())
        if key not in self._places:
            self._places[key] = int(super().CreateNumpyVector(x))
        return self._places[key]
