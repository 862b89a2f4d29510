"""Each available backend gives equal logits, one message per error, and its delegated share."""

from __future__ import annotations

import os

import numpy as np
import pytest

from models.backends.common.compiled import LONGEST_LOG, logged, why_refused
from models.backends.litert_gpu import share_in
from models.runtime.available import available_backends
from models.runtime.client import Runner, RunnerRefused
from models.runtime.transports import LocalTransport
from suites.meta.tiny_models import INPUTS, make_tiny_models, sample_inputs

HERE = [backend.name for backend in available_backends()]
LOG = """INFO: something
I0000 00:00:1.5   1 environment.cc:532] Selected adapter: A Device (B), arch=c, vendor=d
ERROR: Following operations are not supported by GPU delegate:
GATHER: Only support 1D indices
STRIDED_SLICE: Slice does not support shrink_axis_mask parameter.\x20
141 operations will run on the GPU, and the remaining 13 operations will run on the CPU.
I0000 00:00:1.6   1 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.
"""


@pytest.fixture(scope="module")
def rows():
    samples = list(sample_inputs(4))
    return {name: np.concatenate([row[name] for row in samples]) for name in INPUTS}


@pytest.fixture(scope="module")
def float32():
    return make_tiny_models()["float32"]


@pytest.fixture(scope="module")
def expected(float32, rows):
    with Runner(LocalTransport(), "ai_edge_litert") as runner:
        runner.load("m", float32)
        return runner.answer("m", rows).logits


@pytest.mark.parametrize("name", [name for name in HERE if not name.endswith("ynnpack")])
def test_every_backend_gives_the_logits_of_ai_edge_litert(name, float32, rows, expected):
    with Runner(LocalTransport(), name) as runner:
        loaded = runner.load("m", float32)
        assert runner.info.backend == name
        assert loaded.output.shape == (1, 3)
        np.testing.assert_allclose(runner.answer("m", rows).logits, expected, atol=1e-4)


def test_one_runner_classifies_on_several_backends_of_its_runtime(float32, rows, expected):
    with Runner(LocalTransport(), "ai_edge_litert") as runner:
        for name in ("ai_edge_litert-reference", "litert-cpu"):
            runner.load(name, float32, backend=name)
            np.testing.assert_allclose(runner.answer(name, rows).logits, expected, atol=1e-4)
        with pytest.raises(RunnerRefused, match="this runner has ai_edge_litert"):
            runner.load("other", float32, backend="tflite_runtime")


@pytest.mark.parametrize(
    ("library", "says"),
    [("missing.so", "there is no such file"), ("text.so", "is not a delegate")],
)
def test_rejects_library_that_is_not_a_delegate(library, says, tmp_path, float32):
    (tmp_path / "text.so").write_text("no library", encoding="utf-8")
    name = f"delegate={tmp_path / library}"
    with (
        Runner(LocalTransport(), name) as runner,
        pytest.raises(RunnerRefused, match=says) as refusal,
    ):
        runner.load("m", float32)
    assert refusal.value.kind == "no-delegate"


def test_missing_gpu_driver_is_reported_in_one_message(float32):
    nowhere = {"VK_DRIVER_FILES": "/nowhere.json", "VK_ICD_FILENAMES": "/nowhere.json"}
    with (
        Runner(LocalTransport(environment=nowhere), "litert-gpu") as runner,
        pytest.raises(RunnerRefused, match="No adapters found") as refusal,
    ):
        runner.load("m", float32)
    assert "\n" not in str(refusal.value)


def test_number_of_operators_that_the_gpu_runs_is_read_from_the_log():
    share = share_in(LOG)
    assert (share.nodes, share.delegated, share.by) == (154, 141, "A Device (B)")
    assert share.left == (
        "GATHER: Only support 1D indices",
        "STRIDED_SLICE: Slice does not support shrink_axis_mask parameter",
    )
    assert share_in("INFO: nothing of it") is None


def test_load_error_quotes_the_reason_from_the_log():
    error = RuntimeError("ERROR: [a.h:1]\n└ ERROR: [b.cc:2]")
    log = "INFO: x\nERROR: [c.cc:3] Failed to do: INVALID: Shape mismatch\nWARNING: y"
    assert why_refused(error, log) == "Failed to do: INVALID: Shape mismatch"
    assert why_refused(error, "") == "ERROR: [a.h:1] └ ERROR: [b.cc:2]"


def test_log_that_is_too_long_keeps_its_beginning_and_its_end(capfd):
    with logged() as log:
        os.write(2, LOG.encode() + b"x" * LONGEST_LOG + b"\nERROR: [c.cc:3] No memory\n")
        text = log.text()
    assert share_in(text) == share_in(LOG)
    assert why_refused(RuntimeError(""), text) == "No memory"
    assert len(text) < LONGEST_LOG + 100
    assert capfd.readouterr().err == text
