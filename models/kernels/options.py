"""Define the options of each operator: their table in the published schema, and its fields.

Source: schema.fbs of LiteRT. To write and read another operator, add a row to `OPTIONS`.
"""

from __future__ import annotations

from typing import NamedTuple

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
PADDINGS = {"SAME": 0, "VALID": 1}


class Field(NamedTuple):
    """A field of an options table: the number of the field, and the kind of its value."""

    slot: int
    kind: str


def _fields(**kinds: str) -> dict[str, Field]:
    return {name: Field(slot, kind) for slot, (name, kind) in enumerate(kinds.items())}


_ACTIVATION = {"activation": Field(0, "Int8")}
_NOTHING: dict[str, Field] = {}

# Each operator's options table and its fields, in the schema's order.
OPTIONS: dict[str, tuple[str, dict[str, Field]]] = {
    "FULLY_CONNECTED": (
        "FullyConnectedOptions",
        _fields(
            activation="Int8",
            weights_format="Int8",
            keep_num_dims="Bool",
            asymmetric_inputs="Bool",
            bias_type="Int8",
        ),
    ),
    "BATCH_MATMUL": (
        "BatchMatMulOptions",
        _fields(adj_x="Bool", adj_y="Bool", asymmetric_inputs="Bool"),
    ),
    "CONV_2D": (
        "Conv2DOptions",
        _fields(
            padding="Int8",
            stride_w="Int32",
            stride_h="Int32",
            activation="Int8",
            dilation_w="Int32",
            dilation_h="Int32",
        ),
    ),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        "UnidirectionalSequenceLSTMOptions",
        _fields(
            activation="Int8",
            cell_clip="Float32",
            projection_clip="Float32",
            time_major="Bool",
            asymmetric_inputs="Bool",
            diagonal="Bool",
        ),
    ),
    "SOFTMAX": ("SoftmaxOptions", _fields(beta="Float32")),
    "GELU": ("GeluOptions", _fields(approximate="Bool")),
    "ADD": ("AddOptions", _fields(activation="Int8", pot_scale_int16="Bool")),
    "SUB": ("SubOptions", _fields(activation="Int8", pot_scale_int16="Bool")),
    "MUL": ("MulOptions", _ACTIVATION),
    "DIV": ("DivOptions", _ACTIVATION),
    "GATHER": ("GatherOptions", _fields(axis="Int32", batch_dims="Int32")),
    "CONCATENATION": ("ConcatenationOptions", _fields(axis="Int32", activation="Int8")),
    "SPLIT": ("SplitOptions", _fields(splits="Int32")),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        _fields(
            begin_mask="Int32",
            end_mask="Int32",
            ellipsis_mask="Int32",
            new_axis_mask="Int32",
            shrink_axis_mask="Int32",
            offset="Bool",
        ),
    ),
    "PACK": ("PackOptions", _fields(count="Int32", axis="Int32")),
    "UNPACK": ("UnpackOptions", _fields(count="Int32", axis="Int32")),
    "SQUEEZE": ("SqueezeOptions", _fields(dims="Int32s")),
    "RESHAPE": ("ReshapeOptions", _fields(shape="Int32s")),
    "CAST": ("CastOptions", _fields(source="Int8", target="Int8")),
    "ARG_MAX": ("ArgMaxOptions", _fields(type="Int8")),
    "CUMSUM": ("CumsumOptions", _fields(exclusive="Bool", reverse="Bool")),
    "WHILE": ("WhileOptions", _fields(condition="Int32", body="Int32")),
    "IF": ("IfOptions", _fields(taken="Int32", otherwise="Int32")),
    "MEAN": ("ReducerOptions", _fields(keep_dims="Bool")),
    "SUM": ("ReducerOptions", _fields(keep_dims="Bool")),
    "REDUCE_MAX": ("ReducerOptions", _fields(keep_dims="Bool")),
    "EMBEDDING_LOOKUP": ("", _NOTHING),
    "LOGISTIC": ("", _NOTHING),
    "TANH": ("", _NOTHING),
    "RELU": ("", _NOTHING),
    "RELU6": ("", _NOTHING),
    "SQRT": ("", _NOTHING),
    "RSQRT": ("", _NOTHING),
    "FLOOR": ("", _NOTHING),
    "LOG_SOFTMAX": ("LogSoftmaxOptions", _NOTHING),
    "SQUARED_DIFFERENCE": ("SquaredDifferenceOptions", _NOTHING),
    "EXP": ("ExpOptions", _NOTHING),
    "NEG": ("NegOptions", _NOTHING),
    "ABS": ("AbsOptions", _NOTHING),
    "SIGN": ("SignOptions", _NOTHING),
    "POW": ("PowOptions", _NOTHING),
    "MAXIMUM": ("MaximumMinimumOptions", _NOTHING),
    "MINIMUM": ("MaximumMinimumOptions", _NOTHING),
    "SELECT": ("SelectOptions", _NOTHING),
    "SELECT_V2": ("SelectV2Options", _NOTHING),
    "EQUAL": ("EqualOptions", _NOTHING),
    "NOT_EQUAL": ("NotEqualOptions", _NOTHING),
    "LESS": ("LessOptions", _NOTHING),
    "LESS_EQUAL": ("LessEqualOptions", _NOTHING),
    "GREATER": ("GreaterOptions", _NOTHING),
    "GREATER_EQUAL": ("GreaterEqualOptions", _NOTHING),
    "LOGICAL_AND": ("LogicalAndOptions", _NOTHING),
    "LOGICAL_OR": ("LogicalOrOptions", _NOTHING),
    "LOGICAL_NOT": ("LogicalNotOptions", _NOTHING),
    "QUANTIZE": ("QuantizeOptions", _NOTHING),
    "DEQUANTIZE": ("DequantizeOptions", _NOTHING),
    "TRANSPOSE": ("TransposeOptions", _NOTHING),
    "SLICE": ("SliceOptions", _NOTHING),
    "PAD": ("PadOptions", _NOTHING),
    "EXPAND_DIMS": ("ExpandDimsOptions", _NOTHING),
    "BROADCAST_TO": ("BroadcastToOptions", _NOTHING),
    "TILE": ("TileOptions", _NOTHING),
    "GATHER_ND": ("GatherNdOptions", _NOTHING),
}
