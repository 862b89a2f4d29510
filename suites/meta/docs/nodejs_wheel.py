"""Stand in for node: Allure draws an empty page.

All else of `python -m reports.html` runs as it is. It lies in a folder of its own on PYTHONPATH;
the real Allure is for suites/meta/reports/test_html_browser.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

GATE = [{"rule": "minTestsCount", "success": True, "message": "not counted"}]


def npm(arguments: list[str]) -> int:
    """Install nothing where `npm ci --prefix FOLDER` would install Allure."""
    entry = Path(arguments[arguments.index("--prefix") + 1], "node_modules", "allure", "cli.js")
    entry.parent.mkdir(parents=True)
    entry.touch()
    return 0


def node(arguments: list[str]) -> int:
    """Draw an empty page where `node draw.mjs ALLURE CONFIG OUTPUT RESULTS...` would draw one."""
    _, _, _, output, *results = map(Path, arguments)
    if not all(any(folder.glob("*-result.json")) for folder in results):
        sys.stdout.write("no results")
        return 1
    output.mkdir()
    page = "<html><head></head><body></body></html>"
    (output / "index.html").write_text(page, encoding="utf-8")
    sys.stdout.write(json.dumps(GATE))
    return 0
