"""Define fixtures that several folders of tests share, and that are made once per session."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from filelock import FileLock

from suites.meta.gates import miniature as mini
from suites.meta.gates.running import PytestRun, run

# Environment variable with the folder that keeps the miniature between runs, for developers of
# these tests.
KEPT = "EDGEPROOF_META_FOLDER"
# Subfolder for the baselines that the clean run writes.
BASELINES = "baselines"


@pytest.fixture(scope="session")
def shared_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of this session that all workers of xdist share."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if hasattr(request.config, "workerinput") else base
    folder = Path(os.environ.get(KEPT, root / "shared"))
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def miniature(shared_folder: Path) -> mini.Miniature:
    """Return the miniature subject with all artefacts built."""
    built = mini.Miniature(shared_folder / "files", shared_folder / "store")
    with FileLock(shared_folder / "files.lock"):
        if not built.corpus.exists():
            mini.make_files(built.folder)
        # The store's own locks would be enough, but with this lock only one process builds while
        # the others wait.
        mini.build(built)
    return built


@pytest.fixture(scope="session")
def clean_run(miniature: mini.Miniature, shared_folder: Path) -> PytestRun:
    """Return a run of every gate on the miniature without faults, which wrote baselines."""
    pickled = shared_folder / "clean_run.pickle"
    with FileLock(shared_folder / "clean_run.lock"):
        if not pickled.exists():
            baselines = f"--edge-baseline={shared_folder / BASELINES}"
            arguments = [baselines, "--edge-update-baseline", "--edge-kernel-coverage"]
            first_run = run(miniature, shared_folder / "clean_run", arguments=arguments)
            pickled.write_bytes(pickle.dumps(first_run))
        outcome: PytestRun = pickle.loads(pickled.read_bytes())  # noqa: S301 - a trusted file, written above
    return outcome


@pytest.fixture(scope="session")
def clean_baselines(clean_run: PytestRun, shared_folder: Path) -> Path:
    """Return the folder of the baselines written by the clean run."""
    assert clean_run.code == 0, clean_run.output
    return shared_folder / BASELINES
