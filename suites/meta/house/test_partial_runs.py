"""A partial run is reported as partial, with the cause if it ended early."""

from __future__ import annotations

import json
import signal
from types import SimpleNamespace

import jsonschema
import pytest

from fixtures.selecting.applying import LEFT_OUT, UNABLE
from fixtures.selecting.extent import ExtentOfRun, every_gate
from fixtures.session.options import SETTINGS
from models.flatbuffers.schemes import SCHEMES
from models.store import PROJECT
from reports.documents.document import Outcome
from reports.documents.extent import counted, partial_because
from reports.documents.results import as_document
from reports.texts.headline import headline
from suites.meta.gates.running import run, run_pytest
from suites.meta.house.planted_endings import VARIABLE
from suites.meta.reports import runs
from suites.meta.reports.documents import changed

SIZES = ["suites/size/test_size.py", "--edge-schemes=float32"]
PLUGIN = ("-p", "suites.meta.house.planted_endings")
FIRST = "suites/size/test_size.py::test_file_is_within_budget[host-float32]"


@pytest.fixture
def run_sizes(miniature, tmp_path):
    """Return `run_sizes(*arguments, ending=None)`, which runs the gates of size in float32.

    There are four gates. One compares a variant with float32, and does not apply.
    """

    def ran(*arguments, ending=None):
        plugin, variables = (PLUGIN, {VARIABLE: ending}) if ending else ((), {})
        return run(miniature, tmp_path, SIZES, [*arguments, *plugin], variables)

    return ran


def checked(outcome):
    """Return a run's document; check its schema and that its headline lacks `fit to ship`."""
    document = outcome.document()
    schema = json.loads(
        (PROJECT / "reports" / "documents" / "results.schema.json").read_text("utf-8")
    )
    jsonschema.validate(outcome.results(), schema)
    assert "fit to ship" not in headline(document)[1].replace("not fit to ship", "")
    assert headline(document)[1] in outcome.output
    return document


def test_run_of_all_gates_is_not_reported_as_partial(clean_run):
    document = clean_run.document()
    assert partial_because(document) == []
    sentence = "mini on host: fit to ship on ai_edge_litert (also on "
    assert sentence in clean_run.output
    assert document.run.extent.collected == len(clean_run.tests)


def test_each_reason_for_gates_that_do_not_apply_is_counted_once_for_all_schemes(clean_run):
    """A reason repeated for each scheme would make the summary too long to read."""
    reasons = {
        group.reason.partition("\n")[0] for group in clean_run.document().run.extent.not_applicable
    }
    assert reasons
    assert [reason for reason in reasons if any(name in reason.split() for name in SCHEMES)] == []


@pytest.mark.parametrize(
    ("ending", "code", "cause"),
    [
        ("interrupt", pytest.ExitCode.INTERRUPTED, "the run was interrupted"),
        ("exit", pytest.ExitCode.TESTS_FAILED, "the power is gone"),
    ],
)
def test_run_that_ends_early_reports_the_cause(ending, code, cause, run_sizes):
    outcome = run_sizes(ending=ending)
    assert outcome.code == code, outcome.output
    document = checked(outcome)
    extent = document.run.extent
    assert (extent.collected, extent.run) == (4, 1)
    assert extent.ended_by.startswith(cause)
    (group,) = extent.not_run
    assert (group.count, len(group.tests)) == (2, 2)
    assert f"it ended early: {cause}" in partial_because(document)
    assert "and more is said of it" not in headline(document)[1]


