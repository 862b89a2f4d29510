"""The runner gives equal logits on every runtime, and rejects invalid inputs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tflite

from models.input_roles import IDS, MASK, ROLES, SEGMENTS
from models.runtime import replies
from models.runtime.available import available_backends
from models.runtime.client import Runner, RunnerRefused
from models.runtime.predictions import answer_split, answer_split_at_once, rows_of
from models.runtime.transports import LocalTransport
from suites.meta.tiny_models import CLASSES, INPUTS, TOKENS, VOCABULARY, binding_of_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Inputs = dict[str, NDArray[np.int32]]

# Schemes that both runtimes execute correctly; the conformance suite tests the others.
SOUND = ("float32", "float16", "static_wi8_ai8", "quantizer_static_wi8_ai8")


@pytest.fixture
def loaded(runner: Runner, tiny: dict[str, Path]) -> Runner:
    runner.load("tiny", tiny["float32"], binding=binding_of_encoder(VOCABULARY))
    return runner


def changed(by_name: Inputs, name: str, value: int) -> Inputs:
    array = by_name[name].copy()
    array[7, 3] = value
    return {**by_name, name: array}


@pytest.mark.parametrize("scheme", SOUND)
def test_two_runtimes_give_nearly_equal_logits(
    tiny: dict[str, Path], by_name: Inputs, scheme: str
) -> None:
    names = [backend.name for backend in available_backends(("ai_edge_litert", "tflite_runtime"))]
    if len(names) < 2:
        pytest.skip(f"only {names} is installed")
    logits = []
    for name in names:
        with Runner(LocalTransport(), name) as runner:
            runner.load(scheme, tiny[scheme])
            logits.append(runner.answer(scheme, by_name).logits)
    # Integer kernels may differ by one rounding step.
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-4 if "float" in scheme else 0.1)
    assert (logits[0].argmax(1) == logits[1].argmax(1)).mean() >= 0.9


def test_each_answer_has_a_measured_time(loaded: Runner, texts: Inputs) -> None:
    answers = loaded.answer("tiny", texts)
    assert answers.logits.shape == (30, CLASSES)
    assert answers.invoke_ns.shape == answers.cpu_ns.shape == (30,)
    assert (answers.invoke_ns > 0).all()
    assert answers.nan_count == answers.inf_count == 0
    assert answers.age_ns is None or answers.age_ns > 0


def test_order_of_inputs_does_not_change_the_logits(loaded: Runner, texts: Inputs) -> None:
    expected = loaded.answer("tiny", texts).logits
    for order in itertools.permutations(ROLES):
        answers = loaded.answer("tiny", {name: texts[name] for name in order})
        np.testing.assert_array_equal(answers.logits, expected)


def test_zero_texts_give_an_empty_array_of_logits(loaded: Runner, texts: Inputs) -> None:
    none = {name: array[:0] for name, array in texts.items()}
    assert loaded.answer("tiny", none).logits.shape == (0, CLASSES)


def test_model_loaded_from_bytes_and_from_its_file_gives_equal_logits(
    runner: Runner, tiny: dict[str, Path], by_name: Inputs
) -> None:
    from_file = runner.load("file", tiny["float32"])
    from_bytes = runner.load("bytes", tiny["float32"].read_bytes())
    assert from_file.sha256 == from_bytes.sha256
    assert from_file.size == from_bytes.size == tiny["float32"].stat().st_size
    np.testing.assert_array_equal(
        runner.answer("file", by_name).logits, runner.answer("bytes", by_name).logits
    )


def test_loaded_model_reports_its_signature(loaded: Runner, tiny: dict[str, Path]) -> None:
    model = loaded.load("told", tiny["static_wi8_ai8"])
    assert {tensor.name for tensor in model.inputs} == set(INPUTS)
    assert {(tensor.dtype, tensor.shape) for tensor in model.inputs} == {("int32", (1, TOKENS))}
    assert (model.output.name, model.output.shape) == ("logits", (1, CLASSES))
    assert model.load_ns > 0


def test_operators_are_delegated_only_on_backends_with_a_delegate(
    runner: Runner, tiny: dict[str, Path]
) -> None:
    with_them = runner.load("with", tiny["float32"]).delegation
    without = runner.load(
        "without", tiny["float32"], backend=f"{runner.info.runtime}-builtin"
    ).delegation
    reference = runner.load(
        "reference", tiny["float32"], backend=f"{runner.info.runtime}-reference"
    ).delegation
    assert with_them is not None
    assert without is not None
    assert reference is not None
    assert 0 < with_them.delegated <= with_them.nodes
    assert with_them.partitions > 0
    assert without.delegated == reference.delegated == 0
    assert without.nodes == reference.nodes == with_them.nodes


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (IDS, -1, "from -1 to"),
        (IDS, VOCABULARY, f"but only 0 to {VOCABULARY - 1}"),
        (MASK, 2, "but only 0 to 1"),
        (SEGMENTS, -1, "from -1 to"),
        (SEGMENTS, 2, "but only 0 to 1"),
    ],
)
def test_rejects_input_values_out_of_range(
    loaded: Runner, texts: Inputs, name: str, value: int, says: str
) -> None:
    with pytest.raises(RunnerRefused, match=says) as refusal:
        loaded.answer("tiny", changed(texts, name, value))
    assert refusal.value.kind == "inputs"
    assert name in refusal.value.message


def test_token_ids_beyond_the_embedding_table_raise_a_runtime_error(
    runner: Runner, tiny: dict[str, Path], by_name: Inputs
) -> None:
    """If the vocabulary size is unknown, the runtime detects the id, and the runner continues."""
    runner.load("unbounded", tiny["float32"])
    with pytest.raises(RunnerRefused) as refusal:
        runner.answer("unbounded", changed(by_name, "input_ids", 10_000))
    assert refusal.value.kind == "invoke"
    assert runner.answer("unbounded", by_name).nan_count == 0


@pytest.mark.parametrize("missing", ROLES)
def test_rejects_request_without_a_required_input(
    loaded: Runner, texts: Inputs, missing: str
) -> None:
    incomplete = {name: array for name, array in texts.items() if name != missing}
    with pytest.raises(RunnerRefused, match=rf"the signature has the inputs .*{missing}"):
        loaded.answer("tiny", incomplete)


def test_rejects_request_with_an_unknown_input(loaded: Runner, texts: Inputs) -> None:
    with pytest.raises(RunnerRefused, match=r"but .*position_ids.* were given"):
        loaded.answer("tiny", {**texts, "position_ids": texts[IDS]})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((30, TOKENS + 1), np.int32), "shape"),
        (np.zeros(30, np.int32), "shape"),
        (np.zeros((29, TOKENS), np.int32), "numbers of rows"),
        (np.int32(0), "numbers of rows"),
        (np.zeros((30, TOKENS), np.int64), "is int64, but the signature needs int32"),
        (np.zeros((30, TOKENS), np.float32), "is float32, but the signature needs int32"),
        (np.full((30, TOKENS), np.nan, np.float32), "NaN"),
    ],
    ids=["too-long", "flat", "too-few", "scalar", "int64", "float32", "nan"],
)
def test_rejects_input_arrays_of_wrong_shape_or_type(
    loaded: Runner, texts: Inputs, wrong: NDArray[np.int32], message: str
) -> None:
    with pytest.raises(RunnerRefused, match=message) as refusal:
        loaded.answer("tiny", {**texts, IDS: wrong})
    assert refusal.value.kind == "inputs"


def test_nan_logits_are_counted(runner: Runner, tiny: dict[str, Path], by_name: Inputs) -> None:
    content = bytearray(tiny["float32"].read_bytes())
    model = tflite.Model.GetRootAs(content, 0)
    weights = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())]
    largest = max((data for data in weights if not isinstance(data, int)), key=len)
    largest[:] = np.frombuffer(np.full(len(largest) // 4, np.nan, np.float32).tobytes(), np.uint8)
    runner.load("broken", bytes(content))
    assert runner.answer("broken", by_name).nan_count == 30 * CLASSES


def test_rejects_model_whose_hash_differs_from_the_expected_hash(
    runner: Runner, tiny: dict[str, Path]
) -> None:
    with pytest.raises(RunnerRefused, match="sha256") as refusal:
        runner.load("hashed", tiny["float32"], sha256="0" * 64)
    assert refusal.value.kind == "hash"
    assert str(tiny["float32"]) in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "not-a-flatbuffer"),
        (b"\x1c\x00\x00\x00TFL3", "not-a-flatbuffer"),
        (b"\xff\xff\x00\x00TFL3" + bytes(100), "not-a-flatbuffer"),
        (b"\x1c\x00\x00\x00ABCD" + bytes(100), "not-a-flatbuffer"),
    ],
    ids=["empty", "start-only", "root-outside", "other-identifier"],
)
def test_rejects_file_that_is_not_a_flatbuffer(
    runner: Runner, tmp_path: Path, content: bytes, kind: str
) -> None:
    file = tmp_path / "bad.tflite"
    file.write_bytes(content)
    for flatbuffer in (file, content):
        with pytest.raises(RunnerRefused) as refusal:
            runner.load("bad", flatbuffer)
        assert refusal.value.kind == kind
    assert "bad.tflite" not in refusal.value.message


def test_loading_a_missing_file_is_an_error(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(RunnerRefused, match="No such file") as refusal:
        runner.load("missing", tmp_path / "missing.tflite")
    assert refusal.value.kind == "file"


def test_rejects_model_name_that_was_never_loaded(runner: Runner, by_name: Inputs) -> None:
    with pytest.raises(RunnerRefused, match="no model is loaded as 'ghost'"):
        runner.answer("ghost", by_name)


def test_failed_load_removes_the_model_loaded_earlier_under_its_name(
    runner: Runner, tiny: dict[str, Path], by_name: Inputs
) -> None:
    runner.load("again", tiny["float32"])
    with pytest.raises(RunnerRefused):
        runner.load("again", tiny["flex"])
    with pytest.raises(RunnerRefused, match="no model is loaded"):
        runner.answer("again", by_name)


def test_error_names_the_users_file_instead_of_the_loaded_copy(
    runner: Runner, tiny: dict[str, Path], by_name: Inputs
) -> None:
    mine = tiny["float32"].with_name("mine.tflite")
    with pytest.raises(RunnerRefused) as loading:
        runner.load("copy", tiny["flex"], shown=mine)
    runner.load("copy", tiny["float32"], shown=mine)
    with pytest.raises(RunnerRefused) as answering:
        runner.answer("copy", {name: rows[:, :1] for name, rows in by_name.items()})
    assert loading.value.file == answering.value.file == str(mine)


def test_runner_rejects_unknown_or_incomplete_requests(runner: Runner) -> None:
    for request, kind in (({"op": "dance"}, "unknown-operation"), ({"op": "load"}, "bad-request")):
        with pytest.raises(RunnerRefused) as refusal:
            runner._ask("testing", request, replies.usage_in)
        assert refusal.value.kind == kind


def test_usage_reports_memory_and_cpu_time_of_the_runner(loaded: Runner, runtime: str) -> None:
    usage = loaded.usage()
    assert 5e6 < usage.baseline_rss_bytes <= usage.peak_rss_bytes < 1e9
    assert usage.rss_bytes <= usage.peak_rss_bytes
    assert usage.cpu_ns > 0
    assert loaded.info.runtime == runtime
    assert usage.age_ns is None or usage.age_ns >= (loaded.info.age_ns or 0)


class Started:
    """A factory of runners that share the texts of a split; it stores the runners in `runners`."""

    def __init__(self, flatbuffer: Path) -> None:
        self._flatbuffer = flatbuffer
        self.runners: list[Runner] = []

    def __call__(self) -> Runner:
        """Return another runner, not yet started."""
        self.runners.append(Runner(LocalTransport()))
        return self.runners[-1]

    def load(self, runner: Runner) -> None:
        """Load the FlatBuffer into a runner."""
        runner.load("tiny", self._flatbuffer, binding=binding_of_encoder(VOCABULARY))


def repeated(texts: Inputs, count: int) -> Inputs:
    return rows_of(texts, np.arange(count) % len(texts[IDS]))


@pytest.mark.parametrize(("count", "most", "needed"), [(1200, 2, 2), (1200, 1, 1), (30, 4, 1)])
def test_several_runners_give_the_logits_of_a_single_runner(
    tiny: dict[str, Path], texts: Inputs, count: int, most: int, needed: int
) -> None:
    split, started = repeated(texts, count), Started(tiny["float32"])
    shared = answer_split_at_once(started, started.load, "tiny", split, runners=most)
    with started() as runner:
        started.load(runner)
        assert (shared == answer_split(runner, "tiny", split)).all()
    assert len(started.runners) == needed + 1


def test_error_in_one_runner_closes_all_runners(tiny: dict[str, Path], texts: Inputs) -> None:
    split, started = repeated(texts, 1200), Started(tiny["float32"])
    split[IDS][-1, 0] = VOCABULARY
    with pytest.raises(RunnerRefused, match=str(VOCABULARY)):
        answer_split_at_once(started, started.load, "tiny", split, runners=2)
    assert len(started.runners) == 2
    for runner in started.runners:
        with pytest.raises(RuntimeError, match="outside its with block"):
            runner.usage()
