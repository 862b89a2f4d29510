"""Run programs that import TensorFlow, which pytest does not."""

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
    """Run a program of the checkout to its end, whatever that is.

    Args:
        script: the program.
        arguments: of its command line.
        variables: of its environment, on top of this one's.
    """
    return _run(script, *arguments, **variables)


def printed_by(script: Path, *arguments: object, **variables: str) -> str:
    """Return the output of a program that has to succeed; arguments as of `run_script`."""
    done = run_script(script, *arguments, **variables)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def run_builder(folder: Path, subject: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the builder to its end, whatever that is; its store is `store` in the folder.

    Args:
        folder: where the subject's file is written, and the store.
        subject: the text of that file.
        options: of the builder, beside the store.
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
