"""Draw the HTML report: `python -m reports.html [RUN ...] [--out DIR]`.

The report is one file that opens from disk and loads nothing from a network. A RUN is a folder with
a run's `results.json` and `allure-results/`; several runs (a host, an emulated device, boards)
become one report, in which each device is an environment.

Exit codes: 0 drawn; 1 the quality gate is broken, or Allure, npm or the disk failed; 4 usage, such
as no results yet.
"""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.command_line import Parser, path, run_command
from models.errors import EdgeproofError
from models.escaping import one_line
from models.files.regular_files import write_whole
from models.files.unfinished_files import scratch_folder
from reports.documents.runs import ALLURE_RESULTS, FAULTS, OUT, RESULTS, read_runs, survey, test_id
from reports.page import allure
from reports.page.offline import external_loads, keep_to_itself
from reports.page.packing import files_of, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.documents.faults import PlantedFault
    from reports.documents.runs import Run, Survey

DEFAULT_HTML = OUT / "html"
DEFAULT_FAULTS = OUT / FAULTS
_TEST = re.compile(r"data/test-results/(\w+)\.json")


def draw_report(
    folders: list[Path],
    out: Path,
    *,
    min_tests: int = 1,
    required: tuple[str, ...] = (),
    faults: Sequence[PlantedFault] | None = None,
) -> tuple[Path, list[dict[str, Any]]]:
    """Draw `out`/index.html from the folders of runs.

    The history, from which trends are drawn, is stored beside `out` as history.jsonl.

    Args:
        folders: folders of runs, each with results.json and allure-results.
        out: folder of the page.
        min_tests: for the quality gate: the smallest number of tests.
        required: for the quality gate: devices that must have been tested.
        faults: the planted faults of each gate; None if they are unknown.

    Returns:
        The path of the page, and the result of each rule of the quality gate: rule, success and
        message.

    Raises:
        UsageMistake: a folder contains no results.
        EdgeproofError: Allure cannot be installed, or fails; the disk is full.
    """
    runs = read_runs(folders)
    surveyed = survey(runs)
    for run in runs:
        for file in run.unreadable:
            _say(f"this test result cannot be read, and is left out: {file}")
    if not allure.is_installed():
        _say(f"installing Allure {allure.version()} into {allure.folder()} (once)")
    _say(
        f"drawing {surveyed.tests} tests on {len(surveyed.environments) or 'unnamed'} device(s): "
        f"{'; '.join(sorted(surveyed.environments)) or '-'}"
    )
    rules: dict[str, Any] = {"minTestsCount": min_tests}
    if required:
        environments = (surveyed.of_device.get(device, [device]) for device in required)
        rules["environmentsTested"] = [name for names in environments for name in names]
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "index.html").unlink(missing_ok=True)  # after a failure no old report may remain
        return _draw(runs, surveyed, out, rules, faults)
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})",
            file=out,
            remedy="Free space on its disk, or give another folder with --out",
        ) from None


def _draw(
    runs: list[Run],
    surveyed: Survey,
    out: Path,
    rules: dict[str, Any],
    faults: Sequence[PlantedFault] | None,
) -> tuple[Path, list[dict[str, Any]]]:
    from reports.page.staging import draw, stage  # noqa: PLC0415 - imports numpy, after usage mistakes are reported
    from reports.page.summary import Shown, put_first  # noqa: PLC0415 - likewise

    history, name = out.parent / "history.jsonl", _run_name(surveyed.began)
    _forget(history, name)
    facts = {
        "history": str(history),
        "run": name,
        "environments": surveyed.environments,
        "gate": rules,
    }
    drawn = [draw(run) for run in runs]
    with scratch_folder(".drawing-", out) as scratch:
        staged = [Path(scratch, f"run-{number}") for number in range(len(runs))]
        for run, folder, pictures in zip(runs, staged, drawn, strict=True):
            stage(run, folder, pictures, faults or ())
        gate = allure.draw(staged, Path(scratch, "html"), facts)
        page = Path(scratch, "html", "index.html")
        text = page.read_text(encoding="utf-8")
        shown_runs = [
            Shown(run.document, pictures, _links(text, run.environments))
            for run, pictures in zip(runs, drawn, strict=True)
            if run.document is not None
        ]
        text = put_first(text, shown_runs, gate=gate, faults=faults)
        text = keep_to_itself(text)
        loads = external_loads(text)  # must come before packing, which hides addresses
        page.write_text(pack(text), encoding="utf-8")
        page.replace(out / "index.html")
    for address in loads:
        _say(f"the report contains an external address, which its policy blocks: {address}")
    return out / "index.html", gate


