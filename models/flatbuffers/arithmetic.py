"""Find how an operator computes, and count its multiply-accumulates.

The arithmetic follows from the dtypes of the operands that could be quantized. These are stored in
floats or in small integers. Operands of int32, int64 and bool do not count, because they are ids,
axes, shapes, masks and biases.

| arithmetic | operands that could be quantized |
|---|---|
| integer | all in small integers |
| hybrid | integer weights with float activations, which the kernel quantizes on the fly |
| float | all in floats |
| neutral | none, or the operator only moves, selects or converts values |

A lookup (GATHER, EMBEDDING_LOOKUP) in a constant table is not neutral, because the table is often
the largest weight. If a DEQUANTIZE unpacks a weight, the operators that read it compute in floats.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.flatbuffers.dtypes import FLOAT_DTYPES, QUANTIZED_DTYPES

if TYPE_CHECKING:
    from models.flatbuffers.structure import Arithmetic, Operator, Tensor

NEUTRAL = frozenset(
    {
        # moves values
        *("BATCH_TO_SPACE_ND", "BROADCAST_ARGS", "BROADCAST_TO", "CONCATENATION"),
        *("DEPTH_TO_SPACE", "DYNAMIC_UPDATE_SLICE", "EXPAND_DIMS", "FILL", "GATHER_ND"),
        *("MIRROR_PAD", "PACK", "PAD", "PADV2", "RANGE", "RANK", "RESHAPE", "REVERSE_V2"),
        *("SHAPE", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V"),
        *("SQUEEZE", "STRIDED_SLICE", "TILE", "TRANSPOSE", "UNPACK", "ZEROS_LIKE"),
        # selects values
        *("ONE_HOT", "SELECT", "SELECT_V2", "WHERE"),
        # converts values
        *("BITCAST", "CAST", "DENSIFY", "DEQUANTIZE", "QUANTIZE"),
        # controls the execution
        *("ASSIGN_VARIABLE", "CALL_ONCE", "IF", "READ_VARIABLE", "STABLEHLO_COMPOSITE"),
        *("VAR_HANDLE", "WHILE"),
    }
)
# Position of the table among the operands of a lookup.
_TABLES = {"GATHER": 0, "EMBEDDING_LOOKUP": 1}
# Operators that multiply, but whose multiplications are not counted here.
UNCOUNTED = frozenset(
    {
        *("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN", "CONV_3D"),
        *("CONV_3D_TRANSPOSE", "LSTM", "RNN", "STABLEHLO_DOT_GENERAL", "SVDF"),
        *("TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN"),
    }
)


def arithmetic(operator: Operator) -> Arithmetic:
    """Return the arithmetic of an operator, by the table in the module's docstring."""
    if operator.name in NEUTRAL:
        return "neutral"
    if operator.name in _TABLES and not _looks_up_constant(operator):
        return "neutral"
    dtypes = {*operator.input_dtypes, *operator.output_dtypes}
    floats, integers = dtypes & FLOAT_DTYPES, dtypes & QUANTIZED_DTYPES
    if floats and integers:
        return "hybrid"
    if integers:
        return "integer"
    return "float" if floats else "neutral"


def multiply_accumulates(operator: Operator) -> int:
    """Return the multiply-accumulates of one run of a dense, matrix or convolution operator.

    Each element of the output is a sum of as many products as the contracted dimensions have
    elements. Dynamic dimensions count as 1. The result is 0 for other operators, which either
    multiply nothing or are `UNCOUNTED`.
    """
    if not operator.outputs:
        return 0
    return math.prod(operator.outputs[0].shape) * _contracted(operator)


def _contracted(operator: Operator) -> int:
    operands = [tensor.shape for tensor in operator.inputs[:2] if tensor]
    if len(operands) != 2:  # noqa: PLR2004 - a product has two operands
        return 0
    left, right = operands
    if operator.name == "FULLY_CONNECTED":  # weights are [out, in]
        return right[-1] if right else 0
    if operator.name == "BATCH_MATMUL":
        return left[-2 if operator.transposed[0] else -1] if len(left) > 1 else 0
    if operator.name == "CONV_2D":  # filter is [out, height, width, in]
        return math.prod(right[1:])
    if operator.name == "DEPTHWISE_CONV_2D":  # filter is [1, height, width, out]
        return math.prod(right[1:3])
    return 0


def _looks_up_constant(operator: Operator) -> bool:
    at = _TABLES[operator.name]
    table: Tensor | None = operator.inputs[at] if at < len(operator.inputs) else None
    return table is not None and table.constant_bytes > 0
