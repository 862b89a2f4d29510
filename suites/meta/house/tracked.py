"""Read the files that git tracks."""

from __future__ import annotations

import subprocess

import pytest

from models.store import PROJECT


def tracked_texts() -> dict[str, str]:
    """Return the texts of all tracked files by path; skip the test if this is no git checkout."""
    if not (PROJECT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - git on PATH
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
