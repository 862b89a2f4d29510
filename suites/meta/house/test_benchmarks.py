"""A benchmark fails if a value exceeds its limit, or if the machine is busy."""

from __future__ import annotations

import json
import math
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import collecting, host, idle
from benchmarks.counted_answers import CLOCKS
from benchmarks.host import Timed, judge_host, timed
from benchmarks.limits import Limit, judged, read_limits
from models.errors import UsageMistake
from models.runtime.client import Runner
from models.verdicts.quantities import SPELLINGS

LIMITS = read_limits()
ENDS = [
    (name, figure, end)
    for name, figures in LIMITS.items()
    for figure, limit in figures.items()
    for end in ("min", "max")
    if getattr(limit, end) is not None
]
# A program that prints one verdict and works on.
PRINTS = "import time; print('suites/a.py::test_b PASSED', flush=True); time.sleep(1.0)"
FIRST = Timed(200.0, 90.0, 300.0, foreign=0.0, peak=3e9)
AGAIN = Timed(25.0, 5.0, 25.0, foreign=0.0, peak=1e9)


def test_no_benchmark_replaces_the_times_of_another():
    for name in CLOCKS:
        assert getattr(Runner, name).__module__ == "models.runtime.client", name


def value_of(text):
    """Return a limit of the file, such as `1.7 x`, as a number in its canonical unit."""
    number, unit = text.split()
    return float(number) * float(SPELLINGS[unit].factor)


def at_their_limits(name):
    """Return values that are exactly at the limits of a benchmark."""
    return {figure: value_of(limit.max or limit.min) for figure, limit in LIMITS[name].items()}


@pytest.mark.parametrize("name", LIMITS)
def test_benchmark_value_at_its_limit_passes(name):
    table = judged(name, at_their_limits(name))
    assert table["kept"]
    assert table["missed"] == []


@pytest.mark.parametrize(("name", "figure", "end"), ENDS)
def test_benchmark_fails_if_a_value_exceeds_its_limit(name, figure, end, monkeypatch, capsys):
    limit = value_of(getattr(LIMITS[name][figure], end))
    planted = limit * 1.01 + 1e-9 if end == "max" else limit * 0.99
    figures = at_their_limits(name) | {figure: planted}
    monkeypatch.setattr(command, "BENCHMARKS", {name: lambda: judged(name, figures)})
    assert command.main([name]) == 1
    (missed,) = json.loads(capsys.readouterr().out)["missed"][name]
    assert missed.startswith(f"{figure} is ")


def test_benchmark_succeeds_if_all_values_keep_their_limits(monkeypatch, capsys):
    measured = {name: lambda name=name: judged(name, at_their_limits(name)) for name in LIMITS}
    monkeypatch.setattr(command, "BENCHMARKS", measured)
    assert command.main(list(LIMITS)) == 0
    assert json.loads(capsys.readouterr().out)["missed"] == {}


def test_benchmark_value_that_is_not_a_number_fails():
    assert not judged("collecting", {"added": math.nan})["kept"]


def test_every_benchmark_value_with_a_limit_must_be_measured():
    with pytest.raises(KeyError, match="two_over_one"):
        judged("scale", {"twice_over_once": 2.0, "memory_twice_over_once": 1.0})


def test_each_table_of_limits_belongs_to_a_benchmark():
    assert set(LIMITS) - {"idle"} <= set(command.BENCHMARKS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "limit is missing"),
        ('max = "1"', "not a finite number with a unit"),
        ('max = "1 h"', "is not known"),
        ('most = "1 s"', "unknown field"),
    ],
)
def test_rejects_benchmark_limit_without_a_valid_quantity(tmp_path, line, message):
    file = tmp_path / "limits.toml"
    file.write_text(f"[collecting.added]\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageMistake, match=message):
        read_limits(file)


def test_benchmark_limit_may_have_a_minimum_and_a_maximum():
    assert LIMITS["scale"]["twice_over_once"] == Limit(min="1.7 x", max="2.3 x")


def test_collecting_benchmark_fails_if_collection_is_slow(monkeypatch):
    taken = {collecting.PROJECT: 2.4}
    monkeypatch.setattr(collecting, "_seconds", lambda folder: taken.get(folder, 1.2))
    table = collecting.measure_collecting()
    assert table["figures"]["added"] == pytest.approx(1.2)
    assert not table["kept"]


def test_host_benchmark_passes_if_both_runs_keep_their_limits():
    assert judge_host(FIRST, AGAIN, [])["kept"]


@pytest.mark.parametrize(
    ("cold", "warm", "missed"),
    [
        (FIRST._replace(seconds=241.0), AGAIN, "cold is 241 s"),
        (FIRST._replace(first_verdict=121.0), AGAIN, "first_verdict is 121 s"),
        (FIRST, AGAIN._replace(seconds=31.0), "warm is 31 s"),
        (FIRST._replace(peak=6.1e9), AGAIN, "peak_memory is 6,100,000,000 bytes"),
    ],
)
def test_host_benchmark_fails_if_the_first_command_is_slow_or_large(cold, warm, missed):
    table = judge_host(cold, warm, [])
    assert not table["kept"]
    assert [reason.partition(",")[0] for reason in table["missed"]] == [missed.partition(",")[0]]
    assert table["missed"][0].startswith(missed)


def test_host_benchmark_fails_if_an_artefact_is_made_twice():
    table = judge_host(FIRST, AGAIN, ["model/1/manifest.json"])
    assert not table["kept"]
    assert "model/1/manifest.json" in table["missed"][0]


@pytest.mark.parametrize("busy", ["cold", "warm"])
def test_host_benchmark_judges_nothing_if_other_programs_were_busy(busy):
    runs = {"cold": FIRST, "warm": AGAIN}
    runs[busy] = runs[busy]._replace(foreign=0.5)
    table = judge_host(**runs, rebuilt=[])
    assert not table["kept"]
    assert "not judged on a busy machine: busy_cores is 0.5x" in table["missed"][0]


def test_host_benchmark_does_not_start_on_a_busy_machine(monkeypatch):
    monkeypatch.setattr(host, "busy_cores", lambda: 1.5)
    monkeypatch.setattr(host, "timed", lambda *_: pytest.fail("a benchmark ran on a busy machine"))
    table = host.measure_host()
    assert not table["kept"]
    assert len(table["load"]) == 3


def test_first_verdict_is_timed_when_it_is_printed(tmp_path, monkeypatch):
    # The program runs for a second, in which its memory must be sampled.
    monkeypatch.setattr(host, "_SECONDS_BETWEEN_SAMPLES", 0.05)
    taken = timed([sys.executable, "-c", PRINTS], tmp_path, tmp_path / "store")
    assert 0.0 < taken.first_verdict < taken.seconds - 0.8
    assert taken.peak > 1e6


@pytest.mark.parametrize("program", ["print('no verdict')", f"{PRINTS}; raise SystemExit(3)"])
def test_command_that_fails_or_judges_nothing_is_not_timed(tmp_path, program):
    with pytest.raises(RuntimeError, match="exit code"):
        timed([sys.executable, "-c", program], tmp_path, tmp_path / "store")


def test_work_of_all_programs_is_measured_in_cpu_seconds():
    before = idle.worked_seconds()
    deadline = before + 0.5
    while idle.worked_seconds() < deadline:
        pass
    assert idle.worked_seconds() >= deadline
