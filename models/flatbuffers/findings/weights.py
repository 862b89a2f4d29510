"""Find constants that are not finite, too large for float16, or quantized against the rules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from models.files.arrays import as_array
from models.flatbuffers.dtypes import FLOAT_DTYPES, QUANTIZED_DTYPES
from models.flatbuffers.findings.finding import Finding, Inspected, limits, several
from models.flatbuffers.reading import buffer_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from models.flatbuffers.structure import Operator, Tensor

    Floats = NDArray[np.floating[Any]]

_PRODUCTS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
_NUMPY = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
_LOOKUPS = {"GATHER": 0, "EMBEDDING_LOOKUP": 1}
_SYMMETRIC = frozenset({"int4", "int8", "int16"})


def _none(inspected: Inspected) -> Iterator[Finding]:
    if not inspected.report.weights:
        yield Finding(
            "no-weights",
            "error",
            "It contains no weights, so training cannot have changed its answers.",
            (),
            "Convert an exported SavedModel, or freeze the variables first",
        )


def _text_mode(inspected: Inspected) -> Iterator[Finding]:
    """Yield a finding if a copy in text mode may have replaced every carriage return."""
    counts = {byte: inspected.data.count(byte) for byte in (b"\x0b", b"\x0c", b"\r", b"\x0e")}
    returns = counts.pop(b"\r")
    neighbors = sum(counts.values())
    if not returns and neighbors >= limits().neighbors and min(counts.values()):
        yield Finding(
            "text-mode",
            "warning",
            "It contains no byte 13 (carriage return), although it contains the bytes 11, 12 and "
            f"14 {neighbors} times: a copy in text mode may have changed its weights.",
            (),
            "Compare its sha256 with its author's; mark it in .gitattributes as `*.tflite binary`",
        )


def _numbers(inspected: Inspected) -> Iterator[Finding]:
    """Find NaN, infinity and large numbers in float constants; read every constant once."""
    buffers: set[int] = set()
    for tensor in inspected.report.tensors:
        kind = _NUMPY.get(tensor.dtype)
        if not tensor.constant_bytes or kind is None or tensor.buffer in buffers:
            continue
        buffers.add(tensor.buffer)
        raw = buffer_bytes(inspected.data, tensor.buffer)
        size = np.dtype(kind).itemsize
        values = as_array(raw[: len(raw) // size * size], np.dtype(kind), [len(raw) // size])
        yield from _not_finite(tensor, values, _readers(tensor, inspected.report.operators))


def _not_finite(tensor: Tensor, values: Floats, readers: str) -> Iterator[Finding]:
    nans, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    place = (tensor.name,)
    if nans:
        yield Finding(
            "nan-weights",
            "error",
            f"{nans} of the {values.size} numbers of {tensor.name!r}, which {readers} reads, are "
            "NaN.",
            place,
            "Train or convert again: every answer that is computed from them is NaN",
        )
    if infinite and tensor.dtype == "float16":
        yield Finding(
            "half-overflow",
            "error",
            f"{infinite} of the {values.size} numbers of {tensor.name!r}, which {readers} reads, "
            "are infinite: they were too large for float16, and infinity times 0 is NaN.",
            place,
            "Make the model's constants smaller than 65504 (-1e4 is enough for a mask), and "
            "convert again",
        )
    elif infinite:
        yield Finding(
            "infinite-constant",
            "warning",
            f"{infinite} of the {values.size} numbers of {tensor.name!r}, which {readers} reads, "
            "are infinite: infinity times 0 and infinity minus infinity are NaN, and no integer "
            "can represent infinity.",
            place,
            "Use a large finite number instead (a mask of -1e4 is enough)",
        )
    else:
        yield from _too_large(tensor, values, readers)


def _too_large(tensor: Tensor, values: Floats, readers: str) -> Iterator[Finding]:
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    if largest > limits().half_largest:
        yield Finding(
            "overflows-half",
            "warning",
            f"{tensor.name!r}, which {readers} reads, contains {largest:.3g}: in float16, and on "
            "GPUs, this number is infinite, and quantized to a range that includes it, smaller "
            "numbers become equal.",
            (tensor.name,),
            "Use a smaller number (-1e4 is enough for a mask) before converting to fewer bits than "
            "float32",
        )


def _readers(tensor: Tensor, operators: Iterable[Operator]) -> str:
    """Return the names of the operators that read a constant, ignoring dequantization."""
    listed = list(operators)
    readers = [operator for operator in listed if _reads(operator, tensor)]
    unpacked = [
        reader.outputs[0] for reader in readers if reader.name == "DEQUANTIZE" and reader.outputs
    ]
    if unpacked:
        readers = [
            operator
            for operator in listed
            if any(_reads(operator, weights) for weights in unpacked)
        ] or readers
    return several(f"{reader.name} {reader.index}" for reader in readers) or "nothing"


def _reads(operator: Operator, tensor: Tensor) -> bool:
    # Compare objects, because tensors of two graphs may have the same number.
    return any(operand is tensor for operand in operator.inputs)


def _zero_points(inspected: Inspected) -> Iterator[Finding]:
    names = [
        weight.name
        for weight in _product_weights(inspected)
        if weight.dtype in _SYMMETRIC
        and weight.quantization is not None
        and any(weight.quantization.zero_points)
    ]
    if names:
        yield Finding(
            "weight-zero-point",
            "error",
            f"The zero point of these weights is not 0: {several(map(repr, names))}. Kernels "
            "assume 0, so the answers are wrong.",
            tuple(names),
            "Quantize weights symmetrically, as the TFLite specification demands",
        )


def _product_weights(inspected: Inspected) -> Iterator[Tensor]:
    """Yield the weights of dense layers and convolutions as the file stores them.

    These are the weights before a DEQUANTIZE.
    """
    unpacks = {
        operator.outputs[0].index: operator.inputs[0]
        for operator in inspected.main
        if operator.name == "DEQUANTIZE" and operator.outputs and operator.inputs
    }
    for operator in inspected.main:
        weight = operator.inputs[1] if len(operator.inputs) > 1 else None
        if operator.name in _PRODUCTS and weight is not None:
            stored = unpacks.get(weight.index) or weight
            if stored.constant_bytes:
                yield stored


def _scales(inspected: Inspected) -> Iterator[Finding]:
    names = [
        tensor.name
        for tensor in inspected.report.tensors
        if tensor.dtype in QUANTIZED_DTYPES
        and tensor.quantization is not None
        and any(not math.isfinite(scale) or scale <= 0 for scale in tensor.quantization.scales)
    ]
    if names:
        yield Finding(
            "bad-scale",
            "error",
            f"A scale of {several(map(repr, names))} is 0, negative or not finite.",
            tuple(names),
            "Calibrate again with texts that reach every part of the model",
        )


def _tables(inspected: Inspected) -> Iterator[Finding]:
    for operator in inspected.main:
        at = _LOOKUPS.get(operator.name)
        table = operator.inputs[at] if at is not None and at < len(operator.inputs) else None
        if table is None or not table.constant_bytes or table.dtype in FLOAT_DTYPES:
            continue
        quantization = table.quantization
        if quantization is not None and len(quantization.scales) == 1 and not quantization.block:
            yield Finding(
                "one-scale-for-a-table",
                "note",
                f"All rows of the table {table.name!r} share one scale, so rare words lose the "
                "most precision.",
                (table.name,),
                "Quantize the table with a scale for each row, if the runtime supports that",
            )


CHECKS = (_none, _text_mode, _numbers, _zero_points, _scales, _tables)
