"""The headline names failed requirements, regressions, and gates that did not run."""

from __future__ import annotations

from typing import Any

import pytest

from models.verdicts.judge import Budget
from reports.documents import endings
from reports.documents.document import Document, Outcome
from reports.texts import github
from reports.texts.explain import explanations
from reports.texts.headline import headline
from reports.texts.scoreboard import scoreboard_rows
from suites.meta.reports.documents import changed
from suites.meta.reports.runs import DROP, WHOLE, document, make_measurement

GUARDS = "models/verdicts/limits/guards/embedded.toml"
SLOWER = "latency_ratio.static_wi8_ai8_dense.max"
GUARD = Budget("latency_ratio", "max", 2.5, "2.5 x", GUARDS, SLOWER, guards=True)
KEPT, BROKEN, OPEN = (2.0, 1.9, 2.1, 40), (3.0, 2.9, 3.1, 40), (2.5, 2.4, 2.6, 40)


def run_of(*measured: Any, **extent: Any) -> Document:
    """Return a complete run with a drop within its budget, and these measurements."""
    drop = make_measurement("accuracy_drop", "float16", (0.0, -0.01, 0.01, 200), budget=DROP)
    red = {"fail", "inconclusive", "invalid"}
    tests = [
        Outcome(
            id=measurement.test,
            outcome="failed"
            if {measurement.verdict, measurement.guard and measurement.guard.verdict} & red
            else "passed"
            if measurement.is_judged
            else "measured",
            seconds=0.1,
        )
        for measurement in (drop, *measured)
    ]
    run = document(measurements=[drop, *measured], tests=tests)
    return changed(run, run={"localizations": [], "extent": WHOLE | extent})


def ratio(estimate: tuple[float, float, float, int], **more: Any) -> Any:
    """Return a latency ratio that only a regression guard limits."""
    return make_measurement("latency_ratio", "static_wi8_ai8_dense", estimate, guard=GUARD, **more)


def test_gates_that_did_not_run_are_counted_by_reason():
    skipped = [
        {
            "reason": "no network namespace: cannot unshare (EPERM)",
            "lacking": "no network namespace",
            "count": 2,
        },
        {"reason": "one runtime", "count": 5},
    ]
    kind, sentence = headline(run_of(skipped=skipped))
    assert kind == "good"
    assert sentence.startswith(
        "mini on host: fit to ship on ai_edge_litert, every gate that ran is gr"
    )
    assert sentence.endswith("; 7 gates not run: one runtime (5), no network namespace (2)")


def test_headline_shows_a_reason_in_full_if_no_missing_thing_is_named():
    _, sentence = headline(run_of(skipped=[{"reason": "one: and another", "count": 1}]))
    assert sentence.endswith("; 1 gate not run: one: and another (1)")


def test_headline_of_a_failed_run_counts_gates_that_did_not_run():
    failed = make_measurement("accuracy_drop", "float32", (0.05, 0.042, 0.06, 200), budget=DROP)
    _, sentence = headline(run_of(failed, skipped=[{"reason": "one runtime", "count": 1}]))
    assert sentence == (
        "mini on host: not fit to ship, 1 gate failed; 1 gate not run: one runtime (1)"
    )


def test_headline_names_the_most_common_reasons_and_sums_up_the_rest():
    skipped = [{"reason": f"reason {number}", "count": 9 - number} for number in range(5)]
    _, sentence = headline(run_of(skipped=skipped))
    assert sentence.endswith("35 gates not run: reason 0 (9), reason 1 (8), reason 2 (7), "
                         "other reasons (11)")  # fmt: skip


def test_headline_says_fit_to_ship_despite_a_regression_if_all_requirements_pass():
    kind, sentence = headline(run_of(ratio(BROKEN)))
    assert kind == "bad"
    assert sentence == (
        "mini on host: 1 regression, every requirement is kept: fit to ship on ai_edge_litert"
    )


def test_headline_reports_a_failed_requirement_beside_a_regression():
    failed = make_measurement("accuracy_drop", "float32", (0.05, 0.042, 0.06, 200), budget=DROP)
    kind, sentence = headline(run_of(failed, ratio(BROKEN)))
    assert (kind, sentence) == ("bad", "mini on host: not fit to ship, 1 gate failed, 1 regression")


def test_headline_of_a_partial_run_does_not_claim_fitness():
    kind, sentence = headline(run_of(ratio(BROKEN), narrowed=["it collected only suites/size"]))
    assert kind == "bad"
    assert sentence == (
        "mini on host: 1 regression, not known to be fit; this run is partial: it collected "
        "only suites/size"
    )


def test_headline_says_fitness_is_unknown_if_a_regression_guard_is_inconclusive():
    kind, sentence = headline(run_of(ratio(OPEN)))
    assert (kind, sentence) == (
        "unsure",
        "mini on host: not known to be fit, 1 gate undecided",
    )


def test_several_failed_measurements_of_one_gate_count_as_one_failed_gate():
    fields = {"test": "suites/size/test_it.py::test_both[host-float32]", "budget": DROP}
    measurements = [
        make_measurement("accuracy_drop", scheme, (0.05, 0.042, 0.06, 200), **fields)
        for scheme in ("float32", "float16")
    ]
    assert "1 gate failed" in headline(run_of(*measurements))[1]


def test_failed_regression_guard_is_explained_as_a_regression():
    (explanation,) = explanations(run_of(ratio(BROKEN)))
    assert explanation.title == "regression: latency_ratio of static_wi8_ai8_dense on host"
    rows = dict(explanation.rows)
    assert rows["Regression guard"].startswith(f"at most 2.5x ({GUARDS}: {SLOWER}, line ")
    assert rows["Verdict of the guard"] == "fail: the whole interval breaks it"
    assert "Budget" not in rows
    assert "Verdict" not in rows


def test_github_annotation_points_at_the_failed_regression_guard():
    (annotation,) = github.annotations_of(run_of(ratio(BROKEN)))
    assert annotation.startswith(f"::error file={GUARDS},line=")


@pytest.mark.parametrize(
    ("estimate", "verdict"), [(KEPT, "-"), (BROKEN, "regression"), (OPEN, "inconclusive")]
)
def test_scoreboard_shows_no_verdict_for_a_passed_regression_guard(estimate, verdict):
    rows = {row[0]: row[-1] for row in scoreboard_rows(run_of(ratio(estimate)))}
    assert rows["static_wi8_ai8_dense"] == verdict


def test_summary_counts_each_kind_of_test_outcome():
    measured = make_measurement("latency_p99", "float16", (0.002, 0.001, 0.003, 40))
    extent = {
        "skipped": [{"reason": "one runtime", "count": 5}],
        "not_applicable": [{"reason": "no groups", "count": 4}],
    }
    run = run_of(measured, ratio(KEPT), **extent)
    sentence = (
        "Tests: 1 passed, 1 kept a regression guard, 1 measured without a budget, 5 could not run "
        "here, 4 do not apply."
    )
    assert endings.as_sentence(run) == sentence
    assert sentence in github.step_summary(run)
