"""Drawing the HTML report: `python -m reports.html [--results DIR ...] [--out DIR]`.

One file that opens from disk and asks nothing of any network. Several result folders (a host, an
emulated device, boards) become one report in which each device is an environment.

Exit codes: 0 drawn; 1 Allure, npm or the disk failed; 4 usage, such as no results yet.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from models.errors import EdgeproofError, UsageMistake
from reports import allure
from reports.offline import external_loads, keep_to_itself

OUT = Path(__file__).parent / "out"
DEFAULT_RESULTS = OUT / "allure-results"
DEFAULT_HTML = OUT / "html"


@dataclass
class Found:
    """What the result folders hold: tests, when the first began, what is known of each device."""

    tests: int = 0
    began: float = math.inf  # milliseconds since 1970
    devices: dict[str, dict[str, str]] = field(default_factory=dict)


def draw_report(results: list[Path], out: Path) -> Path:
    """Draw `out`/index.html from folders of Allure results, and return it.

    The history behind the trends is kept beside `out`, as history.jsonl.

    Raises:
        UsageMistake: a folder is missing or holds no results.
        EdgeproofError: Allure cannot be installed, or draws nothing; the disk is full.
    """
    found = survey(results)
    page = out / "index.html"
    if not allure.is_installed():
        _say(f"installing Allure {allure.version()} into {allure.folder()} (once)")
    try:
        out.mkdir(parents=True, exist_ok=True)
        page.unlink(missing_ok=True)  # a failure must not leave the last report looking new
        _say(
            f"drawing {found.tests} tests on {len(found.devices) or 'unnamed'} device(s): "
            f"{', '.join(sorted(found.devices)) or '-'}"
        )
        with tempfile.TemporaryDirectory(dir=out, prefix=".drawing-") as scratch:
            history = out.parent / "history.jsonl"
            run = _run_name(found.began)
            _forget(history, run)
            facts = {"history": str(history), "run": run, "devices": found.devices}
            allure.draw(results, Path(scratch), facts)
            drawn = Path(scratch) / "index.html"
            text = keep_to_itself(drawn.read_text(encoding="utf-8"))
            drawn.write_text(text, encoding="utf-8")
            drawn.replace(page)
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})",
            file=out,
            remedy="Free space there, or name another folder with --out",
        ) from None
    for address in external_loads(text):
        _say(f"named in the report, and blocked by its policy: {address}")
    return page


def survey(folders: list[Path]) -> Found:
    """Count the results in `folders`, and gather what is known of their devices.

    Raises:
        UsageMistake: a folder is missing, or there are no results.
    """
    found = Found()
    for folder in folders:
        if not folder.is_dir():
            raise UsageMistake(
                "no results yet", file=folder, remedy="Run `tox -e host` first: it writes them"
            )
        for file in sorted(folder.glob("*-result.json")):
            _count(file, found)
        _describe_device(folder.parent / "results.json", found)
    if not found.tests:
        raise UsageMistake(
            "holds no results yet",
            file=", ".join(map(str, folders)),
            remedy="Run `tox -e host` first: it writes them",
        )
    return found


def _count(file: Path, found: Found) -> None:
    """Count one result; a killed run can leave one half-written, which Allure leaves out too."""
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        began = float(result["start"])
        devices = [label["value"] for label in result["labels"] if label["name"] == "device"]
    except (OSError, ValueError, KeyError, TypeError):
        _say(f"left out, as it cannot be read: {file}")
        return
    found.tests += 1
    found.began = min(found.began, began)
    for device in devices:
        found.devices.setdefault(device, {})


def _describe_device(file: Path, found: Found) -> None:
    """Take what the run's results.json says of its device, where there is one."""
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        device = str(document["device"]["name"])
        facts = {
            "subject": document["subject"]["name"],
            "run": document["run"]["started"],
            "edgeproof": document["run"]["version"],
            "emulated": "yes" if document["device"]["emulated"] else "no",
        }
        plain = {
            name: value
            for name, value in document["circumstances"].items()
            if isinstance(value, (str, int, float))
        }
    except (OSError, ValueError, KeyError, TypeError):
        return  # the report is drawn from Allure's results; this only adds to it
    if device in found.devices:
        found.devices[device] = {name: str(value) for name, value in (plain | facts).items()}


def _run_name(began: float) -> str:
    """What the report is titled and the history knows the run by."""
    moment = datetime.fromtimestamp(began / 1000, UTC).replace(tzinfo=None)
    return f"edgeproof, run of {moment.isoformat(' ', 'milliseconds')} UTC"


def _forget(history: Path, run: str) -> None:
    """Take a run out of the history, so that drawing it again does not count it twice."""
    if not history.exists():
        return
    lines = history.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.isspace() and _run_of(line) != run]
    if len(kept) < len(lines):
        scratch = history.with_suffix(".tmp")
        scratch.write_text("".join(kept), encoding="utf-8")
        scratch.replace(history)


def _run_of(line: str) -> str | None:
    try:
        return str(json.loads(line)["name"])
    except (ValueError, KeyError, TypeError):
        return None


def main(arguments: list[str] | None = None) -> int:
    """Draw the report as the command line asks; return the exit code."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    try:
        page = draw_report(options.results or [DEFAULT_RESULTS], options.out)
    except EdgeproofError as error:
        _say(f"error: {error}")
        return error.exit_code
    size, seconds = page.stat().st_size / 1e6, time.monotonic() - started
    _say(f"{page}: {size:.1f} MB in {seconds:.1f} s; open it in any browser")
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with edgeproof's code for usage errors, which is not argparse's."""
        self.print_usage(sys.stderr)
        self.exit(UsageMistake.exit_code, f"report: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m reports.html",
        description="Draw one HTML file from one or several runs.",
        epilog="exit codes: 0 drawn; 1 Allure, npm or the disk failed; 4 usage",
    )
    parser.add_argument(
        "--results",
        type=Path,
        nargs="+",
        metavar="DIR",
        help=f"folders of Allure results, one per run (default: {DEFAULT_RESULTS})",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_HTML,
        metavar="DIR",
        help="folder for index.html (default: %(default)s)",
    )
    return parser


def _say(line: str) -> None:
    print(f"report: {line}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


if __name__ == "__main__":
    sys.exit(main())
