"""A budget that no gate reads is a usage error, except in a partial run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fixtures.judging.judge import Judge
from fixtures.selecting.measures import measured_by
from fixtures.timing.classifying import TEXT_SHARES
from models.store import PROJECT
from models.verdicts.estimates import exact
from models.verdicts.metrics import METRICS
from models.verdicts.single_stream import PERCENTILES
from suites.meta.gates.running import run_pytest

EVERY_GATE = ("suites", "--ignore=suites/meta", "--collect-only", "-q")
SOME = '[accuracy_drop]\nmax = "2 points"\n'


@pytest.fixture
def collect(tmp_path):
    """Return `collect(text)`, which collects gates with the budgets in `text` and one other."""

    def collected(text, *arguments):
        budgets = tmp_path / "own.toml"
        budgets.write_text(SOME + text, encoding="utf-8")
        tests_named = arguments or EVERY_GATE
        return run_pytest(tmp_path / "reports", [*tests_named, f"--edge-budgets={budgets}"])

    return collected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[agreement.float32]\nmin = "98 %"',
            "agreement.float32.min: this budget has no effect: no gate measures agreement",
        ),
        ('[f_rs_drop]\nmax = "2 points"\n[agreement_full]\nmin = "80 %"', None),
        ('[weights_bytes.float16]\nmax = "1 MB"', "no gate measures weights_bytes of float16"),
        # The full model is not a FlatBuffer.
        ('[flatbuffer_bytes.full_model]\nmax = "1 MB"', "flatbuffer_bytes of full_model"),
        # Schemes that are not judged in this run may have limits.
        ('[agreement.weight_only_wi4_afp32]\nmin = "98 %"', None),
        # Gates read these metrics, but not in this run: for example only on emulated boards.
        ('[instructions_sdot]\nmax = "9 instructions"\n[reliability]\nmin = "50 %"', None),
    ],
)  # fmt: skip
def test_budget_that_no_gate_reads_is_a_usage_error(text, says, collect):
    outcome = collect(text)
    if says is None:
        assert outcome.code == pytest.ExitCode.OK, outcome.output
        return
    assert outcome.code == pytest.ExitCode.USAGE_ERROR, outcome.output
    assert outcome.output.count(says) == 1
    assert "own.toml" in outcome.output
    assert "Remove this budget" in outcome.output
    assert "Traceback" not in outcome.output


def test_partial_run_accepts_budgets_that_no_selected_gate_reads(collect):
    text = '[agreement.float32]\nmin = "98 %"'
    outcome = collect(text, "suites/size", "--collect-only", "-q")
    assert outcome.code == pytest.ExitCode.OK, outcome.output


def test_every_metric_is_measured_by_a_gate():
    """Otherwise a budget on the metric would always be rejected as unread."""
    suites = PROJECT / "suites"
    sources = "".join(
        file.read_text("utf-8")
        for file in suites.rglob("test_*.py")
        if "meta" not in file.relative_to(suites).parts
    )
    parametrized = set(PERCENTILES) | set(TEXT_SHARES)
    assert {name for name in METRICS if f'"{name}"' not in sources} == parametrized
    assert 'parametrize("metric", PERCENTILES)' in sources
    assert 'parametrize("metric", TEXT_SHARES)' in sources


def _together(judge):
    """Return a function that judges one number by `judge.together`."""
    return lambda metric, estimate, of: judge.together({metric: estimate}, of=of)


def test_gate_may_measure_only_the_metrics_listed_in_its_marker():
    mark = pytest.mark.measures("agreement", "total_variation").mark
    node = SimpleNamespace(
        iter_markers=lambda name: [mark] if name == mark.name else [],
        callspec=SimpleNamespace(params={"metric": "accuracy"}),
        nodeid="suites/a/test_a.py::test_a",
    )
    assert measured_by(node) == {"agreement", "total_variation", "accuracy"}
    settings = SimpleNamespace(budgets=SimpleNamespace(limit=lambda *_: None), guards=None)
    settings.target = SimpleNamespace(untimed="emulated")
    judge = Judge(SimpleNamespace(node=node, config=None), settings, None)
    variant = SimpleNamespace(scheme="float32")
    for give in (judge, judge.record, _together(judge)):
        with pytest.raises(
            ValueError,
            match="measures size_ratio_weights, but its marker `measures` does not list it",
        ):
            give("size_ratio_weights", exact(2.0), of=variant)
