"""Replace tox in documented commands, without installing environments.

This module runs the commands of an environment in tox.ini with the current interpreter, so a page's
command line is executed unchanged. It is copied to a separate folder on PYTHONPATH.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

_REFERENCE = re.compile(r"\{\[([^\]]+)\]([^}]+)\}")


def commands_of(environment: str, positional: list[str], **places: str) -> list[list[str]]:
    """Return the commands of an environment with its references resolved.

    Args:
        environment: name of the environment.
        positional: arguments after the double dash.
        places: replacements for tox's names of folders, if the checkout is elsewhere.
    """
    ini = _ini(places)
    section = f"testenv:{environment}"
    if section not in ini:
        sys.exit(f"tox: no environment is called {environment!r}")
    commands = []
    for line in ini[section]["commands"].strip().splitlines():
        if line.lstrip().startswith("#"):
            continue
        text = line
        while _REFERENCE.search(text):
            text = _REFERENCE.sub(lambda match: ini[match[1]][match[2]], text)
        for name, value in (_values(environment, positional) | places).items():
            text = text.replace(f"{{{name}}}", value)
        commands.append(shlex.split(text))
    return commands


def search_path_of(environment: str, **places: str) -> str | None:
    """Return the PYTHONPATH of an environment's commands; None if it sets none."""
    for line in _ini(places)[f"testenv:{environment}"].get("set_env", "").splitlines():
        name, _, value = (part.strip() for part in line.partition("="))
        if name == "PYTHONPATH":
            root = Path(places.get("tox_root", ".")).resolve()
            return value.replace("{tox_root}", str(root))
    return None


def _ini(places: dict[str, str]) -> configparser.ConfigParser:
    ini = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=None)
    ini.read(Path(places.get("tox_root", "."), "tox.ini"), encoding="utf-8")
    return ini


def _values(environment: str, positional: list[str]) -> dict[str, str]:
    """Return the values of tox's and toxfile.py's substitutions."""
    return {
        "posargs": shlex.join(positional),
        "env_name": environment,
        "env_dir": f".tox/{environment}",
        "tox_root": ".",
        "results": "reports/out",
    }


def main(arguments: list[str]) -> int:
    """Run `[-c INI] -e ENV [-- ARGUMENTS]`; return the first non-zero exit code."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options, places = dict(zip(arguments[:split:2], arguments[1:split:2], strict=True)), {}
    if not {"-e"} <= set(options) <= {"-c", "-e"}:
        sys.exit(f"tox: {arguments[:split]} is not understood here")
    if "-c" in options:
        root = str(Path(options["-c"]).resolve().parent)
        places = {"tox_root": root, "results": str(Path.cwd() / "edgeproof-results")}
    # The replacements for other programs are found through this process's PYTHONPATH.
    paths = [search_path_of(options["-e"], **places), os.environ.get("PYTHONPATH")]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    for program, *words in commands_of(options["-e"], arguments[split + 1 :], **places):
        command = [sys.executable, *words] if program == "python" else [program, *words]
        code = subprocess.run(command, check=False, env=variables).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
