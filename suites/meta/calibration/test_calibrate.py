"""The calibrate command measures how often a race reports a slowdown, and prints one document."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from models.calibration import command, network, races, slowed_runner
from models.calibration.races import AGAIN, CANDIDATE, REFERENCE, Calibrator, other_cores_busy
from models.runtime.available import available_backends
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from models.store import PROJECT
from models.verdicts.__main__ import main
from models.verdicts.comparison import RacedRatio
from models.verdicts.judge import Estimate
from suites.meta.scripts import printed_by

RUNTIMES = [backend.name for backend in available_backends(("ai_edge_litert", "tflite_runtime"))]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_built_in_network_runs_on_every_runtime(runtime):
    with Runner(LocalTransport(), runtime) as runner:
        loaded = runner.load("dense", network.dense_network())
        answers = runner.answer("dense", races.inputs_for(loaded))
    assert answers.logits.shape == (races.TEXTS, network.ROWS * network.CLASSES)
    assert answers.nan_count == 0
    assert answers.logits.std() > 0


def test_generating_the_built_in_network_twice_gives_identical_files():
    assert network.dense_network() == network.dense_network()


def test_generated_inputs_are_valid_ids_without_padding():
    tensors = {
        "input_ids": np.int32,
        "attention_mask": np.int32,
        "token_type_ids": np.int32,
    }

    class Tensor:
        def __init__(self, name: str, dtype: type) -> None:
            self.name, self.dtype, self.shape = name, np.dtype(dtype).name, (1, 8)

    class Loaded:
        inputs = tuple(Tensor(name, dtype) for name, dtype in tensors.items())

    inputs = races.inputs_for(Loaded)
    assert {array.shape for array in inputs.values()} == {(races.TEXTS, 8)}
    assert inputs["attention_mask"].all()
    assert not inputs["token_type_ids"].any()
    assert 1 <= inputs["input_ids"].min() < inputs["input_ids"].max() < races.LARGEST_ID


def test_planted_slowdown_affects_only_the_answers_of_the_candidate():
    """The fastest answers show the slowdown, however busy the machine is.

    Whether a comparison reports a slowdown depends on the machine's noise; the command measures how
    often it does.
    """
    script = Path(__file__).with_name("slowed_check.py")
    fastest = json.loads(printed_by(script, RUNTIMES[0]))
    assert fastest[CANDIDATE] > 3 * max(fastest[REFERENCE], fastest[AGAIN]), fastest


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0, 9.0])
def test_slowed_graph_takes_longer_by_exactly_the_given_share(share, monkeypatch):
    """A fake clock advances by 1 ns at each reading, and by 1,000 ns while the graph runs."""
    clock = itertools.count()
    monkeypatch.setattr(slowed_runner.time, "perf_counter_ns", lambda: next(clock))

    class Graph:
        def invoke(self) -> None:
            next(itertools.islice(clock, 998, None))

    start = next(clock)
    slowed_runner.Slowed(Graph(), share).invoke()
    assert 0 <= next(clock) - start - 1000 * (1 + share) <= 5


def test_slowdown_is_reported_only_after_two_slow_races(monkeypatch):
    slow, same = (RacedRatio(Estimate(v, v - 0.01, v + 0.01, 32), 0.02) for v in (1.1, 1.0))
    for races_shown, claimed in (([same], False), ([slow, same], False), ([slow, slow], True)):
        waiting = iter(races_shown)
        monkeypatch.setattr(Calibrator, "_race", lambda *_, waiting=waiting: next(waiting))
        comparison = Calibrator(b"", "none").comparison(0.1)
        assert (list(comparison.races), comparison.claimed) == (races_shown, claimed)


def test_every_race_has_its_own_order_and_runs_all_three_instances(monkeypatch):
    calls = []

    class Fake:
        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def load(self, name: str, _content: bytes) -> object:
            calls.append(name)
            return type("Loaded", (), {"inputs": ()})

        def race(self, names: dict[str, object], *, seed: int, **_: object) -> object:
            calls.append(seed)
            ns = {name: np.full(100, 1e6 * (1.2 if name == CANDIDATE else 1.0)) for name in names}
            return type("RacedRatio", (), {"invoke_ns": ns})

    monkeypatch.setattr(races, "Runner", Fake)
    comparison = Calibrator(b"", "none").comparison(0.2, seed=4)
    names = [REFERENCE, AGAIN, CANDIDATE]
    assert calls == [*names, 8, *names, 9]
    assert comparison.claimed
    assert comparison.races[0].ratio.value == pytest.approx(1.2)
    assert comparison.races[0].noise_floor == 0.0


def test_other_cores_are_busy_only_inside_the_context():
    before = set(_children())
    with other_cores_busy(2):
        assert len(set(_children()) - before) == 2
    assert set(_children()) <= before


def _children() -> list[str]:
    processes = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(os.getpid())],  # noqa: S607 - ps on PATH
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    return [pid for pid in processes if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110 - ps itself has ended


def test_calibrate_prints_one_json_document_with_rates_intervals_and_circumstances():
    done = subprocess.run(
        [sys.executable, "-m", "models.verdicts", "calibrate", "--comparisons", "1"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    document = json.loads(done.stdout)
    assert document["false_positive_rate"] in {0.0, 1.0}
    assert document["power"] in {0.0, 1.0}
    for name in ("false_positive_rate", "power"):
        low, high = document[f"{name}_interval"]
        assert 0.0 <= low <= document[name] <= high <= 1.0
    assert document["comparisons"] == 1
    assert document["noise_floor"] >= 0.0
    assert document["circumstances"]["cores_kept_busy"] >= 1
    assert "1 comparisons of built-in network" in done.stderr


def test_rates_and_noise_floors_are_computed_from_the_comparisons(monkeypatch, capsys):
    same = races.Comparison(False, (RacedRatio(Estimate(1.0, 0.98, 1.01, 32), 0.02),))
    slowed = races.Comparison(True, (RacedRatio(Estimate(1.1, 1.09, 1.12, 32), 0.02),) * 2)
    ends = {0.0: iter([same, same, slowed, same]), 0.2: iter([slowed, slowed, slowed, same])}
    monkeypatch.setattr(
        Calibrator, "comparison", lambda _self, slowdown=0.0, **_: next(ends[slowdown])
    )
    monkeypatch.setattr(command, "other_cores_busy", lambda _: other_cores_busy(0))
    arguments = ["calibrate", "--comparisons", "4", "--slowdown", "20 %"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["false_positive_rate"], document["power"]) == (0.25, 0.75)
    assert document["power_interval"] == pytest.approx([0.194120, 0.993691], abs=1e-6)
    assert document["reruns"] == {"same": 1, "slowed": 3}
    assert document["noise_floor"] == 0.02
    assert document["smallest_visible_regression"] == pytest.approx(1.02 / 0.98 - 1, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--comparisons", "0"], "--comparisons: 0 comparisons are too few"),
        (["--comparisons", "x"], "--comparisons: invalid int value"),
        (["--slowdown", "0 %"], "--slowdown: a slowdown of 0% is out of range"),
        (["--slowdown", "0.1"], "--slowdown: '0.1' is not a finite number with a unit"),
        (["--slowdown", "200 %"], "--slowdown: a slowdown of 200% is out of range"),
        (["--variant", "no.tflite"], "no.tflite: --variant: cannot be read"),
        (["--backend", "onnx"], "--backend: onnx cannot answer here"),
    ],
)
def test_invalid_option_is_reported_in_one_message(arguments, message, capsys):
    assert main(["calibrate", *arguments]) == 4
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_error_without_a_runtime_names_the_package_to_install(monkeypatch, capsys):
    monkeypatch.setattr(command, "available_backends", list)
    assert main(["calibrate"]) == 4
    message = capsys.readouterr().err
    assert "--backend: no backend can answer here" in message
    assert "Install ai-edge-litert" in message
