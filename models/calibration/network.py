"""Write the FlatBuffer that is timed by default: dense layers as costly as a small variant.

The file is written byte by byte, so that a machine can be calibrated without training, downloads
and TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# These sizes give 1.6 MB of weights. An inference takes about half a millisecond on one core of a
# processor of 2020.
ROWS, WIDTH, LAYERS = 48, 256, 6
INPUT, OUTPUT = "features", "logits"
CLASSES = 3
SEED = 0
IDENTIFIER = b"TFL3"
SCHEMA = 3


def dense_network() -> bytes:
    """Return a FlatBuffer that computes `logits` [rows, classes] from `features` [1, rows, width].

    Both are float32. The bytes are the same on each call.
    """
    from flatbuffers import Builder  # noqa: PLC0415 - keeps pytest's collection fast

    draw = np.random.default_rng(SEED)
    widths = [WIDTH] * LAYERS + [CLASSES]
    weights = [
        (draw.standard_normal((width, WIDTH)) / np.sqrt(WIDTH)).astype("<f4") for width in widths
    ]
    return _Writer(Builder(1 << 20)).model(weights)


class _Writer:
    """Builds a FlatBuffer; the children of a table are written before the table."""

    def __init__(self, builder: Any) -> None:
        import tflite  # noqa: PLC0415 - keeps pytest's collection fast

        self._builder = builder
        self._tflite = tflite

    def model(self, weights: Sequence[NDArray[np.float32]]) -> bytes:
        """Return the whole file: one subgraph in which each layer reads the previous layer."""
        # By convention, buffer 0 is empty and activations refer to it.
        buffers = [self._buffer(b""), *(self._buffer(weight.tobytes()) for weight in weights)]
        tensors = [self._tensor(INPUT, (1, ROWS, WIDTH), 0)]
        operators = []
        for layer, matrix in enumerate(weights):
            last = layer == len(weights) - 1
            tensors.append(self._tensor(f"weights{layer}", matrix.shape, layer + 1))
            name = OUTPUT if last else f"hidden{layer}"
            tensors.append(self._tensor(name, (ROWS, len(matrix)), 0))
            source = len(tensors) - 3 if layer else 0
            operators.append(self._dense(source, len(tensors) - 2, len(tensors) - 1, last=last))
        subgraph = self._table(
            "SubGraph",
            Tensors=self._offsets("SubGraph", "Tensors", tensors),
            Inputs=self._integers([0]),
            Outputs=self._integers([len(tensors) - 1]),
            Operators=self._offsets("SubGraph", "Operators", operators),
        )
        code = self._table(
            "OperatorCode",
            DeprecatedBuiltinCode=self._tflite.BuiltinOperator.FULLY_CONNECTED,
            Version=1,
            BuiltinCode=self._tflite.BuiltinOperator.FULLY_CONNECTED,
        )
        root = self._table(
            "Model",
            Version=SCHEMA,
            OperatorCodes=self._offsets("Model", "OperatorCodes", [code]),
            Subgraphs=self._offsets("Model", "Subgraphs", [subgraph]),
            Buffers=self._offsets("Model", "Buffers", buffers),
            SignatureDefs=self._offsets("Model", "SignatureDefs", [self._signature(len(tensors))]),
        )
        self._builder.Finish(root, file_identifier=IDENTIFIER)
        return bytes(self._builder.Output())

    def _signature(self, tensors: int) -> int:
        ports = [
            self._table("TensorMap", Name=self._builder.CreateString(name), TensorIndex=index)
            for name, index in ((INPUT, 0), (OUTPUT, tensors - 1))
        ]
        return self._table(
            "SignatureDef",
            Inputs=self._offsets("SignatureDef", "Inputs", ports[:1]),
            Outputs=self._offsets("SignatureDef", "Outputs", ports[1:]),
            SignatureKey=self._builder.CreateString("serving_default"),
            SubgraphIndex=0,
        )

    def _dense(self, source: int, weights: int, target: int, *, last: bool) -> int:
        kinds = self._tflite.ActivationFunctionType
        options = self._table(
            "FullyConnectedOptions", FusedActivationFunction=kinds.NONE if last else kinds.RELU
        )
        return self._table(
            "Operator",
            OpcodeIndex=0,
            Inputs=self._integers([source, weights, -1]),
            Outputs=self._integers([target]),
            BuiltinOptionsType=self._tflite.BuiltinOptions.FullyConnectedOptions,
            BuiltinOptions=options,
        )

    def _tensor(self, name: str, shape: Sequence[int], buffer: int) -> int:
        return self._table(
            "Tensor",
            Shape=self._integers(shape),
            Type=self._tflite.TensorType.FLOAT32,
            Buffer=buffer,
            Name=self._builder.CreateString(name),
        )

    def _buffer(self, content: bytes) -> int:
        if not content:
            return self._table("Buffer")
        # Kernels read weights in place and need addresses that are multiples of 16 bytes.
        self._builder.StartVector(1, len(content), 16)
        self._builder.head = self._builder.head - len(content)
        start = self._builder.Head()
        self._builder.Bytes[start : start + len(content)] = content
        return self._table("Buffer", Data=self._builder.EndVector())

    def _integers(self, values: Sequence[int]) -> int:
        return int(self._builder.CreateNumpyVector(np.asarray(values, "<i4")))

    def _offsets(self, table: str, field: str, values: Sequence[int]) -> int:
        getattr(self._tflite, f"{table}Start{field}Vector")(self._builder, len(values))
        for value in reversed(values):
            self._builder.PrependUOffsetTRelative(value)
        return int(self._builder.EndVector())

    def _table(self, kind: str, **fields: int) -> int:
        getattr(self._tflite, f"{kind}Start")(self._builder)
        for name, value in fields.items():
            getattr(self._tflite, f"{kind}Add{name}")(self._builder, value)
        return int(getattr(self._tflite, f"{kind}End")(self._builder))
