"""Limit PyTorch to one thread, and share trained models among the processes of a session.

Tests run in parallel, and PyTorch's threads would use the cores while they wait for each other.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from models.store import Store
from suites.meta.gates.miniature import Miniature
from suites.meta.gates.sharing import shared_folder
from suites.meta.huggingface import small
from suites.meta.huggingface.building import build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["shared_folder"]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Give PyTorch one thread, if it is installed."""
    if find_spec("torch") is not None:
        import torch  # noqa: PLC0415 - slow to import

        torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def trained(shared_folder: Path) -> Callable[[str], Miniature]:
    """Return `trained(name)`, which fine-tunes and converts a family's encoder once per session."""

    def made(name: str) -> Miniature:
        folder = shared_folder / name.replace(", ", "-")
        mini, built = Miniature(folder, folder / "store"), folder / "built"
        with FileLock(f"{folder}.lock"):
            if not built.exists():
                # Delete the remains of a failed build.
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                small.make_encoder(name, folder / "encoder")
                small.write_texts(mini.corpus)
                small.write_subject(
                    mini.subject, folder / "encoder", small.TRAINING, max_tokens=small.TOKENS
                )
                build(mini.subject, mini.corpus, Store(mini.store))
                built.touch()
        return mini

    return made
