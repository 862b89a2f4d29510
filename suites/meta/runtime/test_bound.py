"""Token ids of every dtype are accepted, and graphs other than the first can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.candidates.declaration import Declaration
from models.runtime.failures import RunnerRefused
from suites.meta.door.texts import logits
from suites.meta.flatbuffer_writer import Model
from suites.meta.small_classifiers import ROWS, TOKENS, Shape, model_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from models.runtime.client import Runner

COUNT = 12
Rows = dict[str, "NDArray[np.int32]"]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Return random texts by role: int32 arrays [COUNT, TOKENS]."""
    draw = np.random.default_rng(3)
    mask = (np.arange(TOKENS) < draw.integers(1, TOKENS + 1, COUNT)[:, None]).astype(np.int32)
    ids = draw.integers(1, ROWS, (COUNT, TOKENS)).astype(np.int32) * mask
    return {"ids": ids, "mask": mask, "segments": np.zeros_like(ids)}


def answer(
    runner: Runner, file: Path, data: bytes, rows: Rows, signature: str | None = None
) -> NDArray[np.float32]:
    file.write_bytes(data)
    spec = read_candidate(file, Declaration(signature=signature))
    runner.load("one", file, binding=binding_of(spec, below=None, length=TOKENS))
    return runner.answer("one", {port.role: rows[port.role] for port in spec.inputs}).logits


@pytest.mark.parametrize("signature", [None, (1, -1), (-1, -1)], ids=["fixed", "length", "both"])
def test_each_signature_runs_its_own_graph(
    runner: Runner, tmp_path: Path, rows: Rows, signature: tuple[int, ...] | None
) -> None:
    """The three graphs differ in weights, number of labels and order of inputs."""
    shapes = (
        Shape(keys=("first",), signature=signature),
        Shape(keys=("second",), signature=signature, seed=1, order=(2, 0, 1)),
        Shape(keys=("third",), signature=signature, seed=2, classes=5),
    )
    data = model_of(*shapes).pack()
    for shape in shapes:
        expected = logits(rows["ids"], shape.classes, seed=shape.seed)
        actual = answer(runner, tmp_path / "x.tflite", data, rows, shape.keys[0])
        assert actual == pytest.approx(expected, abs=1e-4)


def test_two_graphs_of_one_file_can_be_timed_against_each_other(
    runner: Runner, tmp_path: Path, rows: Rows
) -> None:
    """Graphs other than the first can be timed too, and give the right labels."""
    shapes = (Shape(keys=("first",)), Shape(keys=("second",), seed=1))
    file = tmp_path / "x.tflite"
    file.write_bytes(model_of(*shapes).pack())
    names = [shape.keys[0] for shape in shapes]
    for name in names:
        spec = read_candidate(file, Declaration(signature=name))
        runner.load(name, file, binding=binding_of(spec, below=None, length=TOKENS))
    raced = runner.race(dict.fromkeys(names, rows), rounds=COUNT, warmup=2, seed=5)
    for name, shape in zip(names, shapes, strict=True):
        expected = logits(rows["ids"], seed=shape.seed).argmax(axis=1)
        assert np.array_equal(raced.predictions[name], expected[raced.rows])
        assert (raced.invoke_ns[name] > 0).all()


def looked_up(dtype: str, *, scale: float | None = None, zero: int = 0) -> bytes:
    """Return a FlatBuffer whose logits are the mean of the rows of a table [ROWS, 3] at its ids."""
    model = Model()
    ids = model.tensor("ids", (1, TOKENS), dtype, scale=scale, zero=zero)
    integers = model.tensor("whole", (1, TOKENS), "int32")
    source = ids
    if scale is not None:
        source = model.tensor("real", (1, TOKENS))
        model.operator("DEQUANTIZE", [ids], [source], version=2)
    model.operator("CAST", [source], [integers], options=("CastOptions", {}))
    table = model.tensor("table", (ROWS, 3), values=np.arange(3 * ROWS).reshape(ROWS, 3) ** 1.5)
    words, mean = model.tensor("words", (1, TOKENS, 3)), model.tensor("mean", (1, 3))
    model.operator("GATHER", [table, integers], [words], options=("GatherOptions", {}))
    axis = model.tensor("axis", (1,), "int32", values=[1])
    model.operator("MEAN", [words, axis], [mean], options=("ReducerOptions", {}))
    out = model.tensor("out", (1, 3))
    eye = model.tensor("eye", (3, 3), values=np.eye(3))
    model.operator("FULLY_CONNECTED", [mean, eye, -1], [out], options=("FullyConnectedOptions", {}))
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    return model.pack()


@pytest.mark.parametrize(
    "make",
    [
        lambda: looked_up("int16"),
        lambda: looked_up("uint8"),
        lambda: looked_up("int8"),
        lambda: looked_up("int64"),
        lambda: looked_up("float32"),
        lambda: looked_up("int8", scale=1.0, zero=-128),
        lambda: looked_up("int8", scale=0.5, zero=-128),
        lambda: looked_up("uint8", scale=1.0),
    ],
    ids=["int16", "uint8", "int8", "int64", "float32", "quantized", "halves", "unsigned"],
)
def test_token_ids_of_every_dtype_select_their_embedding_rows(
    runner: Runner, tmp_path: Path, rows: Rows, make: Callable[[], bytes]
) -> None:
    table = np.arange(3 * ROWS).reshape(ROWS, 3) ** 1.5
    actual = answer(runner, tmp_path / "x.tflite", make(), rows)
    assert actual == pytest.approx(table[rows["ids"]].mean(axis=1), rel=1e-5)


def test_rejects_id_that_does_not_fit_the_dtype(runner: Runner, tmp_path: Path, rows: Rows) -> None:
    """An int8 would turn 200 into -56, the id of another word."""
    large = {**rows, "ids": np.full_like(rows["ids"], 200)}
    with pytest.raises(RunnerRefused, match="ids is int32, but the signature needs int8"):
        answer(runner, tmp_path / "x.tflite", looked_up("int8"), large)
