"""Stands in for tox where the documentation says `python -m tox`: no environment is installed.

Runs the commands of tox.ini's environment with the interpreter that this one is, so that a page's
command line is executed as it is written. It lies in a folder of its own on PYTHONPATH.
"""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

_REFERENCE = re.compile(r"\{\[([^\]]+)\]([^}]+)\}")


def commands_of(environment: str, given: list[str]) -> list[list[str]]:
    """The commands of an environment, its references resolved."""
    ini = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=None)
    ini.read(Path("tox.ini"), encoding="utf-8")
    section = f"testenv:{environment}"
    if section not in ini:
        sys.exit(f"tox: no environment is called {environment!r}")
    found = []
    for line in ini[section]["commands"].strip().splitlines():
        if line.lstrip().startswith("#"):
            continue
        text = _REFERENCE.sub(lambda match: ini[match[1]][match[2]], line)
        text = text.replace("{posargs}", shlex.join(given)).replace("{env_name}", environment)
        found.append(shlex.split(text))
    return found


def main(arguments: list[str]) -> int:
    """Run `-e ENV [-- ARGUMENTS]`; the first code that is not 0 is the answer."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    flag, environment = arguments[:split]
    if flag != "-e":
        sys.exit(f"tox: {flag!r} is not understood here")
    for program, *words in commands_of(environment, arguments[split + 1 :]):
        command = [sys.executable, *words] if program == "python" else [program, *words]
        code = subprocess.run(command, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
