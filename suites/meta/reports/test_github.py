"""On GitHub Actions, annotations point at lines of budgets, and the job gets a summary."""

from __future__ import annotations

import pytest

from models.errors import EdgeproofError
from reports.texts.budget_lines import place_of
from reports.texts.github import annotations_asked_for, annotations_of, publish, step_summary
from reports.texts.scoreboard import as_markdown
from suites.meta.reports.documents import changed
from suites.meta.reports.runs import DROP_TEST, EMBEDDED, document

DROP_LINE = place_of(EMBEDDED, "accuracy_drop.max").line


def test_github_annotation_points_at_the_line_of_the_broken_budget():
    first, *_ = annotations_of(document())
    head, _, message = first.removeprefix("::").partition("::")
    assert head.startswith(
        f"error file=models/verdicts/limits/budgets/embedded.toml,line={DROP_LINE},"
        "title=fail%3A accuracy_drop"
    )
    assert DROP_TEST.replace(":", "%3A") in head
    assert message.startswith(
        "Measured: accuracy_drop of float16: 5 points [4.2, 6] (n = 200 texts), 95 %25"
    )
    assert "%0AReproduce: python -m pytest" in message


def test_annotations_of_inconclusive_gates_are_warnings_and_those_of_assertions_name_a_file():
    kinds = [line.split(",title")[0] for line in annotations_of(document())]
    agreement = place_of(EMBEDDED, "agreement.min").line
    ratio = place_of(EMBEDDED, "latency_ratio.float16.max").line
    assert kinds[1:] == [
        "::error file=suites/conformance/test_file.py",
        f"::warning file=models/verdicts/limits/budgets/embedded.toml,line={agreement}",
        f"::warning file=models/verdicts/limits/budgets/embedded.toml,line={ratio}",
    ]


def test_every_annotation_is_one_line():
    assert all("\n" not in line for line in annotations_of(document()))


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), (None, False)])
def test_annotations_are_written_only_on_github(value, expected, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)
    assert bool(annotations_asked_for(document())) is expected


def test_job_summary_contains_the_scoreboard_and_every_explanation(tmp_path, monkeypatch):
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    publish(document())
    text = file.read_text()
    assert text == "before\n" + step_summary(document())
    assert as_markdown(document()) in text
    assert text.count("<details>") == 4
    assert "4 failed or undecided: unfold an entry to see why." in text
    assert "**Not fit to ship, 2 gates failed.**" in text


def test_each_remark_appears_once_in_the_job_summary():
    remark = "The graph's inputs are in another order than the signature's."
    with_remarks = changed(document(), subject={"remarks": [remark, remark]})
    text = step_summary(with_remarks)
    assert text.count("Note: The graph's inputs") == 1
    assert "Note:" not in step_summary(document())


def test_publishing_outside_github_writes_nothing(monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    publish(document())


def test_unwritable_job_summary_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "missing" / "summary.md"))
    with pytest.raises(EdgeproofError, match="cannot be written"):
        publish(document())
