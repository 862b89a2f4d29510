"""Stands in for node where it is not installed: what Allure would draw is an empty page.

All else of `python -m reports.html` runs as it is. It lies in a folder of its own on PYTHONPATH;
the real Allure is for suites/meta/reports/test_html_browser.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

GATE = [{"rule": "minTestsCount", "success": True, "message": "not counted"}]


def npm(arguments: list[str], **_: Any) -> CompletedProcess[str]:
    """Install nothing where `npm ci --prefix FOLDER` would install Allure."""
    entry = Path(arguments[arguments.index("--prefix") + 1], "node_modules", "allure", "cli.js")
    entry.parent.mkdir(parents=True)
    entry.touch()
    return CompletedProcess(arguments, 0, stdout="")


def node(arguments: list[str], **_: Any) -> CompletedProcess[str]:
    """Draw an empty page where `node draw.mjs ALLURE CONFIG OUTPUT RESULTS...` would draw one."""
    _, _, _, output, *results = map(Path, arguments)
    if not all(any(folder.glob("*-result.json")) for folder in results):
        return CompletedProcess(arguments, 1, stdout="no results")
    output.mkdir()
    page = "<html><head></head><body></body></html>"
    (output / "index.html").write_text(page, encoding="utf-8")
    return CompletedProcess(arguments, 0, stdout=json.dumps(GATE))
