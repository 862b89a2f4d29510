"""Create a separate Python for a runtime: `python -m models.runtime.own_python tflite_runtime`.

The environment is created inside the running one, from the dependency group in pyproject.toml with
the runtime's name. An existing environment that fulfils the group's requirements is not changed.
"""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from filelock import FileLock

from models.backends.common.registry import find_backend
from models.command_line import Parser, complain, run_command
from models.errors import EdgeproofError, UsageMistake
from models.processes.programs import run
from models.runtime.available import distributions
from models.runtime.interpreters import own_folder, program_in
from models.store import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT = PROJECT / "pyproject.toml"
# File in the environment that records what the environment was made from.
CARD = "edgeproof.json"
_SECONDS_TO_START = 30.0
# Seconds to download a hundred megabytes of wheels over a slow network.
_SECONDS_TO_INSTALL = 1800.0
# --no-deps: the group names all packages that are needed. Further requirements of tokenizers are
# for downloading models.
_PIP = ("install", "--quiet", "--no-deps", "--only-binary=:all:")


def groups() -> dict[str, list[str]]:
    """Return the requirements of each runtime that has its own dependency group."""
    tables = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    by_runtime = {name: tables.get(distribution) for name, distribution in distributions().items()}
    return {name: requirements for name, requirements in by_runtime.items() if requirements}


def give_own_python(runtime: str, python: str = sys.executable) -> Path:
    """Create a runtime's own environment if it is missing or outdated; return its folder.

    Args:
        runtime: import name of the runtime.
        python: the interpreter for the environment.

    Raises:
        UsageMistake: the runtime is unknown, or has no wheel for this interpreter.
        EdgeproofError: the environment cannot be created; the message quotes pip.
    """
    if runtime not in groups():
        raise UsageMistake(
            f"{runtime!r} is not a runtime with its own dependency group",
            file=PYPROJECT,
            key="dependency-groups",
            remedy=f"Give one of {', '.join(groups())}",
        )
    requirements, identity = groups()[runtime], _identity(python)
    reason = find_backend(runtime).why_no_wheel(_read_version(identity["version"]))
    if reason is not None:
        raise UsageMistake(
            reason, key="--python", remedy="Give an older CPython, or run without this runtime"
        )
    card = {"python": identity, "requirements": requirements}
    folder = own_folder(runtime)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock"), timeout=2 * _SECONDS_TO_INSTALL):
            if _read_card(folder) != card:
                _make(folder, python, requirements)
                (folder / CARD).write_text(json.dumps(card, indent=2), encoding="utf-8")
    except OSError as error:
        raise EdgeproofError(
            f"the separate Python cannot be created in this folder ({error.strerror or error})",
            file=folder,
            remedy="Use a virtual environment that you may write to: python -m venv FOLDER",
        ) from None
    return folder


def _identity(python: str) -> dict[str, str]:
    """Return the installation folder and the version of an interpreter.

    All virtual environments of one installation have the same identity.
    """
    code = "import sys; print(sys.base_prefix, '%d.%d' % sys.version_info[:2], sep='\\n')"
    try:
        done = run([python, "-c", code], seconds=_SECONDS_TO_START, remedy="Give another Python")
        base, version = done.stdout.splitlines()
    except (EdgeproofError, ValueError):
        raise UsageMistake(
            "cannot be started as a Python",
            file=python,
            key="--python",
            remedy="Give another Python",
        ) from None
    return {"base": base, "version": version}


def _read_version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _read_card(folder: Path) -> object:
    try:
        return json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _make(folder: Path, python: str, requirements: list[str]) -> None:
    if find_spec("pip") is None:
        raise EdgeproofError(
            f"pip is missing: {sys.executable} needs it to install the runtime",
            remedy=f"Install pip for this Python: {sys.executable} -m ensurepip",
        )
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run([python, "-m", "venv", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--python", str(program_in(folder))]
        _run([*pip, *_PIP, *requirements])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run(command: list[str]) -> None:
    remedy = "Check the network and pip's index (`pip config list`), and run again"
    done = run(command, seconds=_SECONDS_TO_INSTALL, remedy=remedy)
    if done.code:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        raise EdgeproofError(
            f"the separate Python cannot be made ({' | '.join(errors[-2:])})",
            remedy=remedy,
        )


def main(arguments: list[str] | None = None) -> int:
    """Make the requested environment; return the exit code."""
    parser = Parser(prog="python -m models.runtime.own_python", description=__doc__)
    parser.add_argument("runtime", help=f"one of {', '.join(groups())}")
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="the Python for the new environment (default: this one)",
    )
    parser.add_argument(
        "--where-possible",
        action="store_true",
        help="print a message and exit with 0 if the runtime has no wheel for this Python",
    )
    try:
        options = parser.parse_args(arguments)
    except UsageMistake as mistake:
        return complain(mistake)
    if options.where_possible and options.runtime in groups():
        reason = find_backend(options.runtime).why_no_wheel(sys.version_info[:2])
        if reason is not None:
            sys.stdout.write(f"without {options.runtime}: {reason}\n")
            return 0
    try:
        folder = give_own_python(options.runtime, options.python)
    except EdgeproofError as error:
        return complain(error)
    sys.stdout.write(f"{options.runtime} is installed for {program_in(folder)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
