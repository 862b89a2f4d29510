"""A delegate compiled for the test is loaded with its options, and its faults are reported."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from models.runtime.available import available_backends
from models.runtime.client import Runner, RunnerDied, RunnerRefused
from models.runtime.transports import LocalTransport
from suites.meta.tiny_models import INPUTS, make_tiny_models, sample_inputs

SOURCE = Path(__file__).with_name("delegate.c")
RUNTIMES = [backend.name for backend in available_backends(("ai_edge_litert", "tflite_runtime"))]
# Timeout in seconds, after which a delegate counts as hanging.
SECONDS = 2.0


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """Compile the delegate and return its path."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here to build the delegate")
    built = tmp_path_factory.mktemp("delegate") / "delegate.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", built, SOURCE], check=True)
    return built


@pytest.fixture(scope="module")
def float32() -> Path:
    return make_tiny_models()["float32"]


@pytest.fixture(scope="module")
def rows():
    samples = list(sample_inputs(4))
    return {name: np.concatenate([row[name] for row in samples]) for name in INPUTS}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_file_runs_on_the_runtime_if_the_delegate_supports_no_operator(
    runtime, library, float32, rows
):
    with Runner(LocalTransport(), runtime) as runner:
        runner.load("m", float32)
        expected = runner.answer("m", rows).logits
    with Runner(LocalTransport(), f"delegate={library},runtime={runtime}") as runner:
        loaded = runner.load("m", float32)
        # Operators that XNNPACK runs must not be reported as the delegate's.
        assert (runner.info.runtime, loaded.delegation.delegated) == (runtime, 0)
        np.testing.assert_allclose(runner.answer("m", rows).logits, expected, atol=1e-4)


def test_delegate_share_is_not_reported_if_xnnpack_runs_the_rest(library, float32):
    with Runner(LocalTransport(), f"delegate={library},rest=XNNPACK") as runner:
        assert runner.load("m", float32).delegation is None


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("report", "no-delegate", "planted: no such device"),
        ("refuse", "load", "after delegate application failure"),
    ],
)
def test_delegate_error_is_reported_in_one_message(fault, kind, says, library, float32):
    with (
        Runner(LocalTransport(), f"delegate={library},fault={fault}") as runner,
        pytest.raises(RunnerRefused, match=says) as refusal,
    ):
        runner.load("m", float32)
    assert refusal.value.kind == kind
    assert "\n" not in str(refusal.value)


def test_hanging_delegate_is_killed(library, float32):
    with (
        Runner(LocalTransport(), f"delegate={library},fault=hang") as runner,
        pytest.raises(RunnerDied, match=f"took longer than {SECONDS:g} s and was killed") as death,
    ):
        runner.load("m", float32, timeout=SECONDS)
    assert "\n" not in str(death.value)
