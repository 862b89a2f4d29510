"""Write FlatBuffers by field numbers: any table of any published schema.

The `flatbuffers` package lays out the bytes. This module shares no code with the readers in
`models/flatbuffers`, and can write files that no converter would write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Alignment of a buffer's bytes according to schema.fbs; kernels may load them as vectors.
_ALIGNMENT = 16


@dataclass(frozen=True)
class Scalar:
    """A field that holds one number; `kind` is its type in `flatbuffers`, such as `Int32`."""

    kind: str
    value: float


@dataclass(frozen=True)
class Vector:
    """A field that holds a list of numbers of one type."""

    kind: str
    values: Any


@dataclass(frozen=True)
class Table:
    """A table of a FlatBuffer: the values of its fields, by the fields' index in the schema."""

    fields: dict[int, Any]


def i32(value: int) -> Scalar:
    """Return an int32 field."""
    return Scalar("Int32", value)


def u32(value: int) -> Scalar:
    """Return a uint32 field."""
    return Scalar("Uint32", value)


def u8(value: int) -> Scalar:
    """Return a field of one byte."""
    return Scalar("Uint8", value)


def f32(value: float) -> Scalar:
    """Return a float32 field."""
    return Scalar("Float32", value)


def pack(root: Table, identifier: bytes) -> bytes:
    """Return the bytes of a FlatBuffer that contains a root table."""
    import flatbuffers  # noqa: PLC0415 - only for writing

    builder = flatbuffers.Builder(1024)
    builder.ForceDefaults(True)
    builder.Finish(_written(builder, root), file_identifier=identifier)
    return bytes(builder.Output())


def _written(builder: Any, value: Any) -> Any:
    """Write a value of a field that a table refers to by an offset; return that offset."""
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, bytes):
        return _written_bytes(builder, value)
    if isinstance(value, Vector):
        from flatbuffers import number_types  # noqa: PLC0415 - only for writing, too

        flags = getattr(number_types, f"{value.kind}Flags")
        builder.StartVector(flags.bytewidth, len(value.values), flags.bytewidth)
        for number in reversed(value.values):
            getattr(builder, f"Prepend{value.kind}")(number)
        return builder.EndVector()
    if isinstance(value, list):
        places = [_written(builder, entry) for entry in value]
        builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            builder.PrependUOffsetTRelative(place)
        return builder.EndVector()
    parts = {
        slot: _written(builder, field)
        for slot, field in value.fields.items()
        if not isinstance(field, Scalar)
    }
    builder.StartObject(max(value.fields, default=0) + 1)
    for slot, field in value.fields.items():
        if isinstance(field, Scalar):
            getattr(builder, f"Prepend{field.kind}Slot")(slot, field.value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, parts[slot], 0)
    return builder.EndObject()


def _written_bytes(builder: Any, value: bytes) -> Any:
    """Write a vector of bytes, aligned as the schema requires; return its offset."""
    builder.StartVector(1, len(value), _ALIGNMENT)
    start = builder.head - len(value)
    builder.Bytes[start : builder.head] = value
    builder.head = start
    return builder.EndVector()