def test_lost_board_is_one_failure_and_later_gates_are_not_run(run_sizes):
    outcome = run_sizes(ending="lost")
    assert outcome.code in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED}
    assert len(outcome.ids("failed")) + len(outcome.ids("error")) == 1, outcome.output
    extent = checked(outcome).run.extent
    assert (extent.run, sum(group.count for group in extent.not_run)) == (2, 1)
    assert "earlier measurements are kept" in extent.ended_by


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        ("broken", "weights.bin: broken in two. Copy it again"),
        (
            "unreadable",
            "member.npz: the operating system refused to read or write this file",
        ),
    ],
)
def test_error_that_prevents_several_gates_is_reported_once(ending, message, run_sizes):
    outcome = run_sizes(ending=ending)
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    assert len(outcome.ids("failed")) + len(outcome.ids("error")) == 1, outcome.output
    messages = [text for ended, text in outcome.tests.values() if message in text]
    assert len(messages) == 1
    assert messages[0].count(message) == 2, (
        "JUnit must contain the message twice: in an attribute and in the text"
    )
    assert "another exception" not in outcome.output
    assert "Traceback" not in outcome.output
    document = checked(outcome)
    (group,) = document.run.extent.not_run
    assert group.count == 1
    assert group.reason.startswith("the same error made suites/size/test_size.py::")
    assert "not run: 1: the same error made" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-k", "ratio"], "2 tests were deselected by -k 'ratio'"),
        (["-n", "1", "-k", "ratio"], "2 tests were deselected by -k 'ratio'"),
        (["--edge-texts=20"], "only 20 of 600 test texts were requested"),
    ],
)
def test_partial_run_reports_how_tests_were_selected(arguments, reason, run_sizes):
    outcome = run_sizes(*arguments)
    assert outcome.code == 0, outcome.output
    reasons = partial_because(checked(outcome))
    assert reason in reasons
    assert any(
        reason.startswith("it collected only suites/size/test_size.py") for reason in reasons
    )


@pytest.fixture
def gathered():
    """Return `gathered(ids)`, which returns the extent of a run that collects these gates."""

    def gather(ids, *arguments, outcomes=(), lost=0, left_out=None):
        settings = SimpleNamespace(subject=SimpleNamespace(other_candidates=("float16",)))
        option = SimpleNamespace(keyword="", markexpr="", deselect=None)
        stash = {SETTINGS: settings, LEFT_OUT: left_out or {}, UNABLE: {}}
        config = SimpleNamespace(args=list(arguments), stash=stash, option=option)
        extent = ExtentOfRun(config)
        items = [SimpleNamespace(nodeid=test_id) for test_id in ids]
        hook = extent.pytest_collection_modifyitems(items)
        next(hook)
        del items[:lost]
        with pytest.raises(StopIteration):
            hook.send(None)
        extent.pytest_collection_finish(SimpleNamespace(items=items))
        return extent.extent(outcomes)

    return gather


def test_run_without_one_of_the_gates_is_partial(gathered):
    every = sorted(every_gate())
    assert gathered(every, "suites").narrowed == ()
    (reason,) = gathered(every[1:], "suites/accuracy", "suites/size").narrowed
    assert reason.startswith("it collected only suites/accuracy, suites/size: ")
    assert reason.endswith(f"{len(every) - 1} of {len(every)} gates")


def test_run_with_tests_deselected_by_a_plugin_is_partial(gathered):
    """A plugin that samples or splits tests changes the list silently."""
    every = sorted(every_gate())
    (reason,) = gathered(every, "suites", lost=3).narrowed
    assert reason == "3 tests were deselected by another option or plugin"


@pytest.mark.parametrize("part", ["fixtures.selecting.extent", "edgeproof-extent", "skipping"])
def test_rejects_run_without_a_required_plugin(part, tmp_path):
    outcome = run_pytest(tmp_path, [*SIZES, "-p", f"no:{part}"])
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    assert outcome.output.startswith(
        f"ERROR: -p no:{part} switches off a plugin that edgeproof needs. "
    )


