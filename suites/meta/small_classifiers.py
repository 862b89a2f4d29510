"""Write small text classifiers of common shapes, without a converter.

A classifier consists of GATHER in a table of 64 rows, the mask, a mean over 8 tokens, the mean of
the segments, and a dense layer. Every runtime can run it, and its file has a few kB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from suites.meta.flatbuffer_writer import Model, Scalar, f32

TOKENS, WIDTH, ROWS = 8, 4, 64
NAMES = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The properties of a small classifier.

    Attributes:
        names: names of the inputs for ids, mask and segments; the last one or two may be missing.
        tensor_prefix: prefix of the names of the input tensors.
        end: operators after the dense layer.
        order: order of the graph's inputs, as indices of `names`.
        keys: keys of its signatures; () for none.
        rows: number of rows of the embedding table.
        lead: shape of the output before the classes.
        integer: scale and zero point of an int8 output; None for a float output.
        noise: standard deviation of the noise on the table, relative to the table's.
    """

    names: tuple[str, ...] = NAMES
    tensor_prefix: str = "serving_default_"
    dtype: str = "int32"
    tokens: int = TOKENS
    rows: int = ROWS
    signature: tuple[int, ...] | None = None
    classes: int = 3
    lead: tuple[int, ...] = (1,)
    output_signature: tuple[int, ...] | None = None
    output: str = "logits"
    end: tuple[str, ...] = ()
    order: tuple[int, ...] = (0, 1, 2)
    keys: tuple[str, ...] = ("serving_default",)
    integer: tuple[float, int] | None = None
    outputs: int = 1
    seed: int = 0
    noise: float = 0.0


def classifier(**shape: Any) -> bytes:
    """Return the file of a small classifier."""
    return model_of(Shape(**shape)).pack()


def model_of(*shapes: Shape) -> Model:
    """Return a model with one graph per small classifier, ready to be packed."""
    model = Model()
    for shape in shapes:
        _add(model, shape)
    return model


def _add(model: Model, shape: Shape) -> None:
    rng = np.random.default_rng(shape.seed)
    size = (1, shape.tokens)
    ids = [
        model.tensor(f"{shape.tensor_prefix}{name}:0", size, shape.dtype, signature=shape.signature)
        for name in shape.names
    ]
    looked_up = rng.normal(size=(shape.rows, WIDTH))
    head = rng.normal(size=(shape.classes, WIDTH))
    if shape.noise:
        looked_up += shape.noise * rng.normal(size=looked_up.shape)
    table = model.tensor("table", (shape.rows, WIDTH), values=looked_up)
    state = _pooled(model, ids, table, size, shape.dtype)
    weights = model.tensor("head", (shape.classes, WIDTH), values=head)
    out = model.tensor("dense", (*shape.lead, shape.classes), signature=shape.output_signature)
    model.operator(
        "FULLY_CONNECTED", [state, weights, -1], [out], options=("FullyConnectedOptions", {})
    )
    for number, name in enumerate(shape.end):
        out = _after(model, name, out, f"end_{number}", shape)
    if shape.integer is not None:
        scale, zero = shape.integer
        final = model.tensor(
            "quantized", (*shape.lead, shape.classes), "int8", scale=scale, zero=zero
        )
        model.operator("QUANTIZE", [out], [final], options=("QuantizeOptions", {}))
        out = final
    outs = {shape.output: out}
    if shape.outputs > 1:
        outs["pooled"] = state
    inputs = dict(zip(shape.names, ids, strict=True))
    for key in shape.keys:
        model.sign(inputs, outs, key, graph=len(model.subgraphs))
    model.end_graph([ids[i] for i in shape.order if i < len(ids)], list(outs.values()))


def _pooled(model: Model, ids: list[int], table: int, size: tuple[int, int], dtype: str) -> int:
    """Add operators that pool the inputs into one vector; return its tensor."""
    axis = model.tensor("axis", (1,), "int32", values=[1])
    first = ids[0]
    if dtype not in ("int32", "int64"):
        first = model.tensor("whole", size, "int32")
        model.operator("CAST", [ids[0]], [first], options=("CastOptions", {}))
    state = model.tensor("embedded", (*size, WIDTH))
    model.operator("GATHER", [table, first], [state], options=("GatherOptions", {0: _zero()}))
    if len(ids) > 1:
        last = model.tensor("last", (), "int32", values=-1)
        real, column = model.tensor("mask_real", size), model.tensor("mask_column", (*size, 1))
        masked = model.tensor("masked", (*size, WIDTH))
        model.operator("CAST", [ids[1]], [real], options=("CastOptions", {}))
        model.operator("EXPAND_DIMS", [real, last], [column], options=("ExpandDimsOptions", {}))
        model.operator("MUL", [state, column], [masked], options=("MulOptions", {}))
        state = masked
    pooled = model.tensor("mean", (1, WIDTH))
    model.operator("MEAN", [state, axis], [pooled], options=("ReducerOptions", {}))
    if len(ids) > 2:
        real, mean = model.tensor("segments_real", size), model.tensor("segments_mean", (1, 1))
        total = model.tensor("summed", (1, WIDTH))
        model.operator("CAST", [ids[2]], [real], options=("CastOptions", {}))
        keep = ("ReducerOptions", {0: Scalar("Bool", True)})
        model.operator("MEAN", [real, axis], [mean], options=keep)
        model.operator("ADD", [pooled, mean], [total], options=("AddOptions", {}))
        pooled = total
    return pooled


def _after(model: Model, name: str, source: int, called: str, shape: Shape) -> int:
    out = model.tensor(called, (*shape.lead, shape.classes), signature=shape.output_signature)
    inputs, options = [source], None
    if name == "SOFTMAX":
        options = ("SoftmaxOptions", {0: f32(1.0)})
    elif name == "RESHAPE":
        to = model.tensor(f"{called}_shape", (2,), "int32", values=[1, shape.classes])
        inputs = [source, to]
    elif name in ("MUL", "ADD"):
        by = model.tensor(f"{called}_by", (), values=2.0)
        inputs, options = [source, by], (f"{name.title()}Options", {})
    model.operator(name, inputs, [out], options=options)
    return out


def _zero() -> Scalar:
    return Scalar("Int32", 0)
