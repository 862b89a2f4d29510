"""Under xdist, timed gates fail as `invalid`, and the others measure the same values."""

from __future__ import annotations

import pytest

from models.verdicts.metrics import METRICS
from suites.meta.gates.running import run

SCHEMES = ("float32", "dynamic_wi8_afp32")
TIMED = {name for name, metric in METRICS.items() if metric.timed}
# Metrics that are judged, but vary between processes.
VARYING = {"peak_rss"}


@pytest.fixture(scope="module")
def parallel(miniature, clean_run, tmp_path_factory):
    """Return a run of every gate by two workers, after the clean run with the same store."""
    assert clean_run.code == 0
    arguments = ["-n", "2", f"--edge-schemes={','.join(SCHEMES)}"]
    return run(miniature, tmp_path_factory.mktemp("parallel"), arguments=arguments)


def values_of(outcome) -> dict[tuple[str, ...], tuple[object, ...]]:
    """Return value, interval, sample size and verdict of each comparable measurement."""
    return {
        (measurement["test"], measurement["metric"], measurement["scheme"]): (
            *(
                measurement["value"],
                measurement["low"],
                measurement["high"],
                measurement["n"],
                measurement["verdict"],
            ),
        )
        for measurement in outcome.results()["measurements"]
        if measurement["scheme"] in {*SCHEMES, "full_model"}
        and measurement["metric"] not in TIMED | VARYING
        and not any(name in measurement["test"] for name in ("float16", "static"))
    }


def test_timed_gates_fail_if_xdist_runs_them_in_parallel(parallel):
    assert parallel.code == pytest.ExitCode.TESTS_FAILED
    assert parallel.ids("error") == []
    failed = parallel.ids("failed")
    assert {name.split("/")[1] for name in failed} == {"goal", "latency"}
    assert all("invalid" in parallel.tests[name][1] for name in failed), parallel.output
    timed = [m for m in parallel.results()["measurements"] if m["metric"] in TIMED]
    assert {m["verdict"] for m in timed} == {"invalid"}


def test_gates_without_timing_measure_the_same_values_with_and_without_xdist(parallel, clean_run):
    assert len(values_of(clean_run)) > 20
    assert values_of(parallel) == values_of(clean_run)
