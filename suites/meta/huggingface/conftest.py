"""PyTorch on one thread: tests run side by side, and threads that wait for each other spin."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from models.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Give PyTorch one thread, if it is installed."""
    if find_spec("torch") is not None:
        import torch  # noqa: PLC0415 - seconds to import

        torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "store")
