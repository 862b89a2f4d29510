"""Known failures are strict, have a reason, and name an existing test."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.judging import known_failures
from fixtures.judging.known_failures import Known
from fixtures.judging.measurements import keep
from fixtures.session.errors import CAUSE
from fixtures.session.options import SETTINGS
from models.verdicts.judge import Budget, Estimate
from models.verdicts.measurement import measure
from suites.meta.gates.running import run_pytest
from suites.meta.house.planted_known_failures import VARIABLE

PLUGIN = "suites.meta.house.planted_known_failures"
GATE = "suites/accuracy/test_accuracy_drop.py::test_drop_from_the_full_model_is_within_budget"
TEST = f"{GATE}[host-static_wi8_ai8_dense]"
ENTRY = """
[[failures]]
subject = "{subject}"
test = "{test}"
reason = "the converter's ranges"
link = "https://example.org/1"
expires = 2999-12-31
metric = "accuracy_drop"
verdict = "inconclusive"
"""
BROKEN = Budget("accuracy_drop", "max", 0.01, "1 points", "budgets.toml", "accuracy_drop.max")

TARGET = SimpleNamespace(name="host")


class Item:
    """A replacement for a collected test."""

    def __init__(self, nodeid: str) -> None:
        self.nodeid = nodeid
        self.markers: list[Any] = []
        self.stash: dict[Any, Any] = {}
        self.user_properties: list[tuple[str, object]] = []
        self.config = SimpleNamespace(option=SimpleNamespace(runxfail=False))

    def iter_markers(self, name: str) -> list[Any]:
        """Return the markers of this name: one for `measures`, otherwise none."""
        return [pytest.mark.measures("accuracy_drop").mark] if name == "measures" else []

    def add_marker(self, marker: Any) -> None:
        """Append the marker to `markers`."""
        self.markers.append(marker.mark)


@pytest.fixture
def collect(tmp_path, monkeypatch):
    """Return `collect(text)`, which collects TEST with this file of known failures."""

    def collected(text: str, *, all_schemes: bool = True) -> Item:
        file = tmp_path / "known_failures.toml"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setattr(known_failures, "FILE", file)
        other_schemes = () if all_schemes else ("float16",)
        subject = SimpleNamespace(name="mini", other_candidates=other_schemes, known_failures=None)
        settings = SimpleNamespace(subject=subject, known_failures=None, target=TARGET)
        item = Item(TEST)
        config = SimpleNamespace(stash={SETTINGS: settings})
        known_failures.pytest_collection_modifyitems(config, [item])
        return item

    return collected


def test_known_failure_becomes_a_strict_xfail_with_a_reason(collect):
    (marker,) = collect(ENTRY.format(subject="mini", test=TEST)).markers
    assert marker.name == "xfail"
    reason = "the converter's ranges (until 2999-12-31; https://example.org/1)"
    assert marker.kwargs == {"reason": reason, "raises": Known, "strict": True}


def make_measurement(metric="accuracy_drop", ends=(0.0, 0.02), moved=None):
    """Return a measurement of the test, whose budget is a drop of one point."""
    return measure(
        Estimate(0.01 if moved else ends[0], *ends, 100),
        metric=metric,
        scheme="static_wi8_ai8_dense",
        device="host",
        backend="ai_edge_litert",
        test=TEST,
        budget=replace(BROKEN, metric=metric),
        details={"baseline": {"move": moved, "reason": "it moved"}} if moved else {},
    )


def ended(item, error, *measurements):
    """Return the type of the error that pytest sees if a test measures and then raises."""
    for measurement in measurements:
        keep(item, measurement)
    call = known_failures.pytest_runtest_call(item)
    next(call)
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - the test is about the type of the error
        call.throw(error)
    return type(raised.value)


FAILED = pytest.fail.Exception("inconclusive: accuracy_drop of static_wi8_ai8_dense")
SAYS = ENTRY.replace('metric = "accuracy_drop"\nverdict = "inconclusive"', 'says = "SOFTMAX"')


@pytest.mark.parametrize(
    ("error", "measured", "expected"),
    [
        (FAILED, [make_measurement()], Known),
        (FAILED, [make_measurement(ends=(0.02, 0.03))], pytest.fail.Exception),
        (FAILED, [make_measurement(), make_measurement("macro_f1_drop")], pytest.fail.Exception),
        (FAILED, [make_measurement("macro_f1_drop")], pytest.fail.Exception),
        (FAILED, [make_measurement(moved="regression")], pytest.fail.Exception),
        (FAILED, [], pytest.fail.Exception),
        (RuntimeError("a crash"), [], RuntimeError),
        (RuntimeError("a crash"), [make_measurement()], RuntimeError),
        (AssertionError("another one"), [], AssertionError),
    ],
    ids=[
        "known",
        "fails",
        "and_more",
        "other",
        "regression",
        "unmeasured",
        "crash",
        "late",
        "assert",
    ],
)
def test_known_failure_accepts_only_the_recorded_failure(error, measured, expected, collect):
    item = collect(ENTRY.format(subject="mini", test=TEST))
    assert ended(item, error, *measured) is expected


@pytest.mark.parametrize(
    ("error", "measured", "cause", "expected"),
    [
        (AssertionError("['SOFTMAX']"), [], None, Known),
        (AssertionError("['GELU']"), [], None, AssertionError),
        (AssertionError("['SOFTMAX']"), [make_measurement()], None, AssertionError),
        (FAILED, [], None, pytest.fail.Exception),
        (pytest.fail.Exception("died of SOFTMAX"), [], "a runner", pytest.fail.Exception),
        (ValueError("SOFTMAX"), [], None, ValueError),
    ],
    ids=["known", "other", "measured", "unsaid", "runner_died", "crash"],
)
def test_known_failure_accepts_an_assertion_only_with_the_recorded_message(
    error, measured, cause, expected, collect
):
    item = collect(SAYS.format(subject="mini", test=TEST))
    if cause is not None:
        item.stash[CAUSE] = cause
    assert ended(item, error, *measured) is expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('metric = "accuracy_drop"\n', ""),
        ('verdict = "inconclusive"\n', ""),
        ('verdict = "inconclusive"\n', 'verdict = "inconclusive"\nsays = "it"\n'),
    ],
    ids=["no_metric", "no_verdict", "both"],
)
def test_rejects_known_failure_entry_that_does_not_name_exactly_one_failure(old, new, collect):
    text = ENTRY.format(subject="mini", test=TEST).replace(old, new)
    with pytest.raises(pytest.exit.Exception, match="must name exactly one failure") as stopped:
        collect(text)
    assert stopped.value.returncode == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("the converter's ranges", " ", "`reason` is empty"),
        ("https://example.org/1", "https://", "`link` is 'https://'"),
        ("https://example.org/1", "docs/", "`link` is 'docs/'"),
        (
            VERDICT := 'metric = "accuracy_drop"\nverdict = "inconclusive"',
            'says = " "',
            "`says` is ' '",
        ),
        (VERDICT, 'says = "it"', "`says` is 'it', which is too short"),
        (
            '"accuracy_drop"',
            '"latency_p50"',
            "the metric 'latency_p50'. Give one of: accuracy_drop",
        ),
        ("suites/accuracy/", "./suites/accuracy/", "there is no test with this id"),
        ("test_accuracy_drop.py", "test_accuracy_dorp.py", "there is no test with this id"),
    ],
)
def test_rejects_known_failure_entry_that_would_accept_no_failure_or_any_failure(
    old, new, message, collect
):
    with pytest.raises(pytest.exit.Exception, match=re.escape(message)) as stopped:
        collect(ENTRY.format(subject="mini", test=TEST).replace(old, new))
    assert stopped.value.returncode == pytest.ExitCode.USAGE_ERROR


def test_rejects_two_known_failure_entries_for_one_test(collect):
    """Otherwise the second entry would silently replace the first."""
    entry = ENTRY.format(subject="mini", test=TEST)
    with pytest.raises(pytest.exit.Exception, match="is listed more than once"):
        collect(entry + entry.replace("inconclusive", "fail"))
    assert collect(entry + entry.replace('"mini"', '"other"')).markers


def test_runxfail_option_shows_a_known_failure_as_a_failure(collect):
    item = collect(ENTRY.format(subject="mini", test=TEST))
    item.config.option.runxfail = True
    assert ended(item, FAILED, make_measurement()) is pytest.fail.Exception


def test_known_failure_entry_is_valid_through_its_expiry_date(collect, monkeypatch):
    text = ENTRY.format(subject="mini", test=TEST).replace("2999-12-31", "2030-06-01")
    monkeypatch.setattr(known_failures, "today", lambda: date(2030, 6, 1))
    assert collect(text).markers
    monkeypatch.setattr(known_failures, "today", lambda: date(2030, 6, 2))
    with pytest.raises(pytest.exit.Exception, match="expired on 2030-06-01") as stopped:
        collect(text)
    assert stopped.value.returncode == pytest.ExitCode.USAGE_ERROR


def test_expired_known_failure_entry_of_another_subject_is_ignored(collect):
    text = ENTRY.format(subject="other", test=TEST).replace("2999", "1999")
    assert collect(text).markers == []


def test_rejects_known_failure_entry_without_a_valid_link(collect):
    text = ENTRY.format(subject="mini", test=TEST).replace("https://example.org/1", "somewhere")
    with pytest.raises(pytest.exit.Exception, match="`link` is 'somewhere'"):
        collect(text)


def test_known_failure_entry_of_another_subject_is_ignored(collect):
    assert collect(ENTRY.format(subject="other", test=TEST)).markers == []


def test_known_failure_entry_of_another_device_is_ignored(collect):
    entry_of_another = (
        ENTRY.format(subject="mini", test=TEST.replace("host", "rpi4")) + 'device = "rpi4"\n'
    )
    assert collect(entry_of_another).markers == []


def test_rejects_known_failure_entry_whose_id_matches_no_test(collect):
    with pytest.raises(
        pytest.exit.Exception, match=r"no test with this id\. Correct the id"
    ) as stopped:
        collect(ENTRY.format(subject="mini", test=TEST.replace("budget[", "bugdet[")))
    assert stopped.value.returncode == pytest.ExitCode.USAGE_ERROR


def test_known_failure_entry_for_a_test_file_that_is_not_run_is_ignored(collect):
    elsewhere = "suites/size/test_size.py::test_file_is_within_budget[host-float32]"
    assert collect(ENTRY.format(subject="mini", test=elsewhere)).markers == []


def test_known_failure_entry_for_a_variant_that_is_not_run_is_ignored(collect):
    entry = ENTRY.format(subject="mini", test=TEST.replace("static", "dynamic"))
    assert collect(entry, all_schemes=False).markers == []


@pytest.mark.parametrize(
    "text", ["failures = 3", "[[failures]]\nsubject = 'mini'\ntest = 'x'", "failures = ["]
)
def test_rejects_invalid_known_failures_file(text, collect):
    with pytest.raises(pytest.exit.Exception, match=r"known_failures\.toml") as stopped:
        collect(text)
    assert stopped.value.returncode == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("workers", [0, 2])
def test_invalid_known_failures_file_ends_a_run_with_one_message(workers, tmp_path):
    file = tmp_path / "known.toml"
    file.write_text(ENTRY.format(subject="embedded", test="suites/size/test_size.py::test_no"))
    arguments = ["suites/size/test_size.py", "-n", str(workers), "-p", PLUGIN]
    outcome = run_pytest(tmp_path, arguments, {VARIABLE: str(file)})
    assert outcome.code == pytest.ExitCode.USAGE_ERROR, outcome.output
    message = (
        f"{file}: suites/size/test_size.py::test_no: there is no test with this id. Correct the id"
    )
    assert outcome.output.count(message) == 1, outcome.output
    for sign in ("Traceback", "INTERNALERROR", "crashed"):
        assert sign not in outcome.output, outcome.output
