"""The report shows the planted faults of each gate, or that the table is missing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from reports import html
from reports.documents.faults import PlantedFault, by_gate, planted_at, read_faults, write_faults
from reports.documents.runs import read_runs
from reports.page import allure
from reports.page.fault_table import as_html
from reports.page.staging import stage
from suites.meta.reports.drawn import DROP_GATE, planted, write_run
from suites.meta.reports.runs import DROP_TEST

if TYPE_CHECKING:
    from pathlib import Path

OWN = "suites/meta/verdicts/test_intervals.py::test_mcnemar"
SIZE = "suites/size/test_it.py::test_flatbuffer_bytes"
NO_TABLE = "No table of planted faults was found"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a run's folder, and replace Allure's page by an empty page."""

    def draw(_results: list[Path], output: Path, _facts: dict[str, Any]) -> list[dict[str, Any]]:
        output.mkdir()
        (output / "index.html").write_text("<html><head></head><body></body></html>")
        return []

    monkeypatch.setattr(allure, "draw", draw)
    monkeypatch.setattr(allure, "is_installed", lambda: True)
    monkeypatch.setattr(html, "DEFAULT_FAULTS", tmp_path / "faults.json")
    return write_run(tmp_path / "run", "host")


def test_fault_table_read_from_a_file_equals_the_written_one(tmp_path: Path) -> None:
    write_faults(tmp_path / "new" / "faults.json", planted())
    assert read_faults(tmp_path / "new" / "faults.json") == planted()
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["faults.json"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no such file"),
        ("", "is not a table of planted faults"),
        ('{"schema": 1, "faults": [', "is not a table of planted faults"),
        ("\udcff", "is not a table of planted faults"),
        ('{"schema": 2, "faults": []}', "has the schema version 2, not 1"),
        ('{"schema": 1, "faults": [{"name": "x", "of": "y"}]}', "faults[0]"),
        ('{"schema": 1, "faults": [{"name": "x", "of": "y", "gate": 3}]}', "faults[0].gate"),
    ],
    ids=["missing", "empty", "cut", "not_utf8", "other_schema", "key_missing", "mistyped"],
)
def test_rejects_invalid_fault_table_in_one_message(
    run: Path, text: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run / "planted.json"
    if text is not None:
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert html.main([str(run), "--out", str(run / "html"), "--faults", str(file)]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"report: error: {file}: ")
    assert says in line
    assert "`tox -e meta`" in line
    assert not (run / "html").exists(), "the report was drawn despite the invalid table"


@pytest.mark.parametrize("named", [True, False])
def test_fault_table_is_read_from_the_default_path_or_the_faults_option(
    run: Path, *, named: bool
) -> None:
    file = run / "planted.json" if named else html.DEFAULT_FAULTS
    write_faults(file, planted())
    arguments = ["--faults", str(file)] if named else []
    assert html.main([str(run), "--out", str(run / "html"), *arguments]) == 0
    page = (run / "html" / "index.html").read_text(encoding="utf-8")
    assert "classes that quantization permutes" in page
    assert NO_TABLE not in page


def test_report_shows_that_the_fault_table_is_missing(run: Path) -> None:
    assert html.main([str(run), "--out", str(run / "html")]) == 0
    assert NO_TABLE in (run / "html" / "index.html").read_text(encoding="utf-8")


def test_faults_are_grouped_by_gate_and_edgeproofs_own_tests_come_last() -> None:
    assert list(by_gate(planted())) == [DROP_GATE, SIZE, OWN]
    drawn = as_html(planted(), [DROP_TEST], {DROP_TEST: "#abc", f"{SIZE}[other]": "#def"})
    gates = [re.findall(r"<code>(.*?)</code>", body)[0] for body in drawn.split("<tbody>")[1:]]
    assert gates == [DROP_GATE, SIZE, OWN]
    assert f'<code>{DROP_GATE}</code> <a href="#abc">Show the test</a>' in drawn
    assert f"<code>{OWN}</code></th>" in drawn, "a gate without a test in a run has a link"


def test_report_counts_the_results_of_planted_faults() -> None:
    drawn = as_html(planted(), [], {})
    assert (
        "plants 5 faults one by one, and each must turn its gate red: 2 gates of the suites, "
        "1 of edgeproof itself." in drawn
    )
    assert (
        "2 turned red, 1 did not turn red, 1 not planted on this machine, "
        "1 not planted here yet" in drawn
    )
    assert "Planted at commit ccccccccc on 2024-05-06." in drawn
    assert "fail: accuracy_drop of &lt;float16&gt;" in drawn


def test_commits_at_which_faults_were_planted_are_listed_once_and_latest_first() -> None:
    first = planted()[0]
    assert first.seen is not None
    later = PlantedFault(
        name="later", of="data", gate=OWN,
        seen=type(first.seen)(outcome="red", said="", when="2024-06-01T00:00:00+00:00",
                              commit="d" * 40, changed=True),
    )  # fmt: skip
    assert planted_at([first, later, first]) == [
        "commit ddddddddd with changes on 2024-06-01",
        "commit ccccccccc on 2024-05-06",
    ]


def test_report_names_a_gate_without_a_planted_fault() -> None:
    bare = "suites/mine/test_mine.py::test_mine"
    assert "without a planted fault" not in as_html(planted(), [DROP_TEST], {})
    drawn = as_html(planted(), [DROP_TEST, f"{bare}[a]", f"{bare}[b]"], {})
    assert drawn.count(f"<li><code>{bare}</code></li>") == 1


def test_page_of_a_test_lists_its_planted_faults(tmp_path: Path) -> None:
    (run,) = read_runs([write_run(tmp_path / "run", "host")])
    stage(run, tmp_path / "staged", [], planted())
    tests = [json.loads(file.read_text()) for file in (tmp_path / "staged").glob("*-result.json")]
    described = {test["name"]: test.get("descriptionHtml", "") for test in tests}
    for name in ("test_drop[host-float16]", "test_drop[host-float32]"):
        assert (
            "<b>Shown to fail for</b>: classes that quantization permutes.</p>" in described[name]
        )
        expected = (
            "<b>Must fail for, but not tried on this machine</b>: weights that are not numbers."
        )
        assert expected in described[name]
    assert "fail by" not in described["test_signature[host-float32]"]
