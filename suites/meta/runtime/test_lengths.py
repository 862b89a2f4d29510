"""A runner runs each row at its own length, and each text at the shortest length that fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.candidates.declaration import NOTHING, Declaration
from models.input_roles import LENGTH
from models.row_lengths import shortest_that_fit
from models.runtime.client import Runner, RunnerRefused
from models.runtime.transports import LocalTransport
from suites.meta.lengths_files import LENGTHS, of_lengths
from suites.meta.runtime.test_classify import word_tokenizer
from suites.meta.small_classifiers import ROWS, Shape, classifier, model_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COUNT, LONGEST = 30, LENGTHS[-1]
Rows = dict[str, "NDArray[np.int32]"]
TEXTS = [("good",), ("acme", "bad news"), ("good " * 40,), ("acme", "good"), ("bad news good",)]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Return texts by role, and the shortest length that each fits."""
    draw = np.random.default_rng(3)
    mask = (np.arange(LONGEST) < draw.integers(1, LONGEST + 1, COUNT)[:, None]).astype(np.int32)
    ids = draw.integers(1, ROWS, mask.shape).astype(np.int32) * mask
    return {
        "ids": ids,
        "mask": mask,
        "segments": np.zeros_like(ids),
        LENGTH: shortest_that_fit(mask, LENGTHS),
    }


def load(
    runner: Runner, file: Path, data: bytes, declared: Declaration = NOTHING, name: str = "one"
) -> None:
    file.write_bytes(data)
    spec = read_candidate(file, declared)
    runner.load(name, file, binding=binding_of(spec, below=None, length=LONGEST))


@pytest.fixture(params=["signatures", "open length"])
def several(request: pytest.FixtureRequest, runner: Runner, tmp_path: Path) -> Runner:
    """Start a runner that has loaded a file with several lengths."""
    file = tmp_path / "x.tflite"
    if request.param == "signatures":
        load(runner, file, of_lengths())
    else:
        load(runner, file, classifier(signature=(1, -1)), Declaration(lengths=LENGTHS))
    return runner


def at_length(runner: Runner, file: Path, rows: Rows, length: int) -> NDArray[np.float32]:
    """Return the logits that a file with only this length gives."""
    load(runner, file, classifier(tokens=length), name="single")
    cut = {role: array[:, :length] for role, array in rows.items() if role != LENGTH}
    return runner.answer("single", cut).logits


def test_each_row_is_run_at_its_own_length(several: Runner, tmp_path: Path, rows: Rows) -> None:
    """Rows of all lengths are mixed; each has the logits that a file with only its length gives."""
    logits = several.answer("one", rows).logits
    for length in LENGTHS:
        at = rows[LENGTH] == length
        expected = at_length(several, tmp_path / "y.tflite", rows, length)
        assert logits[at] == pytest.approx(expected[at], abs=1e-6)
    assert len(set(rows[LENGTH].tolist())) == len(LENGTHS)


def test_rows_without_a_length_are_run_at_the_longest_length(
    several: Runner, tmp_path: Path, rows: Rows
) -> None:
    unlimited = {role: array for role, array in rows.items() if role != LENGTH}
    expected = at_length(several, tmp_path / "y.tflite", rows, LONGEST)
    assert several.answer("one", unlimited).logits == pytest.approx(expected, abs=1e-6)


def test_timed_race_runs_each_row_at_its_own_length(several: Runner, rows: Rows) -> None:
    expected = several.answer("one", rows).logits.argmax(axis=1)
    raced = several.race({"one": rows}, rounds=2 * COUNT, warmup=2, seed=5)
    assert np.array_equal(raced.predictions["one"], expected[raced.rows])


def test_text_is_run_at_the_shortest_length_that_fits(several: Runner) -> None:
    tokenizer = word_tokenizer(LONGEST)
    encoded = tokenizer.encode_batch([text if len(text) > 1 else text[0] for text in TEXTS])
    rows = {
        "ids": np.array([row.ids for row in encoded], np.int32),
        "mask": np.array([row.attention_mask for row in encoded], np.int32),
        "segments": np.array([row.type_ids for row in encoded], np.int32),
    }
    lengths = shortest_that_fit(rows["mask"], LENGTHS)
    classified = several.classify("one", tokenizer.to_str(), TEXTS)
    assert classified.lengths.tolist() == lengths.tolist() == [4, 6, 8, 6, 6]
    assert np.array_equal(classified.logits, several.answer("one", rows | {LENGTH: lengths}).logits)


def test_left_padded_text_is_run_at_the_longest_length(several: Runner) -> None:
    tokenizer = word_tokenizer(LONGEST)
    tokenizer.enable_padding(direction="left", length=LONGEST)
    classified = several.classify("one", tokenizer.to_str(), TEXTS)
    assert set(classified.lengths.tolist()) == {LONGEST}


def test_loaded_file_reports_its_lengths(several: Runner) -> None:
    assert several.loaded["one"].lengths == LENGTHS


@pytest.mark.parametrize(
    "lengths",
    [np.full(COUNT, 5), np.full(COUNT, 8.0), np.full((COUNT, 1), 8), np.full(COUNT - 1, 8)],
    ids=["unknown", "no integers", "a matrix", "too few"],
)
def test_rejects_row_lengths_that_the_file_does_not_have(
    several: Runner, rows: Rows, lengths: NDArray[np.generic]
) -> None:
    with pytest.raises(RunnerRefused, match="length") as refusal:
        several.answer("one", {**rows, LENGTH: lengths})
    assert refusal.value.kind == "inputs"


def test_rejects_row_lengths_for_a_file_with_a_single_length(
    runner: Runner, tmp_path: Path, rows: Rows
) -> None:
    load(runner, tmp_path / "x.tflite", classifier())
    with pytest.raises(RunnerRefused, match="the signature has the inputs"):
        runner.answer("one", rows)


@pytest.mark.parametrize("shorter", [{"classes": 5}, {"dtype": "int64"}], ids=["classes", "dtype"])
def test_rejects_signatures_of_two_lengths_with_different_dtypes(
    runner: Runner, tmp_path: Path, shorter: dict[str, object]
) -> None:
    """The binding names signatures of two different classifiers."""
    file = tmp_path / "x.tflite"
    shapes = Shape(keys=("long",)), Shape(tokens=4, keys=("short",), **shorter)  # type: ignore[arg-type] # callers pass fields of `Shape`
    file.write_bytes(model_of(*shapes).pack())
    long, short = (read_candidate(file, Declaration(signature=key)) for key in ("long", "short"))
    bound = binding_of(replace(long, shorter=(short,)), below=None, length=LONGEST)
    with pytest.raises(
        RunnerRefused,
        match="the inputs for rows of 4 tokens have other dtypes than those for 8 tokens",
    ):
        runner.load("one", file, binding=bound)


def test_graphs_with_shared_packed_weights_give_the_logits_of_separate_graphs(
    rows: Rows, tmp_path: Path
) -> None:
    """CompiledModel packs weights once for all lengths, the interpreter for each length."""
    answers = []
    for backend in ("ai_edge_litert", "litert-cpu"):
        with Runner(LocalTransport(), backend) as runner:
            load(runner, tmp_path / "x.tflite", of_lengths())
            answers.append(runner.answer("one", rows).logits)
    assert np.allclose(*answers, rtol=1e-5, atol=1e-6)
