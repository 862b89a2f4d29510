"""Name the element types of TFLite tensors as numpy does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Name and bits per element (None without a fixed size), by number in the schema. Types from 19 on
# are newer than the `tflite` package (source: TensorType in LiteRT's schema.fbs).
SCHEMA_DTYPES: dict[int, tuple[str, int | None]] = {
    0: ("float32", 32),
    1: ("float16", 16),
    2: ("int32", 32),
    3: ("uint8", 8),
    4: ("int64", 64),
    5: ("string", None),
    6: ("bool", 8),
    7: ("int16", 16),
    8: ("complex64", 64),
    9: ("int8", 8),
    10: ("float64", 64),
    11: ("complex128", 128),
    12: ("uint64", 64),
    13: ("resource", None),
    14: ("variant", None),
    15: ("uint32", 32),
    16: ("uint16", 16),
    17: ("int4", 4),
    18: ("bfloat16", 16),
    19: ("int2", 2),
    20: ("uint4", 4),
}
BITS = {name: bits for name, bits in SCHEMA_DTYPES.values() if bits}

FLOAT_DTYPES = frozenset({"float16", "bfloat16", "float32", "float64"})
# Types in which integer kernels compute. int32 and int64 are missing: they are used for ids, shapes
# and biases.
QUANTIZED_DTYPES = frozenset({"int2", "int4", "uint4", "int8", "uint8", "int16", "uint16"})


def packed_bytes(shape: Iterable[int], bits: int) -> int:
    """Return the size of a tensor in bytes; elements below 8 bits share bytes.

    The computation uses only integers, because a corrupt shape can be larger than any float.
    """
    return -(-math.prod(shape) * bits // 8)
