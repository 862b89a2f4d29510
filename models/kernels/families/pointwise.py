"""Draw element-wise operators, from tables with a row for each operator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.kernels.case import Case, Family
from models.kernels.choices import one_in, one_of, yes_or_no
from models.kernels.families.drawing import Sketch, activation, bounded, broadcast_pair, shape_of
from models.kernels.graph import RANGES, Quantization, Tensor
from models.kernels.values import booleans, floats, held, integers, quantization, scale, zero_point
from models.kernels.writing import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.kernels.choices import Choices

# Largest integer operand: the product of two is far below the limit of int32.
_WHOLE = 1000
_ACTIVATIONS = ("NONE", "RELU", "RELU6")
_STATIC = ("int8", "int16")
# Types of quantized tensors. uint8 belongs to the former quantization scheme of TFLite, which old
# files still use.
_STORED = (*_STATIC, "uint8")


class Unary(NamedTuple):
    """The row of an operator in `UNARY`: it maps each number to another.

    Attributes:
        low: the smallest argument.
        high: the largest argument.
        kinds: the supported dtypes besides float32.
        output: by dtype, the (scale, zero point) that the specification prescribes.
        largest: the largest result, which determines the output's scale if none is prescribed.
        special: whether the results for NaN and infinities are specified.
    """

    low: float = -8.0
    high: float = 8.0
    kinds: tuple[str, ...] = ()
    output: dict[str, tuple[float, int]] = {}  # noqa: RUF012 - the default is never changed
    largest: Callable[[float], float] = abs
    special: bool = True


# Prescribed outputs are from TFLite's quantization specification, section "Int8 quantized operator
# specifications".
UNARY = {
    "ABS": Unary(kinds=("int8", "int16", "int32")),
    "EXP": Unary(-30.0, 20.0, ("int8", "int16"), largest=np.exp),
    "FLOOR": Unary(-100.0, 100.0),
    "LOGISTIC": Unary(
        *(-20.0, 20.0, _STORED),
        {"int8": (2.0**-8, -128), "int16": (2.0**-15, 0), "uint8": (2.0**-8, 0)},
    ),
    "NEG": Unary(kinds=("int32", "int64", *_STATIC)),
    "RELU": Unary(kinds=_STORED, special=False),
    "RELU6": Unary(kinds=_STORED, special=False),
    "RSQRT": Unary(1e-6, 100.0, ("int8",), largest=lambda x: 1.0 / np.sqrt(max(x / 255.0, 1e-9))),
    "SQRT": Unary(0.0, 100.0, _STATIC, largest=np.sqrt),
    "TANH": Unary(
        *(-12.0, 12.0, _STORED),
        {"int8": (2.0**-7, 0), "int16": (2.0**-15, 0), "uint8": (2.0**-7, 128)},
    ),
}
ARITHMETIC: dict[str, tuple[str, ...]] = {
    "ADD": ("float32", "int32", "int64", *_STORED),
    "SUB": ("float32", "int32", "int64", *_STORED),
    "MUL": ("float32", "int32", "int64", *_STORED),
    "DIV": ("float32", "int32"),
    "SQUARED_DIFFERENCE": ("float32", "int32", "int8"),
    "MAXIMUM": ("float32", "int32", "int64", *_STORED),
    "MINIMUM": ("float32", "int32", "int64", *_STORED),
    "POW": ("float32", "int32"),
}
_FUSING = {"ADD", "SUB", "MUL", "DIV"}
_COMPARED, _OF_BOOLS = ("float32", "int32", "int64", "int8", "uint8"), {"EQUAL", "NOT_EQUAL"}
COMPARISONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
# Pairs of source and target type. The schema allows more, but converters of text classifiers write
# only these.
CASTS = (
    *(("float32", "int32"), ("float32", "int64"), ("float32", "bool"), ("int32", "float32")),
    *(("int64", "float32"), ("int64", "int32"), ("int32", "int64"), ("bool", "float32")),
    *(("bool", "int32"), ("int8", "float32"), ("float32", "float16"), ("float16", "float32")),
)


def _unary(choices: Choices, operator: str, kind: str) -> Case:
    row, sketch, shape = UNARY[operator], Sketch(choices), bounded(shape_of(choices))
    if kind == "float32":
        draw = partial(
            floats, low=row.low, high=row.high, special=row.special and one_in(choices, 3)
        )
        place = sketch.input(Tensor(shape), draw)
        result = sketch.drawing.node(operator, [place], [Tensor(shape)])
        return sketch.case(result, by_rows=True)
    if kind not in _STORED:
        draw_whole = partial(integers, low=-_WHOLE, high=_WHOLE, dtype=kind)
        place = sketch.input(Tensor(shape, kind), draw_whole)
        result = sketch.drawing.node(operator, [place], [Tensor(shape, kind)])
        return sketch.case(result, by_rows=True)
    before, after = _scales_of_unary(choices, operator, kind)
    place = sketch.input(Tensor(shape, kind, quantization=before), _held_by(operator, kind, before))
    result = sketch.drawing.node(operator, [place], [Tensor(shape, kind, quantization=after)])
    return sketch.case(result, by_rows=True)


def _held_by(operator: str, kind: str, quantized: Quantization) -> Any:
    """Return a function that draws stored integers; for roots, only those with a finite result."""
    if operator not in {"RSQRT", "SQRT"}:
        return partial(held, dtype=kind)
    low = int(quantized.zeros[0]) + (1 if operator == "RSQRT" else 0)
    return partial(integers, low=low, high=RANGES[kind][1], dtype=kind)


def _scales_of_unary(
    choices: Choices, operator: str, kind: str
) -> tuple[Quantization, Quantization]:
    row = UNARY[operator]
    span = (RANGES[kind][1] - RANGES[kind][0]) / 2.0
    reach = one_of(choices, (row.high, row.high / 8.0, 1.0))
    zero = -128 if operator == "RSQRT" else zero_point(choices, kind)
    before = Quantization.of(float(np.float32(reach / span)), zero)
    if kind in row.output:
        return before, Quantization.of(*row.output[kind])
    if operator in {"ABS", "RELU", "RELU6"}:
        wide = reach * one_of(choices, (1.0, 0.5, 2.0))
    else:
        wide = float(row.largest(reach))
    return before, Quantization.of(float(np.float32(wide / span)), zero_point(choices, kind))


def _gelu(choices: Choices, kind: str, *, approximate: bool) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    quantized = after = None
    draw: Any = partial(floats, low=-8.0, high=8.0)
    if kind == "int8":
        step = float(np.float32(one_of(choices, (8.0, 1.0, 30.0)) / 127.0))
        quantized = Quantization.of(step, zero_point(choices, kind))
        after = Quantization.of(step, zero_point(choices, kind))
        draw = partial(held, dtype=kind)
    place = sketch.input(Tensor(shape, kind, quantization=quantized), draw)
    answer = Tensor(shape, kind, quantization=after)
    result = sketch.drawing.node("GELU", [place], [answer], approximate=approximate)
    return sketch.case(result, by_rows=True)


def _arithmetic(choices: Choices, operator: str, kind: str) -> Case:
    sketch = Sketch(choices)
    left, right, answer = (bounded(shape) for shape in broadcast_pair(choices))
    quantizations, draws = _operands(choices, operator, kind)
    constant = one_of(choices, (None, 1, 0))
    # Divisors and exponents are drawn from their own range of numbers.
    own = operator == "POW" or (operator == "DIV" and kind != "float32")
    twice = left == right and not own and one_in(choices, 6)
    x = sketch.operand(
        Tensor(left, kind, quantization=quantizations[0]),
        draws[0],
        constant=constant == 0 and not twice,
    )
    if twice:
        # Both operands are the same tensor.
        y, quantizations = x, (quantizations[0], quantizations[0], quantizations[2])
    else:
        y = sketch.operand(
            Tensor(right, kind, quantization=quantizations[1]), draws[1], constant=constant == 1
        )
    options = {}
    if operator in _FUSING:
        fused = kind in {"float32", *_STORED}
        options["activation"] = activation(choices, _ACTIVATIONS) if fused else 0
    if kind == "int16" and operator in {"ADD", "SUB"}:
        # Allow scales that are not powers of two.
        options["pot_scale_int16"] = False
    out = Tensor(answer, kind, quantization=quantizations[2])
    fixed = None if constant is None or twice else (left, right)[constant]
    sketch.facts |= {"twice": twice, "constant": constant, "broadcast": left != right}
    sketch.facts |= {
        "constant_rows": _rows_of(fixed, answer),
        "mixed_ranks": len(left) != len(right),
    }
    by_rows = left == right if fixed is None else len(fixed) < len(answer)
    return sketch.case(sketch.drawing.node(operator, [x, y], [out], **options), by_rows=by_rows)


def _rows_of(constant: tuple[int, ...] | None, answer: tuple[int, ...]) -> bool:
    """Return whether a constant operand has several rows, and as many dimensions as the result."""
    return constant is not None and len(constant) == len(answer) and constant[:1] > (1,)


def _operands(choices: Choices, operator: str, kind: str) -> tuple[Any, Any]:
    """Choose how two operands and their result are quantized, and how the operands are drawn.

    Return three quantizations, and a function for each operand that draws its values.
    """
    if kind == "float32":
        special = one_in(choices, 3)
        if operator == "POW":
            return (None, None, None), (
                partial(floats, low=0.01, high=8.0),
                partial(floats, low=-4.0, high=4.0),
            )
        return (None, None, None), (partial(floats, low=-8.0, high=8.0, special=special),) * 2
    if kind not in _STORED:
        if operator == "POW":
            return (None, None, None), (
                partial(integers, low=-9, high=9, dtype=kind),
                partial(integers, low=0, high=4, dtype=kind),
            )
        low = 1 if operator == "DIV" else -_WHOLE
        return (None, None, None), (
            partial(integers, low=-_WHOLE, high=_WHOLE, dtype=kind),
            partial(integers, low=low, high=_WHOLE, dtype=kind),
        )
    return _scales(choices, operator, kind), (partial(held, dtype=kind),) * 2


def _scales(choices: Choices, operator: str, kind: str) -> tuple[Quantization, ...]:
    first = quantization(choices, kind)
    if operator in {"MAXIMUM", "MINIMUM"}:
        # The specification requires the same scale for the inputs and the output.
        return first, first, first
    base = float(first.scales[0])
    ratio = one_of(choices, (1.0, 0.25, 7.3, 100.0))
    if one_in(choices, 4):
        # The two scales may differ as much as 1e-8 and 1e3.
        ratio = scale(choices) / base
    second = Quantization.of(float(np.float32(base * ratio)), zero_point(choices, kind))
    fit = one_of(choices, (1.0, 0.5, 3.0))
    if operator in {"MUL", "SQUARED_DIFFERENCE"}:
        span = RANGES[kind][1]
        widest = base * base * ratio if operator == "MUL" else base * base * max(ratio, 1.0) ** 2
        wide = widest * span * fit
    else:
        wide = base * max(ratio, 1.0) * fit
    return first, second, Quantization.of(float(np.float32(wide)), zero_point(choices, kind))


def _comparison(choices: Choices, operator: str, kind: str) -> Case:
    sketch = Sketch(choices)
    left, right, answer = (bounded(shape) for shape in broadcast_pair(choices))
    quantized, draw = None, _drawn(choices, kind, small=True)
    if kind in _STORED:
        step = one_of(choices, (0.5, 0.1, 0.0078125, 0.25, 0.003))
        # Rarely, because this scale makes some runtimes crash.
        step = 1.0 if one_in(choices, 24) else step
        quantized = Quantization.of(float(np.float32(step)), zero_point(choices, kind))
        sketch.facts |= {"scale_from_1": step >= 1.0, "fine_scale": step < 2.0**-8}
    constant = one_in(choices, 3)
    sketch.facts |= {"constant_rows": _rows_of(right if constant else None, answer)}
    x = sketch.input(Tensor(left, kind, quantization=quantized), draw)
    y = sketch.operand(Tensor(right, kind, quantization=quantized), draw, constant=constant)
    result = sketch.drawing.node(operator, [x, y], [Tensor(answer, "bool")])
    return sketch.case(result, by_rows=left == right and not constant)


def _drawn(choices: Choices, kind: str, *, small: bool = False) -> Any:
    """Return a function that draws values of a dtype.

    With `small`, integers are drawn from -3 to 3, so that some of them are equal.
    """
    if kind == "float32":
        return partial(floats, special=one_in(choices, 3))
    if kind == "bool":
        return booleans
    if kind == "float16":
        return lambda choices, shape: floats(choices, shape).astype(np.float16)
    low, high = RANGES[kind]
    if small:
        return partial(integers, low=max(low, -3), high=3, dtype=kind)
    return partial(integers, low=low, high=high, dtype=kind)


def _logical(choices: Choices, operator: str) -> Case:
    sketch = Sketch(choices)
    left, right, answer = (bounded(shape) for shape in broadcast_pair(choices))
    places = [sketch.input(Tensor(left, "bool"), booleans)]
    if operator == "LOGICAL_NOT":
        answer = left
    else:
        places.append(sketch.input(Tensor(right, "bool"), booleans))
    result = sketch.drawing.node(operator, places, [Tensor(answer, "bool")])
    return sketch.case(result, by_rows=left == right or len(places) == 1)


def _select(choices: Choices, kind: str) -> Case:
    sketch = Sketch(choices)
    left, right, answer = (bounded(shape) for shape in broadcast_pair(choices))
    quantized = quantization(choices, kind) if kind in _STORED else None
    draw = _drawn(choices, kind)
    condition = sketch.input(Tensor(one_of(choices, (answer, left)), "bool"), booleans)
    x = sketch.input(Tensor(left, kind, quantization=quantized), draw)
    constant = yes_or_no(choices)
    sketch.facts |= {"constant_rows": _rows_of(right if constant else None, answer)}
    y = sketch.operand(Tensor(right, kind, quantization=quantized), draw, constant=constant)
    out = Tensor(answer, kind, quantization=quantized)
    result = sketch.drawing.node("SELECT_V2", [condition, x, y], [out])
    return sketch.case(result, by_rows=left == right and not constant)


def _select_rows(choices: Choices, kind: str) -> Case:
    """Draw a SELECT, the older operator, which cannot broadcast but can choose whole rows."""
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    quantized = quantization(choices, kind) if kind in _STORED else None
    draw = _drawn(choices, kind)
    chosen = one_of(choices, (shape, shape[:1]))
    places = [
        sketch.input(Tensor(chosen, "bool"), booleans),
        *(sketch.input(Tensor(shape, kind, quantization=quantized), draw) for _ in range(2)),
    ]
    out = Tensor(shape, kind, quantization=quantized)
    return sketch.case(sketch.drawing.node("SELECT", places, [out]), by_rows=True)


def _cast(choices: Choices, source: str, target: str) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    if source == "float32":
        draw: Any = partial(floats, low=-300.0, high=300.0)
    elif source in RANGES:
        draw = partial(integers, low=-100, high=100, dtype=source)
        if source in {"int32", "int64"} and yes_or_no(choices):
            draw = partial(integers, low=-(2**31), high=2**31 - 1, dtype=source)
    else:
        draw = _drawn(choices, source)
    place = sketch.input(Tensor(shape, source), draw)
    options = {"source": TYPES[source], "target": TYPES[target]}
    result = sketch.drawing.node("CAST", [place], [Tensor(shape, target)], **options)
    return sketch.case(result, by_rows=True)


def _quantize(choices: Choices, source: str, target: str) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    after = quantization(choices, target)
    base = float(after.scales[0])
    if source == "float32":
        reach = base * RANGES[target][1] * one_of(choices, (1.0, 0.5, 2.0))
        quantized, draw = None, partial(floats, low=-reach, high=reach)
    else:
        ratio = one_of(choices, (1.0, 0.5, 3.7, 0.01, 1e-6, 500.0))
        quantized = Quantization.of(float(np.float32(base * ratio)), zero_point(choices, source))
        draw = partial(held, dtype=source)
    place = sketch.input(Tensor(shape, source, quantization=quantized), draw)
    out = Tensor(shape, target, quantization=after)
    return sketch.case(sketch.drawing.node("QUANTIZE", [place], [out]), by_rows=True)


def _dequantize(choices: Choices, kind: str) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    if kind == "float16":
        place = sketch.input(Tensor(shape, kind), _drawn(choices, kind))
    else:
        quantized = Quantization.of(scale(choices), zero_point(choices, kind))
        tensor = Tensor(shape, kind, quantization=quantized)
        place = sketch.operand(tensor, partial(held, dtype=kind), constant=kind == "int4")
    out = Tensor(shape)
    result = sketch.drawing.node("DEQUANTIZE", [place], [out])
    return sketch.case(result, by_rows=kind != "int4")


def _reused(choices: Choices, operator: str) -> Case:
    """Draw a chain that reads a tensor again after an operator could have overwritten it."""
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    row = UNARY[operator]
    draw = partial(floats, low=max(row.low, 0.1), high=min(row.high, 4.0))
    x = sketch.input(Tensor(shape), draw)
    twice = sketch.drawing.node("ADD", [x, x], [Tensor(shape)])
    changed = sketch.drawing.node(operator, [twice], [Tensor(shape)])
    result = sketch.drawing.node("MUL", [twice, changed], [Tensor(shape)])
    return sketch.case(result, changed, twice, by_rows=True)


FAMILIES: list[Family] = [
    *(
        Family(operator, kind, partial(_unary, operator=operator, kind=kind))
        for operator, row in UNARY.items()
        for kind in ("float32", *row.kinds)
    ),
    *(
        Family("GELU", f"{kind}_{name}", partial(_gelu, kind=kind, approximate=name == "tanh"))
        for kind in ("float32", "int8")
        for name in ("erf", "tanh")
    ),
    *(
        Family(operator, kind, partial(_arithmetic, operator=operator, kind=kind))
        for operator, kinds in ARITHMETIC.items()
        for kind in kinds
    ),
    *(
        Family(operator, kind, partial(_comparison, operator=operator, kind=kind))
        for operator in COMPARISONS
        for kind in (*_COMPARED, *(("bool",) if operator in _OF_BOOLS else ()))
    ),
    *(
        Family(operator, "bool", partial(_logical, operator=operator))
        for operator in ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT")
    ),
    *(
        Family("SELECT_V2", kind, partial(_select, kind=kind))
        for kind in ("float32", "int32", "int64", *_STORED, "bool")
    ),
    *(
        Family("SELECT", kind, partial(_select_rows, kind=kind))
        for kind in ("float32", "int32", "int64", *_STORED, "bool")
    ),
    *(
        Family("CAST", f"{source}_{target}", partial(_cast, source=source, target=target))
        for source, target in CASTS
    ),
    *(
        Family("QUANTIZE", f"{source}_{target}", partial(_quantize, source=source, target=target))
        for source in ("float32", *_STATIC)
        for target in _STATIC
    ),
    *(
        Family("QUANTIZE", f"{source}_{target}", partial(_quantize, source=source, target=target))
        # Conversions to uint8 of the former quantization scheme, within it, and between it and
        # int8.
        for source, target in (
            *(("float32", "uint8"), ("uint8", "uint8"), ("uint8", "int8"), ("int8", "uint8")),
        )
    ),
    *(
        Family("DEQUANTIZE", kind, partial(_dequantize, kind=kind))
        for kind in ("float16", "int8", "int16", "uint8", "int4")
    ),
    *(
        Family("REUSED", operator, partial(_reused, operator=operator))
        for operator in ("EXP", "LOGISTIC", "NEG", "RELU", "TANH")
    ),
]