def test_rejects_run_whose_root_folder_changes_test_ids(tmp_path):
    """Test ids decide which tests are gates and which are known failures."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    outcome = run_pytest(tmp_path / "reports", [*SIZES, "-c", str(tmp_path / "pytest.ini")])
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    remedy = f"Add --rootdir={PROJECT}"
    assert f"pytest's root folder is {tmp_path}" in outcome.output
    assert remedy in outcome.output
    again = ["-c", str(tmp_path / "pytest.ini"), f"--rootdir={PROJECT}", "--collect-only"]
    assert run_pytest(tmp_path / "reports", [*SIZES, *again]).code == 0


def test_killed_run_leaves_no_results_from_an_earlier_run(run_sizes):
    before = run_sizes()
    assert before.results()["tests"]
    killed = run_sizes(ending="killed")
    assert killed.code == -signal.SIGKILL
    assert not (killed.reports / "results.json").exists()
    assert not (killed.reports / "scoreboard.csv").exists()


def test_run_with_a_single_parameter_of_a_gate_is_partial(gathered):
    """All test functions were collected, but not with all their parameters."""
    every = sorted(every_gate())
    assert gathered(every, "suites", f"{FIRST}").narrowed != ()


def test_results_name_the_schemes_that_were_not_requested(gathered):
    assert gathered(sorted(every_gate()), "suites").other_schemes == ("float16",)


def test_skipped_tests_are_grouped_by_the_short_name_of_the_missing_thing(gathered):
    ids = [f"suites/size/test_size.py::test_{number}" for number in range(3)]
    lacking = ["no compiler", "no compiler", ""]
    outcomes = [
        Outcome(
            id=test_id, outcome="skipped", seconds=0.1, message="no compiler: cc", lacking=words
        )
        for test_id, words in zip(ids, lacking, strict=True)
    ]
    counts = [(group.count, group.lacking) for group in gathered(ids, outcomes=outcomes).skipped]
    assert counts == [(2, "no compiler"), (1, "")]


def test_each_test_outcome_is_counted_separately(gathered):
    endings = ["passed", "failed", "measured", "skipped", "not_applicable", "not_run"]
    ids = [f"suites/size/test_size.py::test_{name}" for name in endings]
    outcomes = [
        Outcome(id=test_id, outcome=name, seconds=0.1, message=f"why {name}")
        for test_id, name in zip(ids, endings, strict=True)
    ]
    extent = gathered([*ids, "suites/size/test_size.py::test_silent"], outcomes=outcomes)
    assert (extent.collected, extent.run) == (7, 3)
    groups = extent.skipped, extent.not_applicable, extent.not_run
    assert [
        [(group_of_reason.reason, group_of_reason.count) for group_of_reason in group]
        for group in groups
    ] == [
        [("why skipped", 1)],
        [("why not_applicable", 1)],
        [("why not_run", 1), ("the run ended before these gates could run", 1)],
    ]


def test_tests_left_out_before_and_during_the_run_are_grouped_by_reason(gathered):
    """A gate is either left out at collection or ended by a fixture because it does not apply."""
    names = ["suites/size/test_size.py::test_one", "suites/size/test_size.py::test_two"]
    ended = Outcome(id=names[1], outcome="not_applicable", seconds=0.1, message="there is no mask")
    extent = gathered(
        names, outcomes=[ended], left_out={"there is no mask": names[:1], "no groups": ["suites/x"]}
    )
    assert [(group.reason, group.tests) for group in extent.not_applicable] == [
        ("there is no mask", tuple(names)),
        ("no groups", ("suites/x",)),
    ]


def test_tests_with_equal_reasons_are_counted_together():
    """The summary below the scoreboard shows only the first line of a reason."""
    reasons = {"no clock\nit is a board's": 1, "no groups": 2, "no clock\nit is an emulator's": 3}
    groups = [{"reason": reason, "count": count} for reason, count in reasons.items()]
    extent = {"suites": [], "collected": 0, "run": 0, "not_applicable": groups}
    lines = counted(changed(runs.document(), run={"extent": extent}))
    assert lines == ["does not apply: 6: no clock (4); no groups (2)"]


def test_results_that_do_not_record_which_gates_ran_are_not_called_fit_to_ship(clean_run):
    document = clean_run.results()
    del document["run"]["extent"]
    assert "not known to be fit" in headline(as_document(document))[1]
