"""In a real browser the report opens from disk and loads nothing from the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports import html
from reports.page.offline import external_loads
from reports.page.packing import files_of
from suites.meta.reports.browsing import DESK, PHONE, chromium, page_file, visit
from suites.meta.reports.drawn import DROP_GATE, SPY, write_run
from suites.meta.reports.runs import DROP_TEST, endings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["chromium", "page_file", "visit"]

# Limit on the characters of a page with few tests. Allure's program alone has 3.6 million
# characters before it is packed.
LARGEST = 2_000_000
UNFOLD = "() => document.querySelectorAll('#edgeproof details').forEach((one) => one.open = true)"
# Cells in the table of faults whose text is wider than the cell.
WIDE = """() => [...document.querySelectorAll(".faults :is(th, td)")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"""
# Elements of the summary that extend beyond the window, and texts that extend beyond their picture.
CUT = """() => [...document.querySelectorAll("#edgeproof *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const scrolls = one.closest(".scroll, svg");
  return box.width && !scrolls && (box.right > innerWidth + 1 || box.left < -1);
}).map((one) => one.outerHTML.slice(0, 80))"""
OUTSIDE = """() => [...document.querySelectorAll("#edgeproof svg")].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.right > frame.right + 1 || box.left < frame.left - 1
      || box.bottom > frame.bottom + 1 || box.top < frame.top - 1;
  }).map((one) => `${svg.getAttribute("aria-label")}: ${one.textContent}`);
})"""


# Shows HTML in a frame of the page, as Allure shows an attachment.
SHOW = """(html) => { const frame = document.createElement("iframe");
  frame.id = "spy"; frame.srcdoc = html; document.body.prepend(frame); }"""
DRAWN = """() => [...document.querySelectorAll("#app img, #app svg[aria-label]")]
  .some((one) => one.getBoundingClientRect().width > 300)"""


def test_page_contains_no_external_resource(page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    assert external_loads(text) == []
    assert "googletagmanager" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_first_screen_shows_verdict_and_scores_for_each_device(
    page_file: Path, visit, scheme: str
) -> None:
    visited = visit(page_file.as_uri(), scheme)
    visited.page.get_by_text("Every test").wait_for()
    answers = visited.page.locator("#edgeproof h1").all_inner_texts()
    assert answers == [
        f"mini on {device}: not fit to ship, 2 gates failed" for device in ("host", "rpi4")
    ]
    first = visited.page.locator("#edgeproof h1").first
    assert first.is_visible()
    row = visited.page.locator(".scores tr", has_text="float16").first
    assert row.locator("td").all_inner_texts() == [
        *("float16", "fail", "1.00", "8.0", "0.850", "5.0 [4.2, 6.0]", "0.980", "1.20", "-", "-")
    ]
    visited.shoot(f"summary-{scheme}")
    assert visited.outside == []
    assert visited.errors == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_no_text_on_the_page_is_cut_off(page_file: Path, visit, viewport: dict[str, int]) -> None:
    seen = visit(page_file.as_uri(), viewport=viewport)
    seen.page.get_by_text("Every test").wait_for()
    seen.page.evaluate(UNFOLD)
    assert seen.page.locator("#edgeproof svg").count() >= 14
    assert seen.page.evaluate(CUT) == []
    assert seen.page.evaluate(OUTSIDE) == []
    seen.shoot(f"summary-{'phone' if viewport is PHONE else 'desk'}")


def test_page_of_a_failed_test_shows_its_explanation(page_file: Path, visit) -> None:
    visited = visit(page_file.as_uri())
    visited.page.get_by_text("Show the test").first.click()
    described = visited.page.frame_locator("#app iframe").locator("body")
    described.get_by_text("The requirement in one sentence.").wait_for()
    assert visited.page.locator("#edgeproof").is_hidden()
    assert "Category: Accuracy regression" in visited.page.locator("#app").inner_text()
    text_shown = described.inner_text()
    for text in (
        "accuracy_drop of float16: 5 points [4.2, 6] (n = 200 texts), 95 % interval",
        "at most 4.1 points (models/verdicts/limits/budgets/embedded.toml: accuracy_drop.max, line",
        "first diverges at operator 4 of 5, SOFTMAX (layer_3)",
        "Shown to fail for: classes that quantization permutes.",
        '"never again": gold BAD, float32 BAD by 2.5, float16 GOOD by 0.25',
        f"python -m pytest --edge-subject=mini.toml '{DROP_TEST}'",
    ):
        assert text in text_shown
    assert described.evaluate("(body) => body.scrollWidth <= body.clientWidth"), (
        "the description is wider than its frame"
    )
    visited.shoot("failed-test")
    assert visited.outside == []
    assert visited.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_page_lists_the_planted_faults_of_each_gate(
    page_file: Path, visit, viewport: dict[str, int], scheme: str
) -> None:
    visited = visit(page_file.as_uri(), scheme, viewport)
    section = visited.page.locator("#edgeproof-faults")
    assert section.get_by_role("searchbox").is_hidden(), "the list of planted faults is not folded"
    visited.page.get_by_text("Can each gate fail?").first.click()
    assert section.locator("tbody").count() == 3
    gate = section.locator("tbody", has_text=DROP_GATE)
    caught, never = gate.locator("tr").all_inner_texts()[1:]
    for text in ("classes that quantization permutes", "turned red", "accuracy_drop of <float16>"):
        assert text in caught
    assert "weights that are not numbers" in never
    assert "not planted here yet" in never
    assert visited.page.evaluate(WIDE) == []
    assert visited.page.evaluate(CUT) == []
    name = f"planted-faults-{'phone' if viewport is PHONE else 'desk'}-{scheme}"
    visited.shoot(name)
    assert visited.outside == []
    assert visited.errors == []


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("permutes", ["classes that quantization permutes"]),
        ("suites/accuracy/test_accuracy_drop.py::test_drop[host-float16]",
         ["classes that quantization permutes", "weights that are not numbers"]),
        ("test_flatbuffer_bytes COMPILER", ["a file for a board"]),
        ("nothing like it", []),
    ],
    ids=["fault", "test", "gate_and_fault", "nothing"],
)  # fmt: skip
def test_planted_faults_can_be_searched(
    page_file: Path, visit, words: str, rows: list[str]
) -> None:
    visited = visit(page_file.as_uri())
    visited.page.get_by_text("Can each gate fail?").first.click()
    section = visited.page.locator("#edgeproof-faults")
    section.get_by_role("searchbox").fill(words)
    cells = section.locator("tbody tr:visible td:first-child").all_inner_texts()
    assert [text.splitlines()[0].strip() for text in cells] == rows
    count = "1 fault" if len(rows) == 1 else f"{len(rows)} faults"
    assert section.locator("output").inner_text() == count
    assert section.locator("tbody:visible").count() == bool(rows)


def test_gate_in_the_fault_list_links_to_its_test(page_file: Path, visit) -> None:
    visited = visit(page_file.as_uri())
    visited.page.get_by_text("Can each gate fail?").first.click()
    gate = visited.page.locator("#edgeproof-faults tbody", has_text=DROP_GATE)
    gate.get_by_text("Show the test").click()
    described = visited.page.frame_locator("#app iframe").locator("body")
    described.get_by_text("Shown to fail for").wait_for()
    assert visited.page.locator("#edgeproof").is_hidden()


def test_pictures_are_attached_to_their_tests(page_file: Path, visit) -> None:
    visited = visit(page_file.as_uri())
    visited.page.get_by_text("Show the test").first.click()
    attached = visited.page.locator("#app")
    for title in (
        "Size, accuracy and time",
        "Accuracy lost by each scheme",
        "Error of each operator",
    ):
        attached.get_by_text(f"{title}: mini on host").last.click()
        visited.page.wait_for_function(DRAWN)
    visited.shoot("attached-pictures")
    assert visited.outside == []


@pytest.mark.parametrize(
    ("place", "texts"),
    [
        ("metrics", ["Performance metrics", "float16: latency_p90", "1.4 ms"]),
        ("categories", ["Accuracy regression", "Inconclusive", "Not conforming"]),
        ("qualityGate", ["environmentsTested", "jetson"]),
        ("globalAttachments", ["results.json: mini on rpi4", "scoreboard.csv: mini on host"]),
        ("/", ['Environment: "host"', 'Environment: "rpi4"']),
    ],
    ids=["metrics", "categories", "quality_gate", "files", "tests"],
)
def test_each_allure_page_of_the_report_is_displayed(
    page_file: Path, visit, place: str, texts: list[str]
) -> None:
    visited = visit(f"{page_file.as_uri()}#{place}")
    for text in texts:
        visited.page.locator("#app").get_by_text(text).first.wait_for()
    assert visited.page.locator("#edgeproof").is_hidden()
    visited.shoot(place.strip("/") or "tests")
    assert visited.outside == []
    assert visited.errors == []


def test_tests_of_two_devices_are_not_merged_as_retries(page_file: Path, visit) -> None:
    visited = visit(f"{page_file.as_uri()}#/")
    visited.page.get_by_text('Environment: "rpi4"').wait_for()
    total = visited.page.locator("#app").get_by_text("Total").locator("xpath=..").first
    assert str(2 * len(endings())) in total.inner_text(), (
        "Allure shows some tests as retries of others"
    )


def test_tests_of_two_runs_on_one_device_are_not_merged_as_retries(
    tmp_path: Path, page_file: Path, visit
):
    assert page_file, "Allure is not installed"
    commits = [letter * 40 for letter in "ab"]
    runs = [write_run(tmp_path / commit, "host", commit=commit) for commit in commits]
    page, gate = html.draw_report(runs, tmp_path / "html", required=("host",))
    assert [rule["success"] for rule in gate] == [True, True]
    visited = visit(page.as_uri())
    visited.page.get_by_text("Every test").wait_for()
    assert visited.page.locator("#edgeproof h1").all_inner_texts() == [
        f"mini on host, commit {commit[:9]}: not fit to ship, 2 gates failed" for commit in commits
    ]
    visited.page.goto(f"{page.as_uri()}#/")
    total = visited.page.locator("#app").get_by_text("Total").locator("xpath=..").first
    assert str(2 * len(endings())) in total.inner_text(), (
        "Allure shows some tests as retries of others"
    )
    for commit in commits:
        visited.page.get_by_text(f'Environment: "host, commit {commit[:9]}"').wait_for()
    visited.page.goto(f"{page.as_uri()}#metrics")
    for commit in commits:
        visited.page.locator("#app").get_by_text(
            f"ini on host, commit {commit[:9]}"
        ).first.wait_for()
    visited.shoot("two-commits")


def test_data_embedded_in_the_page_is_compressed(page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    assert files_of(text) == {}
    assert len(text) < LARGEST


def test_attachment_in_the_report_loads_no_external_resource(page_file: Path, visit) -> None:
    visited = visit(page_file.as_uri())
    visited.page.evaluate(SHOW, SPY)
    visited.page.frame_locator("#spy").get_by_text("attached").wait_for()
    visited.page.wait_for_timeout(500)
    assert visited.outside == []


def test_detects_page_with_an_external_resource(tmp_path: Path, visit) -> None:
    (tmp_path / "spy.html").write_text(SPY)
    assert "https://spy.example/x.png" in visit((tmp_path / "spy.html").as_uri()).outside
