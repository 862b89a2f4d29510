"""Edit FlatBuffers: each edit is a fault that a conversion could have made.

Every edit takes and returns the bytes of a file; the file stays a valid FlatBuffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks.architecture import MASK_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable

CUSTOM_CODE = 32
FULLY_CONNECTED = 9
SOFTMAX = 25
NO_DATA_BUFFER = 0


def edit(change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    """Turn a change of the unpacked model into an edit of the file."""

    def edited(content: bytes) -> bytes:
        from models.flatbuffers.packing import pack, unpack  # noqa: PLC0415 - slow to import

        model = unpack(content)
        change(model)
        return pack(model)

    return edited


def _code(entry: Any) -> int:
    """Return the built-in code, which a file stores in one of two fields."""
    return int(max(entry.builtinCode, entry.deprecatedBuiltinCode))


def _operators(model: Any, code: int) -> list[Any]:
    codes = [_code(entry) for entry in model.operatorCodes]
    return [
        operator for operator in model.subgraphs[0].operators if codes[operator.opcodeIndex] == code
    ]


def _dense_layers(model: Any) -> list[Any]:
    return _operators(model, FULLY_CONNECTED)


def _constants(model: Any, operator: Any) -> list[Any]:
    """Return the constant tensors that an operator reads."""
    tensors = [model.subgraphs[0].tensors[i] for i in operator.inputs if i >= 0]
    return [tensor for tensor in tensors if _has_data(model, tensor)]


def _has_data(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _has_scales(tensor: Any) -> bool:
    return tensor.quantization is not None and tensor.quantization.scale is not None


def _change_values(model: Any, tensor: Any, change: Callable[[Any], Any]) -> None:
    """Replace the float32 values of a constant by the result of `change`."""
    buffer = model.buffers[tensor.buffer]
    values = np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape)
    changed = np.ascontiguousarray(change(values), np.float32)
    buffer.data = np.frombuffer(changed.tobytes(), np.uint8)


def _change_classifier(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Return an edit of the last layer's float32 weights [classes, hidden] and bias [classes]."""

    def changed(model: Any) -> None:
        for tensor in _constants(model, _dense_layers(model)[-1]):
            _change_values(model, tensor, change)

    return edit(changed)


permuted_classes = _change_classifier(lambda values: np.roll(values, 1, axis=0))
nan_weights = _change_classifier(lambda values: np.full_like(values, np.nan))
flat_probabilities = _change_classifier(lambda values: values / 100)
# Replace the weights of the second class by those of the first class. The logits of both are then
# always equal, and argmax returns the first of equal values.
never_the_second = _change_classifier(lambda values: values[[0, 0, 2]])
# Set the weights to zero, so that only the bias counts and every text gets the first class.
one_class = _change_classifier(
    lambda values: np.zeros_like(values) if values.ndim > 1 else np.array([1.0, 0.0, 0.0])
)


def _eightfold(model: Any) -> None:
    layers = (_constants(model, operator) for operator in _dense_layers(model))
    integers = [constant for constants in layers for constant in constants if _has_scales(constant)]
    # Change the first bottleneck, because its error affects all later layers.
    for tensor in integers[1:2]:
        tensor.quantization.scale = np.asarray(tensor.quantization.scale, np.float32) * 8


eightfold_scale = edit(_eightfold)


def _integer_weights(model: Any) -> list[Any]:
    """Return the quantized weights of the dense layers, without the biases."""
    first = (_constants(model, operator)[:1] for operator in _dense_layers(model))
    return [first_tensor for (first_tensor,) in filter(None, first) if _has_scales(first_tensor)]


def _shift_zero(model: Any) -> None:
    quantization = _integer_weights(model)[0].quantization
    quantization.zeroPoint = np.ones(len(quantization.scale), np.int64)


zero_point_off_by_one = edit(_shift_zero)


def _one_scale(model: Any) -> None:
    quantization = _integer_weights(model)[0].quantization
    quantization.scale, quantization.zeroPoint = quantization.scale[:1], quantization.zeroPoint[:1]


one_scale_per_tensor = edit(_one_scale)


def _swap_inputs(model: Any) -> None:
    ports = {tensor.name: tensor for tensor in model.signatureDefs[0].inputs}
    first, second = ports[b"token_type_ids"], ports[b"input_ids"]
    first.tensorIndex, second.tensorIndex = second.tensorIndex, first.tensorIndex


swapped_inputs = edit(_swap_inputs)


def reading_instead(lost: bytes, read: bytes) -> Callable[[bytes], bytes]:
    """Return an edit that connects the operators that read one input to another input."""

    def changed(model: Any) -> None:
        ports = {tensor.name: tensor.tensorIndex for tensor in model.signatureDefs[0].inputs}
        for operator in model.subgraphs[0].operators:
            operator.inputs = [ports[read] if i == ports[lost] else i for i in operator.inputs]

    return edit(changed)


segments_without_influence = reading_instead(b"token_type_ids", b"attention_mask")
mask_without_influence = reading_instead(b"attention_mask", b"token_type_ids")
# Read the mask instead of the ids: its zeros and ones are valid token ids as well.
ids_without_influence = reading_instead(b"input_ids", b"attention_mask")


def _turn_mask(model: Any) -> None:
    closed = np.float32(MASK_VALUE).tobytes()
    masks = [
        buffer
        for buffer in model.buffers
        if buffer.data is not None and bytes(buffer.data) == closed
    ]
    assert masks, "the file has no constant that masks padding"
    for buffer in masks:
        buffer.data = np.frombuffer(np.float32(-MASK_VALUE).tobytes(), np.uint8)


# Change the sign of the masking constant, so that attention reads the padding instead of the text.
turned_mask = edit(_turn_mask)


def _deepen_mask(model: Any) -> None:
    for operator in _operators(model, SOFTMAX):
        quantization = model.subgraphs[0].tensors[operator.inputs[0]].quantization
        quantization.scale = np.array([1e9 / 255], np.float32)
        quantization.zeroPoint = np.array([127], np.int64)


# Set the range of the masked scores as if the mask were -1e9. One quantization step is then larger
# than the differences between the scores of all real tokens.
deep_mask = edit(_deepen_mask)


def _rename_output(model: Any) -> None:
    model.signatureDefs[0].outputs[0].name = b"scores"


renamed_output = edit(_rename_output)


def _lose_signature(model: Any) -> None:
    model.signatureDefs = []


lost_signature = edit(_lose_signature)


def _lose_weights(model: Any) -> None:
    tensors = [tensor for tensor in model.subgraphs[0].tensors if _has_data(model, tensor)]
    tensors.sort(key=lambda tensor: len(model.buffers[tensor.buffer].data))
    for tensor in tensors[-4:]:
        tensor.buffer = NO_DATA_BUFFER


lost_weights = edit(_lose_weights)


def _schema_of_tomorrow(model: Any) -> None:
    model.version = 4


other_schema = edit(_schema_of_tomorrow)


def with_versions(version: int) -> Callable[[bytes], bytes]:
    """Return an edit that gives every dense layer another operator version."""

    def changed(model: Any) -> None:
        for code in model.operatorCodes:
            if _code(code) == FULLY_CONNECTED:
                code.version = version

    return edit(changed)


def _custom(model: Any) -> None:
    code = model.operatorCodes[_dense_layers(model)[-1].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = CUSTOM_CODE
    code.customCode = "OperatorOfOurOwn"


custom_operator = edit(_custom)


def padded(size: int) -> Callable[[bytes], bytes]:
    """Return an edit that appends unused bytes."""
    return lambda content: content + bytes(size)
