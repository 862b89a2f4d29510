"""Share sensor trees, boards, fleets and a bundle among the tests of devices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from models.store import PROJECT
from suites.meta.devices.boards import Board, write_client
from suites.meta.gates.running import environment, run
from suites.meta.gates.sharing import miniature, shared_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from suites.meta.gates.miniature import Miniature

__all__ = ["miniature", "shared_folder"]
# Gates that check whether a variant's answers are correct, on the judged backend and on others.
JUDGING = ("suites/accuracy/test_accuracy_floor.py", "suites/agreement", "suites/backends")
# Suites that take minutes and that the boards of a fleet therefore skip in these tests.
LEFT_OUT = ("suites/latency", "suites/memory", "suites/conformance")
TREES = Path(__file__).parent / "trees"


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Return `tree(name, {path: text})`, which copies a board's sensor files and changes some."""

    def copy(name: str, changes: dict[str, str | None] | None = None) -> Path:
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
def bundle(miniature: Miniature, shared_folder: Path) -> Path:
    """Return the miniature's bundle, exported by a run that judged it."""
    file = shared_folder / "mini.edge"
    with FileLock(shared_folder / "bundle.lock"):
        if not file.exists():
            exported = run(
                miniature, shared_folder / "export", JUDGING, [f"--edge-export-bundle={file}"]
            )
            assert file.is_file(), exported.output
    return file


@pytest.fixture
def boards(tmp_path: Path) -> Iterator[list[Board]]:
    """Start two boards; yield them, and stop them after the test."""
    started = [Board(tmp_path / name) for name in ("one", "two")]
    yield started
    for board in started:
        board.stop()


@pytest.fixture
def fleet(tmp_path: Path) -> Callable[..., tuple[int, str, Path]]:
    """Return `fleet(boards, bundle, *more)`, which judges boards with `models.fleet`.

    The command runs in a folder of its own, and its paths are relative to this folder. The function
    returns exit code, output and report folder.
    """

    def judged(boards: list[Board], bundle: Path, *more: str) -> tuple[int, str, Path]:
        client, caller = tmp_path / "client", tmp_path / "caller"
        for folder in (client, caller):
            folder.mkdir(exist_ok=True)
        deselected = [f"--deselect={room}" for room in LEFT_OUT]
        write_client(client / "ssh", boards)
        command = [sys.executable, "-P", "-m", "models.fleet"]
        command += [f"--bundle={os.path.relpath(bundle, caller)}"]
        command += ["--report-dir=fleet", *(board.target for board in boards), "--", *deselected]
        command += ["--edge-cache-dir=store", *more]
        # A module in the caller's folder must not be imported in place of an installed one.
        (caller / "msgspec.py").write_text("raise RuntimeError", encoding="utf-8")
        path = {"PATH": f"{client}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
        done = subprocess.run(
            command,
            cwd=caller,
            env={**environment(), **path},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        names = {entry.name for entry in caller.iterdir()}
        assert names <= {"fleet", "store", "msgspec.py", "own.toml"}, names
        return done.returncode, done.stdout + done.stderr, caller / "fleet"

    return judged
