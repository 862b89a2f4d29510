"""Provide tiny FlatBuffers of every scheme, and their reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.flatbuffers.inspect import inspect
from suites.meta.tiny_models import make_tiny_models

if TYPE_CHECKING:
    from pathlib import Path

    from models.flatbuffers.structure import FlatBufferReport


@pytest.fixture(scope="session")
def tiny_models() -> dict[str, Path]:
    """Return the tiny FlatBuffers by name."""
    pytest.importorskip(
        "tensorflow", reason="making FlatBuffers needs TensorFlow", exc_type=ImportError
    )
    return make_tiny_models()


@pytest.fixture(scope="session")
def reports(tiny_models: dict[str, Path]) -> dict[str, FlatBufferReport]:
    """Return the reports of `inspect` on these FlatBuffers, by name."""
    return {name: inspect(path) for name, path in tiny_models.items()}
