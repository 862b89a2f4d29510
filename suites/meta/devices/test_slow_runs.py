"""A whole run on a board that needs a second for each answer requests few answers."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from filelock import FileLock

from benchmarks.counted_answers import COUNTS_VARIABLE
from benchmarks.slow_board import ASKING, COUNTING, JUDGED, JUDGING, judge_counts, suite_of
from models.runtime.assembling import NAME
from suites.meta.devices.four_schemes import write_four
from suites.meta.gates.planted_runner import ANSWERS_LOG
from suites.meta.gates.planting import PLUGIN, RUNNER_VARIABLE, runner_with
from suites.meta.gates.running import run_pytest

SECOND_BACKEND, OPTIONAL = "ai_edge_litert-builtin", "litert-cpu"
# The reference and a candidate; further candidates need as many answers as this one.
TWO = ("full", "eight")
# Maximum number of answers for these two files; docs/my-board.md explains the causes.
MOST = {
    "accuracy and agreement": 760,
    "backends": 420,
    "conformance": 40,
    "latency": 0,
    "memory": 0,
    "privacy": 0,
}
# Maximum number of answers for four schemes: on all backends, and on the judged one alone.
MOST_OF_FOUR, MOST_OF_ONE_BACKEND = 2_600, 1_770
BEHAVIOR = ("suites/conformance/test_behavior.py",)
ONE_PROCESS = "fresh_process or number_of_threads or order_of_inputs"
SHARED_GATES = "repeated_bit_for_bit or order_of_texts or order_takes or other_texts_take"


@pytest.fixture(scope="session")
def four(shared_folder):
    """Return the bundle of four schemes, exported by a run that judged them."""
    folder = shared_folder / "four"
    bundle = folder / "four.edge"
    with FileLock(shared_folder / "four.lock"):
        if not bundle.exists():
            given = [f"--edge-subject={write_four(folder)}", f"--edge-export-bundle={bundle}"]
            given.append(f"--edge-cache-dir={folder / 'store'}")
            exported = run_pytest(shared_folder / "four-export", [*JUDGING, *given])
            assert exported.code == pytest.ExitCode.OK, exported.output
    return bundle


@pytest.fixture(scope="session")
def judge_slowly(four, tmp_path_factory):
    """Return a function that judges the bundle on a slow board with a virtual clock.

    `judge_slowly(suites, *arguments, fault="")` returns the outcome, and how many answers each
    test asked of each backend.
    """

    def judged(suites=ASKING, *arguments, fault=""):
        folder = tmp_path_factory.mktemp("slow")
        variables = {COUNTS_VARIABLE: str(folder / "answers.json")}
        given = [f"--edge-bundle={four}", f"--edge-cache-dir={folder / 'store'}"]
        given += [*COUNTING, *arguments]
        if fault:
            (folder / NAME).write_bytes(runner_with(fault))
            variables[RUNNER_VARIABLE] = str(folder / NAME)
            given += PLUGIN
        outcome = run_pytest(folder / "reports", [*suites, *given], variables)
        return outcome, json.loads((folder / "answers.json").read_text("utf-8"))

    return judged


@pytest.fixture(scope="module")
def whole_run(judge_slowly):
    """Return the outcome of all gates for two schemes, and the answers that each test requested."""
    return judge_slowly(ASKING, f"--edge-schemes={','.join(TWO)}")


def test_no_verdict_is_inconclusive_on_a_slow_board(whole_run):
    outcome, _ = whole_run
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    verdicts = {measurement["verdict"] for measurement in outcome.results()["measurements"]}
    assert "inconclusive" not in verdicts


def test_each_suite_needs_a_bounded_number_of_answers_from_a_slow_board(whole_run):
    _, asked = whole_run
    suites = Counter()
    for test, counts in asked.items():
        room = suite_of(test)
        name = "accuracy and agreement" if room in {"accuracy", "agreement"} else room
        suites[name] += sum(counts.values())
    assert {name: count for name, count in suites.items() if count > MOST[name]} == {}, suites


@pytest.mark.slow
def test_judging_four_schemes_needs_a_bounded_number_of_answers(judge_slowly):
    outcome, asked = judge_slowly()
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    backends = Counter()
    for counts in asked.values():
        backends.update(counts)
    assert sum(backends.values()) <= MOST_OF_FOUR, backends
    assert backends[JUDGED] <= MOST_OF_ONE_BACKEND, backends


def test_optional_backend_classifies_only_four_texts_on_a_slow_board(whole_run):
    outcome, asked = whole_run
    classified = sum(counts.get(OPTIONAL, 0) for counts in asked.values())
    # Four texts, twice each.
    assert classified == 8 * len(TWO)
    # The report wraps its lines.
    assert "too few to judge a share: on a slow board, an optional backend" in " ".join(
        outcome.output.split()
    )


def test_required_backend_is_judged_on_enough_texts_to_decide_agreement(whole_run):
    outcome, _ = whole_run
    measurements = [
        measurement
        for measurement in outcome.results()["measurements"]
        if measurement["metric"] == "agreement_backends"
        and measurement["backend"] == SECOND_BACKEND
    ]
    assert [measurement["verdict"] for measurement in measurements] == ["pass"] * len(TWO)
    assert {measurement["n"] for measurement in measurements} == {188}


def test_all_latency_gates_share_one_timed_stream_of_answers(whole_run):
    """Gates that only report times request no answers of their own."""
    _, asked = whole_run
    for name in ("percentile_is_within_budget", "first_seconds", "rounds_are_recorded"):
        own = {test for test in asked if name in test and "text_to_label" not in test}
        assert own == set()


@pytest.mark.parametrize(
    ("fault", "gate"),
    [
        ("noise", "test_answers_are_repeated_bit_for_bit"),
        ("remembering", "test_order_of_texts_changes_nothing"),
    ],
)
def test_gate_that_reuses_answers_of_another_gate_still_detects_a_fault(judge_slowly, fault, gate):
    suites = ("suites/conformance/test_behavior.py", "suites/latency/test_honesty.py")
    outcome, _ = judge_slowly(suites, "-k", SHARED_GATES, "--edge-schemes=full", fault=fault)
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    assert [name for name in outcome.ids("failed") if gate in name]


@pytest.mark.parametrize(
    ("fault", "gate", "holds"),
    [
        ("by process", "fresh_process", ""),
        ("several threads reverse", "number_of_threads", "order_of_inputs"),
        ("inputs by position", "order_of_inputs", "number_of_threads"),
    ],
)
def test_gates_that_share_one_changed_process_fail_only_for_their_own_fault(
    judge_slowly, fault, gate, holds
):
    """Each gate makes its own change if all changes together give another logit, or an error."""
    outcome, _ = judge_slowly(BEHAVIOR, "-k", ONE_PROCESS, "--edge-schemes=full", fault=fault)
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    failed = outcome.ids("failed")
    assert [name for name in failed if gate in name]
    assert not holds or not [name for name in failed if holds in name]


def test_gates_share_one_changed_process_if_it_gives_the_usual_logits(judge_slowly):
    outcome, asked = judge_slowly(BEHAVIOR, "-k", ONE_PROCESS, "--edge-schemes=full")
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    # Two texts measure the time for one; four are classified as usual, and with all changes.
    assert sum(sum(counts.values()) for counts in asked.values()) == 2 + 4 + 4


def test_connection_is_detected_although_labels_of_its_process_are_used_by_other_gates(
    judge_slowly,
):
    suites = ("suites/accuracy/test_accuracy_floor.py", "suites/privacy")
    outcome, _ = judge_slowly(suites, "--edge-schemes=full", fault="a socket")
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    (red,) = outcome.ids("failed")
    assert "test_inference_opens_no_socket_and_writes_no_file" in red


def test_tokenizer_fault_is_detected_although_labels_from_text_are_used_by_other_gates(
    judge_slowly,
):
    suites = ("suites/accuracy", "suites/agreement", "suites/latency/test_throughput.py")
    outcome, _ = judge_slowly(suites, "--edge-schemes=full", fault="texts backwards")
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    (red,) = outcome.ids("failed")
    assert "test_text_and_its_ids_get_one_label" in red


def test_counted_answers_equal_the_answers_of_the_runners(judge_slowly):
    """The runners of all backends also count their answers, in a file beside their program."""
    suites = (
        *("suites/backends/test_backends.py", "suites/conformance/test_behavior.py"),
        "suites/latency",
    )
    outcome, asked = judge_slowly(suites, "--edge-schemes=full", fault="nothing but counting")
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    (log,) = outcome.reports.parent.glob(f"*{ANSWERS_LOG}")
    counted = judge_counts(asked)
    assert counted["figures"]["all_backends"] == log.stat().st_size > 0
    for answers in (counted["answers_of_suites"], counted["answers_of_gates"]):
        assert sum(sum(one.values()) for one in answers.values()) == log.stat().st_size


def test_slow_board_benchmark_fails_if_the_judged_backend_takes_half_an_hour():
    test = "suites/accuracy/test_accuracy_drop.py::test_drop[full]"
    for answers, kept in ((1799, True), (1800, False)):
        table = judge_counts({test: {JUDGED: answers}, f"{test}2": {SECOND_BACKEND: 700}})
        assert table["kept"] is kept
        assert table["figures"] == {"judged_backend": answers, "all_backends": answers + 700}
        assert table["answers_of_suites"] == {"accuracy": {JUDGED: answers, SECOND_BACKEND: 700}}
        assert table["answers_of_gates"] == {"test_drop": {JUDGED: answers, SECOND_BACKEND: 700}}


def test_gate_that_runs_alone_requests_its_own_answers(judge_slowly):
    """The timed gate that usually provides the answers is not selected here."""
    outcome, asked = judge_slowly(
        ("suites/conformance/test_behavior.py",),
        *("-k", "repeated_bit_for_bit", "--edge-schemes=full"),
    )
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    (count,) = [
        sum(counts.values()) for test, counts in asked.items() if "repeated_bit_for_bit" in test
    ]
    # Four texts twice, and two texts that measure the time for one.
    assert count == 4 * 2 + 2
