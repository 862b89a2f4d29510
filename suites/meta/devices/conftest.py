"""What the tests of the devices room share: recorded sensor trees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

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