def _links(page: str, environments: dict[str, str]) -> dict[str, str]:
    """Return the address in Allure's page for each test of a run, by the test's id."""
    addresses = {}
    for name, content in files_of(page).items():
        if drawn := _TEST.fullmatch(name):
            test = json.loads(content)
            if test.get("environment") in environments.values():
                addresses[test_id(test)] = f"#{drawn[1]}"
    return addresses


def _run_name(began: float) -> str:
    """Return the title of the report, which the history uses as the run's name."""
    moment = datetime.fromtimestamp(began / 1000, UTC).replace(tzinfo=None)
    return f"edgeproof, run of {moment.isoformat(' ', 'milliseconds')} UTC"


def _forget(history: Path, run: str) -> None:
    """Remove a run from the history, so that drawing it again does not count it twice."""
    if not history.exists():
        return
    lines = history.read_text(encoding="utf-8").splitlines(keepends=True)
    others = [line for line in lines if not line.isspace() and _run_of(line) != run]
    if len(others) < len(lines):
        with write_whole(history) as file:
            file.write("".join(others).encode())


def _run_of(line: str) -> str | None:
    try:
        return str(json.loads(line)["name"])
    except (ValueError, KeyError, TypeError):
        return None


def main(arguments: list[str] | None = None) -> int:
    """Draw the report that the command line requests; return the exit code."""
    started = time.monotonic()
    try:
        options = _parser().parse_args(arguments)
        page, gate = draw_report(
            options.runs or [OUT],
            options.out,
            min_tests=options.min_tests,
            required=tuple(options.require),
            faults=_planted(options.faults),
        )
    except EdgeproofError as error:
        _say(f"error: {error}")
        return error.exit_code
    size, seconds = page.stat().st_size / 1e6, time.monotonic() - started
    _say(f"{page}: {size:.1f} MB in {seconds:.1f} s; open it in any browser")
    broken = [rule["message"] for rule in gate if not rule["success"]]
    for message in broken:
        _say(f"quality gate broken: {message}")
    return EdgeproofError.exit_code if broken else 0


def _planted(file: Path | None) -> list[PlantedFault] | None:
    """Return the planted faults of each gate.

    Return None if no file is given and the default file does not exist.
    """
    from reports.documents.faults import read_faults  # noqa: PLC0415 - imports msgspec, which only drawing needs

    if file is None and not DEFAULT_FAULTS.exists():
        return None
    return read_faults(file or DEFAULT_FAULTS)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m reports.html",
        description="Draw one HTML file from one or several runs.",
        epilog="exit codes: 0 drawn; 1 the quality gate is broken, or Allure, npm or the disk "
        "failed; 4 usage",
    )
    parser.add_argument(
        "runs",
        type=path,
        nargs="*",
        metavar="RUN",
        help=f"folders of runs, each with {RESULTS} and {ALLURE_RESULTS}/ (default: {OUT})",
    )
    parser.add_argument(
        "--out",
        type=path,
        default=DEFAULT_HTML,
        metavar="DIR",
        help="the folder to write index.html into (default: %(default)s)",
    )
    parser.add_argument(
        "--min-tests",
        type=int,
        default=1,
        metavar="N",
        help="quality gate: the smallest number of tests (default: %(default)s)",
    )
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="DEVICE",
        help="quality gate: a device that must have been tested; repeat the option for "
        "more devices",
    )
    parser.add_argument(
        "--faults",
        type=path,
        metavar="FILE",
        help="the table of planted faults that `tox -e meta` writes (default: "
        f"{DEFAULT_FAULTS}, if it exists)",
    )
    return parser


def _say(line: str) -> None:
    print(one_line(f"report: {line}"), file=sys.stderr, flush=True)  # noqa: T201 - a command reports its progress


if __name__ == "__main__":
    sys.exit(run_command(main))
