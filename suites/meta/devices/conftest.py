"""What the tests of the devices room share: recorded sensor trees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from suites.meta.gates.running import run
from suites.meta.gates.sharing import miniature, shared_folder

__all__ = ["miniature", "shared_folder"]
# What judges a variant right, on the main runtime and on others.
JUDGING = ("suites/accuracy/test_accuracy_floor.py", "suites/agreement", "suites/runtimes")
TREES = Path(__file__).parent / "trees"


@pytest.fixture
def tree(tmp_path):
    """A function that copies a board's tree and changes files in it: `tree(name, {path: text})`."""

    def copy(name, changes=None):
        root = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(TREES / name, root)
        for path, text in (changes or {}).items():
            file = root / path.lstrip("/")
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        return root

    return copy


@pytest.fixture(scope="session")
def bundle(miniature, shared_folder):
    """The miniature's bundle, exported by a run that judged it."""
    file = shared_folder / "mini.edge"
    with FileLock(shared_folder / "bundle.lock"):
        if not file.exists():
            exported = run(
                miniature, shared_folder / "export", JUDGING, [f"--edge-export-bundle={file}"]
            )
            assert file.is_file(), exported.output
    return file
