"""The files that git tracks."""

from __future__ import annotations

import subprocess

import pytest

from models.store import PROJECT


def tracked_texts() -> dict[str, str]:
    """Return the text of every tracked file, by its path; skip the test where git tracks none."""
    if not (PROJECT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the user's own git, wherever it is
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [PROJECT / name for name in listed.stdout.split("\0") if name]
    return {
        str(file.relative_to(PROJECT)): file.read_text(encoding="utf-8", errors="replace")
        for file in files
        if file.is_file()
    }
