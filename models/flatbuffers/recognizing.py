"""Recognize the scheme of a FlatBuffer from the file alone, by the grammar of `schemes.toml`.

| large weights | products compute | scheme |
|---|---|---|
| float32 | in floats | `float32` |
| float16 | in floats | `float16` |
| integers, unpacked by DEQUANTIZE | in floats | `weight_only_wi<W>_afp32` |
| integers | on integers, with activations quantized at run time | `dynamic_wi<W>_afp32` |
| integers | on integers, with activations stored as integers | `static_wi<W>_ai<A>_dense` |
| integers | likewise, and every other operator too | `static_wi<W>_ai<A>_integer` |

A weight counts as large if a converter would quantize it. If no weight is large, all weights count.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.flatbuffers.arithmetic import arithmetic, multiply_accumulates
from models.flatbuffers.contract import SMALL
from models.flatbuffers.dtypes import BITS, FLOAT_DTYPES, QUANTIZED_DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.flatbuffers.structure import FlatBufferReport, Operator, Tensor

# Largest share of the weights' bytes that may have another dtype: norms, positions, a classifier.
MINORITY = 0.1
_WIDEST = 8
NO_WEIGHTS = "none"
MIXED = "mixed"


@dataclass(frozen=True)
class Recognized:
    """The recognized scheme of a file.

    Attributes:
        name: a name in the grammar of `schemes.toml`, which need not list it; `none` for a file
            without weights, `mixed` if no dtype has nearly all weights.
        shares: the share of the large weights' bytes by dtype, largest first.
    """

    name: str
    shares: dict[str, float]


def recognized(report: FlatBufferReport) -> Recognized:
    """Return the scheme that is recognized from the weights and operators of a file."""
    weights = large_weights(report.tensors)
    sizes: Counter[str] = Counter()
    for weight in weights:
        sizes[weight.dtype] += weight.constant_bytes
    total = sum(sizes.values())
    shares = {dtype: size / total for dtype, size in sizes.most_common()}
    return Recognized(_name(report, weights, shares), shares)


def large_weights(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the weights that a converter would quantize; all weights if there are none.

    Weights in the same buffer are returned once.
    """
    weights = list({tensor.buffer: tensor for tensor in tensors if tensor.weight}.values())
    large = [weight for weight in weights if math.prod(weight.shape) >= SMALL]
    return large or weights


def _name(report: FlatBufferReport, weights: list[Tensor], shares: dict[str, float]) -> str:
    if not shares:
        return NO_WEIGHTS
    integers = [weight for weight in weights if weight.dtype not in FLOAT_DTYPES]
    share = sum(part for dtype, part in shares.items() if dtype not in FLOAT_DTYPES)
    if share <= MINORITY:
        main = next(iter(shares))
        return main if shares[main] >= 1 - MINORITY else MIXED
    # 16-bit constants do not count: they are added to activations, and no weights have this type.
    bits = sorted({BITS[dtype] for dtype, part in shares.items() if _counts(dtype, part)})
    letter = _letter(_of_products(report) or integers) if len(bits) == 1 else ""
    weights_name = f"wi{''.join(map(str, bits))}{letter}"
    return _computing(report, weights_name, mixed=len(bits) > 1)


def _counts(dtype: str, share: float) -> bool:
    narrow = dtype not in FLOAT_DTYPES and BITS.get(dtype, 0) <= _WIDEST
    return narrow and share > MINORITY


def _computing(report: FlatBufferReport, weights_name: str, *, mixed: bool) -> str:
    """Return a scheme's name, made of the name of its weights and of how products compute."""
    products = [operator for operator in report.operators if multiply_accumulates(operator)]
    kinds = Counter(arithmetic(product) for product in products)
    activations = {_activation(product) for product in products if arithmetic(product) == "integer"}
    if kinds["integer"] and len(activations) == 1:
        ending = "integer" if _integer_throughout(report) else "dense"
        return f"static_{weights_name}_ai{activations.pop()}_{ending}"
    if mixed:
        return f"mixed_{weights_name}_afp32"
    return f"{'dynamic' if kinds['hybrid'] else 'weight_only'}_{weights_name}_afp32"


def _of_products(report: FlatBufferReport) -> list[Tensor]:
    """Return the weights of dense layers, matrix products and convolutions stored as integers.

    Lookup tables are left out, because under most schemes they have a single scale.
    """
    return [
        operand
        for operator in report.operators
        if multiply_accumulates(operator)
        for operand in operator.inputs[1:2]
        if operand is not None and operand.weight and operand.dtype in QUANTIZED_DTYPES
    ]


def _letter(weights: list[Tensor]) -> str:
    """Return how a scheme's name spells the granularity of scales of most bytes of the weights."""
    letters: Counter[str] = Counter()
    for weight in weights:
        quantization = weight.quantization
        block = quantization.block if quantization is not None else None
        letter = (
            f"b{block}"
            if block
            else ""
            if quantization is not None and quantization.per_channel
            else "t"
        )
        letters[letter] += weight.constant_bytes
    return letters.most_common(1)[0][0]


def _activation(operator: Operator) -> int:
    first = next((tensor for tensor in operator.inputs if tensor is not None), None)
    return 0 if first is None else BITS.get(first.dtype, 0)


def _integer_throughout(report: FlatBufferReport) -> bool:
    """Return whether no operator computes on floats, and no output is a float."""
    outputs = report.subgraphs[0].outputs
    return not report.arithmetic["float"] and all(
        output.dtype not in FLOAT_DTYPES for output in outputs
    )
