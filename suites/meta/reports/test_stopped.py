"""SIGTERM, SIGINT and SIGHUP stop the drawing of a report without leftover processes or files."""

from __future__ import annotations

from signal import SIGTERM

import pytest

from models.store import default_root
from suites.meta.devices.ended import OF_SIGNALS, after, end, moments, slow, while_running
from suites.meta.reports.browsing import require_allure
from suites.meta.reports.drawn import write_run

# Seconds in which most reports are finished.
LONGEST = 20.0
MOMENTS = moments("report", LONGEST)


@pytest.fixture
def end_report(tmp_path):
    """Return `end_report(number, moment)`, which sends a signal while a report is drawn."""
    require_allure()

    def ended(number, moment):
        runs = [write_run(tmp_path / "runs" / name, name) for name in ("host", "rpi4")]
        # A separate store, so that unfinished files of other runs are not counted as those of this
        # run.
        store, reports = tmp_path / "cache" / "edgeproof", tmp_path / "html"
        store.mkdir(parents=True)
        (store / "allure").symlink_to(default_root() / "allure")
        arguments = ["-m", "reports.html", *map(str, runs), f"--out={reports}"]
        cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        return end(
            tmp_path / "run",
            arguments,
            number,
            moment,
            store=store,
            reports=reports,
            variables=cache,
        )

    return ended


def test_drawing_subprocess_stops_if_the_report_command_is_stopped(end_report, tmp_path):
    ended = end_report(SIGTERM, while_running("draw.mjs", tmp_path))
    assert ended.code == 128 + SIGTERM, ended.output
    assert ended.left == []


@pytest.mark.parametrize(
    ("number", "seconds"), [*MOMENTS[:2], *(slow(*moment) for moment in MOMENTS[2:])]
)
def test_drawing_a_report_can_be_interrupted_at_any_moment(number, seconds, end_report, tmp_path):
    ended = end_report(number, after(seconds))
    assert ended.code in {0, *OF_SIGNALS}, ended.output
    assert ended.left == []
    # The page is either complete or missing.
    page = tmp_path / "html" / "index.html"
    assert not page.exists() or page.read_text("utf-8").rstrip().endswith("</html>")
