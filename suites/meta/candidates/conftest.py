"""Write small files for the tests of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suites.meta.small_classifiers import classifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return `write(names=("ids",))`, which writes a small classifier and returns its path."""

    def written(**shape: Any) -> Path:
        path = tmp_path / "given.tflite"
        path.write_bytes(classifier(**shape))
        return path

    return written
