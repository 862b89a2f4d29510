"""Write a classifier twice: in float32, and with eight-bit weights in its dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from suites.meta.flatbuffer_writer import Model, Scalar
from suites.meta.small_classifiers import ROWS, TOKENS

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, LAYERS, CLASSES = 16, 4, 3
NAMES = ("input_ids", "attention_mask")


@dataclass(frozen=True, kw_only=True)
class Layered:
    """The description of one file of a pair.

    Attributes:
        integers: whether the dense layers have eight-bit weights.
        damaged: index of the layer whose weights have eight times the correct scale; None for no
            layer.
        not_a_number: index of the layer whose bias is NaN; None for no layer.
        nan_row: index of the table's row that is NaN; None for no row.
        prefix: prefix of the names of all tensors.
        names: names of the inputs: ids, mask.
        order: order of the graph's inputs, as indices of `names`.
        dtype: dtype of the inputs.
    """

    integers: bool = False
    damaged: int | None = None
    not_a_number: int | None = None
    nan_row: int | None = None
    prefix: str = ""
    names: tuple[str, str] = NAMES
    order: tuple[int, int] = (0, 1)
    dtype: str = "int32"


def layered(**fields_given: object) -> bytes:
    """Return the bytes of the file that these fields of `Layered` describe."""
    return _model(Layered(**fields_given)).pack()  # type: ignore[arg-type] # callers pass fields of `Layered`


def weights() -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Return the embedding table, and the weights of each dense layer."""
    draw = np.random.default_rng(5)
    sizes = [WIDTH] * LAYERS + [CLASSES]
    table = draw.normal(size=(ROWS, WIDTH)).astype(np.float32)
    dense = [
        (1.5 * draw.normal(size=(out, WIDTH)) / np.sqrt(WIDTH)).astype(np.float32)
        for out in sizes[1:]
    ]
    return table, dense


def logits(ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the logits of the undamaged classifier in float64."""
    table, dense = weights()
    state = (table[ids] * (ids != 0)[..., None]).astype(np.float64).mean(axis=1)
    for at, kernel in enumerate(dense):
        state = state @ kernel.T
        state = np.tanh(state) if at < len(dense) - 1 else state
    return np.asarray(state)


def _model(layout: Layered) -> Model:
    model, size = Model(), (1, TOKENS)
    table, dense = weights()
    named = [model.tensor(f"{layout.prefix}{name}", size, layout.dtype) for name in layout.names]
    ids, mask = named
    if layout.nan_row is not None:
        table[layout.nan_row] = np.nan
    held = model.tensor(f"{layout.prefix}table", table.shape, values=table)
    state = model.tensor(f"{layout.prefix}embedded", (*size, WIDTH))
    rows = ("GatherOptions", {0: Scalar("Int32", 0)})
    model.operator("GATHER", [held, ids], [state], options=rows)
    real = model.tensor(f"{layout.prefix}mask_real", size)
    column = model.tensor(f"{layout.prefix}mask_column", (*size, 1))
    masked = model.tensor(f"{layout.prefix}masked", (*size, WIDTH))
    last = model.tensor(f"{layout.prefix}last", (), "int32", values=-1)
    model.operator("CAST", [mask], [real], options=("CastOptions", {}))
    model.operator("EXPAND_DIMS", [real, last], [column], options=("ExpandDimsOptions", {}))
    model.operator("MUL", [state, column], [masked], options=("MulOptions", {}))
    axis = model.tensor(f"{layout.prefix}axis", (1,), "int32", values=[1])
    state = model.tensor(f"{layout.prefix}mean", (1, WIDTH))
    model.operator("MEAN", [masked, axis], [state], options=("ReducerOptions", {}))
    for at, kernel in enumerate(dense):
        state = _dense(model, layout, state, at, kernel)
    model.end_graph([named[place] for place in layout.order], [state])
    return model


def _dense(model: Model, layout: Layered, state: int, at: int, values: NDArray[np.float32]) -> int:
    name = f"{layout.prefix}dense_{at}"
    if layout.integers:
        scale = float(np.abs(values).max()) / 127
        quantized = np.rint(values / scale).astype(np.int8)
        scale = scale * 8 if layout.damaged == at else scale
        kernel = model.tensor(f"{name}/kernel", values.shape, "int8", values=quantized, scale=scale)
    else:
        kernel = model.tensor(f"{name}/kernel", values.shape, values=values)
    bias = np.full(len(values), np.nan if layout.not_a_number == at else 0.0, np.float32)
    added = model.tensor(f"{name}/bias", (len(values),), values=bias)
    out = model.tensor(name, (1, len(values)))
    full: tuple[str, dict[int, Scalar]] = ("FullyConnectedOptions", {})
    model.operator("FULLY_CONNECTED", [state, kernel, added], [out], options=full)
    if at == LAYERS - 1:
        return out
    bent = model.tensor(f"{name}/tanh", (1, len(values)))
    model.operator("TANH", [out], [bent])
    return bent
