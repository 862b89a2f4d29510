"""A failed test is explained by its measurement, budget, circumstances and command."""

from __future__ import annotations

import pytest

from models.store import PROJECT
from reports.documents.document import Outcome
from reports.texts.budget_lines import place_of
from reports.texts.explain import explanations
from suites.meta.reports.documents import changed
from suites.meta.reports.runs import (
    CURVE,
    DROP,
    DROP_TEST,
    LOCALIZATION,
    document,
    make_measurement,
)


@pytest.fixture(scope="module")
def red():
    """Return the explanations of the small run, by title."""
    return {explanation.title: explanation for explanation in explanations(document())}


def test_only_failed_tests_are_explained(red):
    assert list(red) == [
        "fail: accuracy_drop of float16 on host",
        "failed: test_signature[host-float32]",
        "inconclusive: agreement of float16 on host",
        "invalid: latency_ratio of float16 on host",
    ]


def test_explanation_of_a_broken_budget_shows_measurement_budget_cause_and_command(red):
    rows = dict(red["fail: accuracy_drop of float16 on host"].rows)
    measured = (
        "accuracy_drop of float16: 5 points [4.2, 6] (n = 200 texts), 95 % interval in brackets"
    )
    line = place_of("models/verdicts/limits/budgets/embedded.toml", "accuracy_drop.max").line
    assert rows == {
        "Measured": measured,
        "Budget": "at most 4.1 points "
        f"(models/verdicts/limits/budgets/embedded.toml: accuracy_drop.max, line {line})",
        "Verdict": "fail: the whole interval breaks it",
        "Since the baseline": "worse by 3 points since yesterday",
        "Error localization": "first diverges at operator 4 of 5, SOFTMAX (layer_3): NaN or Inf, "
        "7 NaN and 2 Inf in 1 operator; correct with SOFTMAX in float",
        "Labels that flipped": "9, by descending margin of the reference (in logits):\n"
        '"never again": gold BAD, float32 BAD by 2.5, float16 GOOD by 0.25\n'
        "test text 7: gold GOOD, float32 SO SO by 0.125, float16 GOOD by 1",
        "Circumstances": "host, ai_edge_litert 2.3.0, 1 thread, Python 3.11.7, "
        "commit 012345678, run of 2024-05-06 07:08 UTC",
        "Reproduce": f"python -m pytest --edge-subject=mini.toml '{DROP_TEST}'",
    }


def test_explanation_shows_why_localization_failed():
    failed = {"scheme": "float16", "tests": [DROP_TEST], "flips": [], "not_localized": "killed"}
    first, *_ = explanations(changed(document(), run={"localizations": [failed]}))
    assert dict(first.rows)["Error localization"] == "not localized: killed"


def test_operator_with_additional_keys_is_found_in_the_error_curve():
    """A later version may store more keys for the first diverging operator than in the curve."""
    localization = LOCALIZATION | {"diverges_at": CURVE[3] | {"cosine": 0.5, "later": [1]}}
    first, *_ = explanations(changed(document(), run={"localizations": [localization]}))
    assert "first diverges at operator 4 of 5" in dict(first.rows)["Error localization"]


def test_reason_that_contains_a_colon_is_shown_in_full():
    """The reason is a separate field; it must not be cut at a colon."""
    because = "throttled: 0x5: the firmware says so"
    measurement = make_measurement("accuracy_drop", "float16", (0.0, -0.01, 0.01, 9), budget=DROP,
                invalid_because=because)  # fmt: skip
    tests = [Outcome(id=measurement.test, outcome="failed", seconds=0.1)]
    (red,) = explanations(document(measurements=[measurement], tests=tests))
    assert dict(red.rows)["Verdict"] == f"invalid: not judged, {because}"


def test_explanation_of_an_inconclusive_verdict_names_the_number_of_texts_needed(red):
    verdict = dict(red["inconclusive: agreement of float16 on host"].rows)["Verdict"]
    assert "texts would decide" in verdict


def test_explanation_of_an_invalid_measurement_names_the_wrong_circumstances(red):
    rows = dict(red["invalid: latency_ratio of float16 on host"].rows)
    assert "the cores were shared" in rows["Verdict"]
    assert rows["Measured"].startswith("latency_ratio of float16: 1.1x [1, 1.2] (n = 40 blocks)")
    assert rows["Budget"].startswith("at most 1.25x (")


def test_explanation_of_a_failed_assertion_shows_its_last_lines(red):
    rows = dict(red["failed: test_signature[host-float32]"].rows)
    assert "E   assert 1 == 2" in rows["What happened"]
    assert rows["Reproduce"].endswith(
        "'suites/conformance/test_file.py::test_signature[host-float32]'"
    )


def test_explanation_is_wrapped_except_for_the_command_line(red):
    text = red["fail: accuracy_drop of float16 on host"].as_text()
    long = [line for line in text.splitlines() if len(line) > 100]
    assert len(long) == 1
    assert "Reproduce" in long[0]


def test_markup_in_values_is_escaped_in_html_and_markdown():
    for red in explanations(document(device="<i>|x")):
        assert "&lt;i&gt;|x" in red.as_html()
        assert "&lt;i&gt;&#124;x" in red.as_markdown()


@pytest.mark.parametrize("key", ["accuracy_drop.max", "latency_ratio.float16.max"])
def test_line_number_of_a_budget_is_found_in_its_file(key):
    file = "models/verdicts/limits/budgets/embedded.toml"
    place = place_of(file, key)
    line = (PROJECT / file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    assert place.file == file
    assert line.startswith(key.rpartition(".")[2])


@pytest.mark.parametrize(
    ("file", "key"),
    [("the corpus", "majority of the train split"), ("nowhere.toml", "a.max"),
     ("models/verdicts/limits/budgets/embedded.toml", "no.such.key")],
)  # fmt: skip
def test_budget_that_is_in_no_file_has_no_line_number(file, key):
    assert place_of(file, key) is None
