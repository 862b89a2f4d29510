"""A full-size MobileBERT with random weights is judged by the whole suite."""

from __future__ import annotations

import pytest

from suites.meta.gates.running import GATES, TIMEOUT, run_pytest
from suites.meta.networks import mobilebert

# Suites that a model does not pass after a few steps on 64 texts, or that 40 answers cannot decide.
UNTRAINED = ("suites/accuracy/", "suites/agreement/", "suites/backends/")
# Gates of time, which can fail if other programs use the machine.
TIMED = ("suites/latency/test_latency.py", "suites/latency/test_throughput.py")
PUBLISHED_MB = 24e6, 29e6


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Return a run of every gate on the full-size MobileBERT."""
    folder = tmp_path_factory.mktemp("mobilebert")
    checkpoint, subject = mobilebert.write(folder)
    options = {"pretrained": checkpoint, "subject": subject, "cache-dir": folder / "store"}
    arguments = [*GATES, *(f"--edge-{name}={value}" for name, value in options.items())]
    return run_pytest(folder / "reports", arguments, timeout=8 * TIMEOUT)


@pytest.mark.slow
@pytest.mark.timeout(9 * TIMEOUT)
def test_full_size_mobilebert_passes_the_gates_of_an_untrained_model(outcome):
    assert outcome.ids("error") == [], outcome.output
    excused = (*UNTRAINED, *TIMED)
    failed = [name for name in outcome.ids("failed") if not name.startswith(excused)]
    assert failed == [], outcome.output
    for room in ("conformance", "memory", "privacy", "size"):
        assert any(name.startswith(f"suites/{room}/") for name in outcome.ids("passed"))


@pytest.mark.slow
@pytest.mark.timeout(9 * TIMEOUT)
def test_full_size_mobilebert_files_have_the_published_size(outcome):
    sizes = outcome.results()["subject"]["sizes"]
    assert sizes["full_model"]["parameters"]["total"] == 24_581_888 + 3 * (512 + 1)
    low, high = PUBLISHED_MB
    assert low <= sizes["variants"]["dynamic_wi8_afp32"]["flatbuffer"] <= high
