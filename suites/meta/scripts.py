"""Run programs that import TensorFlow in separate processes, because pytest does not import it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from models.store import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def run_script(
    script: Path, *arguments: object, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of the checkout to its end, and return its result even if it fails.

    Args:
        script: path of the program.
        arguments: arguments of its command line.
        variables: environment variables, in addition to those of this process.
    """
    return _run(script, *arguments, **variables)


def printed_by(script: Path, *arguments: object, **variables: str) -> str:
    """Return the output of a program that must succeed; see `run_script` for the arguments."""
    done = run_script(script, *arguments, **variables)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def run_builder(folder: Path, subject: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the builder to its end, with its store in `folder/store`; it may fail.

    Args:
        folder: folder for the subject's file and the store.
        subject: text of the subject's file.
        options: other options of the builder.
    """
    file = folder / "subject.toml"
    file.write_text(subject)
    return _run("-m", "models.build", file, "--cache-dir", folder / "store", *options)


def _run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHONPATH": str(PROJECT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=PROJECT,
        env={**os.environ, **paths, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
