"""Find the version that a file has to declare for an operator on its operand types.

Source: op_version.cc of LiteRT. An old runtime refuses a version that it does not know. If a file
declared a lower version, the runtime would load it and give wrong answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.kernels.graph import ABSENT

if TYPE_CHECKING:
    from models.kernels.graph import Graph, Node, Tensor

# Versions by operator and by the dtype of its first operand; 1 for a dtype that is not listed.
_VERSIONS: dict[str, dict[str, int]] = {
    "ABS": {"int8": 2, "int16": 3, "int32": 4},
    "ADD": {"int8": 2, "int16": 3, "int64": 4},
    "ARG_MAX": {"int8": 2, "bool": 3},
    "BATCH_MATMUL": {"int8": 2, "int16": 3},
    "BROADCAST_TO": {"int8": 3, "float32": 2, "int32": 2, "int16": 3, "bool": 2, "int64": 2},
    "CONCATENATION": {"int8": 2, "int16": 3},
    "CONV_2D": {"int8": 3, "int16": 4},
    "DEQUANTIZE": {"int8": 2, "float16": 3, "int16": 4, "int4": 6},
    "EQUAL": {"int8": 2, "bool": 3},
    "EXP": {"int8": 2, "int16": 2},
    "GATHER": {"int8": 2, "bool": 3, "int16": 4, "int4": 7},
    "GATHER_ND": {"int8": 2, "int16": 3, "bool": 4},
    "GELU": {"int8": 2},
    "GREATER": {"int8": 2},
    "GREATER_EQUAL": {"int8": 2},
    "LESS": {"int8": 2},
    "LESS_EQUAL": {"int8": 2},
    "LOGISTIC": {"int8": 2, "int16": 3},
    "LOG_SOFTMAX": {"int8": 2},
    "MAXIMUM": {"int8": 2, "int16": 4},
    "MEAN": {"int8": 2, "int16": 3},
    "MINIMUM": {"int8": 2, "int16": 4},
    "MUL": {"int8": 2, "int16": 4, "int64": 6},
    "NOT_EQUAL": {"int8": 2, "bool": 3},
    "PACK": {"int8": 2, "int16": 3},
    "PAD": {"int8": 2, "int16": 3},
    "QUANTIZE": {"int16": 2},
    "REDUCE_MAX": {"int8": 2, "int16": 3},
    "RELU": {"int8": 2, "uint8": 2, "int16": 3},
    "RELU6": {"int8": 2, "uint8": 2, "int16": 3},
    "RSQRT": {"int8": 2, "int16": 3},
    "SLICE": {"int8": 2, "int16": 4},
    "SOFTMAX": {"int8": 2, "int16": 3},
    "SPLIT": {"int8": 2, "int16": 4},
    "SQUARED_DIFFERENCE": {"int8": 2},
    "SQUEEZE": {"int8": 2},
    "STRIDED_SLICE": {"int8": 2, "bool": 3, "int16": 4},
    "SUB": {"int8": 2, "int64": 4, "int16": 5},
    "SUM": {"int8": 2, "int16": 2},
    "TANH": {"int8": 2, "int16": 3},
    "TILE": {"int8": 2},
    "TRANSPOSE": {"int8": 2, "bool": 3, "int16": 4},
    "UNPACK": {"int8": 2, "bool": 3, "int16": 4},
}


def version_of(node: Node, graph: Graph) -> int:
    """Return the version that an operator of a graph needs."""
    operands = [graph.tensors[place] for place in node.inputs if place != ABSENT]
    own = _OWN.get(node.operator)
    general = _VERSIONS.get(node.operator, {}).get(operands[0].dtype, 1)
    return general if own is None else own(node, operands, general)


def _by_channel(tensor: Tensor) -> bool:
    quantization = tensor.quantization
    return quantization is not None and quantization.scales.size > 1


def _fully_connected(node: Node, operands: list[Tensor], _: int) -> int:
    source, weights = operands[:2]
    if source.dtype == "float32":
        if not weights.quantized:
            return 5 if node.options.get("keep_num_dims") else 1
        if _by_channel(weights) or weights.dtype == "int4":
            return 12
        return 9 if node.options.get("asymmetric_inputs") else 3
    if weights.dtype == "int4":
        return 13 if source.dtype == "int16" else 10
    if _by_channel(weights):
        return 12
    return 7 if source.dtype == "int16" else 5


def _embedding_lookup(_node: Node, operands: list[Tensor], _: int) -> int:
    table = operands[1]
    if table.dtype == "int4" or _by_channel(table):
        return 4
    return 3 if table.quantized else 1


def _lstm(_node: Node, operands: list[Tensor], _: int) -> int:
    return 2 if any(operand.dtype == "int8" for operand in operands) else 1


def _convolution(_node: Node, operands: list[Tensor], general: int) -> int:
    hybrid = operands[0].dtype == "float32" and operands[1].quantized
    return 5 if hybrid else general


def _batch_matmul(node: Node, _operands: list[Tensor], general: int) -> int:
    return 4 if node.options.get("asymmetric_inputs") else general


def _dequantize(_node: Node, operands: list[Tensor], general: int) -> int:
    fine = _by_channel(operands[0]) and operands[0].dtype != "int4"
    return 5 if fine else general


# Operators whose version depends on more than the first operand's type.
_OWN = {
    "BATCH_MATMUL": _batch_matmul,
    "CONV_2D": _convolution,
    "DEQUANTIZE": _dequantize,
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "FULLY_CONNECTED": _fully_connected,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
