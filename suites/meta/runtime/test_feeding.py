"""Token rows are fed to a model with the same result and the same checks as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.backends.common.backend import Graph
from models.backends.common.refusals import Refusal
from models.backends.common.tensors import Tensor
from models.runner.feeding import Feed, most_allowed
from models.runner.model import Model
from models.runner.tokenizer_json import Padding
from models.runner.tokenizing import Row

LENGTHS = (4, 8)
PADDING = Padding(LENGTHS[-1], pad=9, segment=1)
BELOW = 50


class Recorded(Graph):
    """A graph that stores its inputs."""

    def __init__(self) -> None:
        self.given: dict[int, Any] = {}

    def set_tensor(self, index: int, array: Any) -> None:
        """Store an input."""
        self.given[index] = array.copy()

    def invoke(self) -> None:
        """Compute nothing."""

    def get_tensor(self, index: int) -> Any:
        """Return a stored input."""
        return self.given[index]


def tensor(name: str, index: int, length: int, dtype: str = "int32", **how: Any) -> Tensor:
    shape = how.pop("shape", (1, length))
    return Tensor(
        name=name,
        index=index,
        shape=shape,
        shape_signature=shape,
        dtype=np.dtype(dtype),
        scales=how.get("scales", ()),
        zero_points=how.get("zero_points", ()),
        axis=0,
        below={"ids": BELOW}.get(name, 2),
    )


def model(names=("ids", "mask", "segments"), lengths=LENGTHS, **how: Any) -> Model:
    graphs = []
    for length in lengths:
        inputs = [tensor(name, index, length, **how) for index, name in enumerate(names)]
        output = tensor("logits", 7, 3, "float32")
        graphs.append(Model(Recorded(), inputs, output, None))  # type: ignore[arg-type] # these tests need no file
    *shorter, longest = graphs
    longest.shorter = {shorter_model.length: shorter_model for shorter_model in shorter}
    return longest


def drawn_rows(number: int) -> list[Row]:
    draw = np.random.default_rng(2)
    rows = []
    for _ in range(number):
        end = int(draw.integers(1, LENGTHS[-1] + 1))
        segments = draw.integers(0, 2, end).tolist() if draw.integers(2) else None
        rows.append(Row(draw.integers(0, BELOW, end).tolist(), segments, None, end))
    return rows


def checked(longest: Model, row: Row) -> tuple[int, dict[int, Any]]:
    """Feed a row as checked arrays; return the length at which it is run, and the inputs."""
    padded = row.whole(PADDING)
    names = [port.name for port in longest.inputs]
    _, arrays = longest.check({name: np.array([padded[name]], np.int32) for name in names})
    at_length = longest.shortest_for(row.end)
    at_length.set_row(arrays, 0)
    return at_length.length, at_length.graph.given  # type: ignore[attr-defined] # the graph is a `Recorded`


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "uint8"])
@pytest.mark.parametrize("names", [("ids", "mask", "segments"), ("mask", "ids"), ("ids",)])
def test_token_rows_are_fed_like_checked_arrays(names, dtype):
    fed, expected = model(names, dtype=dtype), model(names, dtype=dtype)
    feed = Feed(fed, PADDING)
    assert feed._rows
    for row in drawn_rows(60):
        at_length = feed.give(row)
        length, arrays = checked(expected, row)
        assert at_length.length == length
        for index, array in arrays.items():
            fed_array = at_length.graph.given[index]
            assert fed_array.dtype == array.dtype
            np.testing.assert_array_equal(fed_array, array)


UNUSUAL: dict[str, dict[str, Any]] = {
    "quantized": {"dtype": "int8", "scales": (0.5,), "zero_points": (1,)},
    "an unknown role": {"names": ("ids", "letters")},
    "rows of another length": {"lengths": (4, 12)},
}


@pytest.mark.parametrize("how", UNUSUAL.values(), ids=UNUSUAL)
def test_models_with_unusual_inputs_are_fed_through_checked_arrays(how):
    feed = Feed(model(**how), PADDING)
    assert not feed._rows
    row = Row([2, 3], None, None, 2)
    if how is UNUSUAL["quantized"]:
        assert feed.give(row).graph.given[0].tolist() == [[5, 7, 19, 19]]
    else:
        with pytest.raises(Refusal, match=r"the signature (has the inputs|needs rows of)"):
            feed.give(row)


WRONG = {
    "an id that is too large": Row([1, BELOW], None, None, 2),
    "a negative id": Row([-1, 2], None, None, 2),
    "a segment that is too large": Row([1, 2], [0, 2], None, 2),
    "a whole row that is short": Row([1, 2], None, [1, 1], 2),
}


@pytest.mark.parametrize("row", WRONG.values(), ids=WRONG)
def test_rejects_token_rows_with_invalid_values_or_length(row):
    feed = Feed(model(), PADDING)
    with pytest.raises(Refusal, match=r"but only 0 to|needs rows of"):
        feed.give(row)


def test_row_after_a_rejected_row_is_fed_correctly():
    feed = Feed(model(), PADDING)
    feed.give(Row([1, 2, 3], [1, 1, 1], None, 3))
    with pytest.raises(Refusal):
        feed.give(Row([BELOW], None, None, 1))
    fed = feed.give(Row([4], None, None, 1)).graph.given
    assert [array.tolist() for array in fed.values()] == [
        [[4, 9, 9, 9]],
        [[1, 0, 0, 0]],
        [[0, 1, 1, 1]],
    ]


def test_row_without_tokens_is_fed_as_padding():
    fed = Feed(model(), PADDING).give(Row([], None, None, 0)).graph.given
    assert [array.tolist() for array in fed.values()] == [[[9] * 4], [[0] * 4], [[1] * 4]]


def test_left_padded_row_is_fed_at_its_full_length():
    row = Row([9, 9, 9, 9, 9, 9, 1, 2], None, [0] * 6 + [1, 1], 8)
    fed = Feed(model(), None).give(row)
    assert fed.length == LENGTHS[-1]
    assert fed.graph.given[0].tolist() == [row.ids]
    assert fed.graph.given[1].tolist() == [row.mask]


@pytest.mark.parametrize(
    ("dtype", "most"),
    [
        ("int64", BELOW - 1),
        ("bool", 1),
        ("float16", BELOW - 1),
        ("int8", BELOW - 1),
        ("complex64", -1),
    ],
)
def test_largest_allowed_value_is_exactly_representable_in_each_dtype(dtype, most):
    assert most_allowed(tensor("ids", 0, 4, dtype)) == most
