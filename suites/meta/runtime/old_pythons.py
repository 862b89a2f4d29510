"""Find a CPython 3.8, the version of old boards, on this machine; install a runtime for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# The last versions that have wheels for CPython 3.8.
PACKAGES = ("numpy==1.24.4", "tflite-runtime==2.14.0", "tokenizers==0.20.3")


def python38() -> str | None:
    """Return the path of a CPython 3.8 that starts; None if there is none.

    Some version managers put a program `python3.8` on PATH that does not start.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which("python3.8"), *map(str, pyenv.glob("versions/3.8*/bin/python3.8"))]
    for candidate in filter(None, candidates):
        if not subprocess.run([candidate, "-V"], check=False, capture_output=True).returncode:
            return candidate
    return None


def with_runtime(python: str, folder: Path) -> Path:
    """Make a virtual environment with a runner's packages; return its interpreter.

    Args:
        python: path of a CPython 3.8.
        folder: folder to make.

    Raises:
        RuntimeError: pip cannot install the packages; contains its last line.
    """
    subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True)
    interpreter = folder / "bin" / "python"
    command = [
        str(interpreter),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary=:all:",
        *PACKAGES,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return interpreter
