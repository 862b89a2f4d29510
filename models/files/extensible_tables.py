"""Convert tables with additional keys into types, and write them again with all their keys.

A later version may add keys to results.json, which this version must not lose: merging and
migrating a document write all of its keys again, in the same order.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec.structs import FieldInfo, fields

T = TypeVar("T")


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A table that keeps keys that its type does not define, so that none is lost in writing.

    Attributes:
        held: every key of the table that was read, in the table's order. A key that the type does
            not define has the value that was read; a key that it defines has None, because its
            value is in the field. Empty for a new table, which is written in the order of its
            fields.
    """

    held: dict[str, Any] = msgspec.field(default_factory=dict, name="$held")


_HELD = "held"


def read_open(data: object, kind: type[T]) -> T:
    """Convert plain values into a type, in which each open table keeps its further keys.

    Args:
        data: the content of a JSON document.
        kind: the type to convert to.

    Raises:
        ValidationError: a key is missing or has a wrong type; the message names it.
        RecursionError: the values are nested too deeply.
    """
    typed: T = _with_further_keys(data, msgspec.convert(data, type=kind, strict=True))
    return typed


def as_plain(value: Any) -> Any:
    """Return typed values as plain JSON values; this is the inverse of `read_open`."""
    if isinstance(value, msgspec.Struct):
        return _plain_table(value)
    if isinstance(value, dict):
        return {key: as_plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(entry) for entry in value]
    return value.value if isinstance(value, Enum) else value


def _with_further_keys(data: Any, typed: Any) -> Any:
    """Return typed data in which each open table keeps its order and its further keys."""
    if isinstance(typed, dict):
        return {key: _with_further_keys(data[key], entry) for key, entry in typed.items()}
    if isinstance(typed, (list, tuple)):
        return type(typed)(_with_further_keys(*pair) for pair in zip(data, typed, strict=True))
    if not isinstance(typed, msgspec.Struct):
        return typed
    fields = _fields(type(typed))
    values = {
        field.name: _with_further_keys(data[key], getattr(typed, field.name))
        for key, field in fields.items()
        if key in data
    }
    if isinstance(typed, Open):
        values[_HELD] = {key: None if key in fields else entry for key, entry in data.items()}
    return msgspec.structs.replace(typed, **values)


def _plain_table(table: msgspec.Struct) -> dict[str, Any]:
    """Return the keys of a table with plain values.

    Keys that were read come first, in their order; the other fields follow. Of these, fields with
    default values are left out if the table was read, or if its type omits them.
    """
    kept_keys = table.held if isinstance(table, Open) else {}
    omits = bool(kept_keys) or table.__struct_config__.omit_defaults
    fields = {
        key: (getattr(table, field.name), field) for key, field in _fields(type(table)).items()
    }
    values = {key: fields[key][0] if key in fields else entry for key, entry in kept_keys.items()}
    for key, (value, field) in fields.items():
        if key not in values and not (omits and _is_default(value, field)):
            values[key] = value
    return {key: as_plain(entry) for key, entry in values.items() if entry is not msgspec.UNSET}


def _is_default(value: object, field: FieldInfo) -> bool:
    factory = field.default_factory
    return bool(value == (field.default if factory is msgspec.NODEFAULT else factory()))


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, FieldInfo]:
    """Return the fields of a table by key, without `held`."""
    return {field.encode_name: field for field in fields(kind) if field.name != _HELD}
