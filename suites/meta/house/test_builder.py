"""A killed builder leaves no partial artefact; two builders make each artefact once."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from models.artefact import MANIFEST
from models.store import PROJECT, verify
from suites.meta.gates.miniature import Miniature, build_command
from suites.meta.gates.running import TIMEOUT, environment

if TYPE_CHECKING:
    from pathlib import Path

# Messages of the builder after which it is killed.
MOMENTS = ("corpus: reading", "full model: epoch 1/")
EPOCH = re.compile(r"full model: epoch 2/4, loss \d+\.\d{3}, \d+ texts/s, \d+ s left")


def start(mini: Miniature, helpers: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*build_command(mini), f"--helpers={helpers}"],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# Folders in the store that runs fill, not the builder.
MADE_BY_RUNS = {"answers", "kernel-coverage", "paper_recipe"}


def members(store: Path) -> dict[str, dict[str, str]]:
    """Return the hashes of every member of every artefact that the builder made."""
    manifests = sorted(store.glob(f"*/*/{MANIFEST}"))
    return {
        str(manifest.parent.relative_to(store)): json.loads(manifest.read_text("utf-8"))["members"]
        for manifest in manifests
        if manifest.parent.parent.name not in MADE_BY_RUNS
    }


@pytest.fixture(scope="module")
def killed(miniature, tmp_path_factory) -> Miniature:
    """Return the miniature subject with a store of its own, after its builder was killed twice."""
    mini = Miniature(miniature.folder, tmp_path_factory.mktemp("killed") / "store")
    for helpers, moment in zip((0, 2), MOMENTS, strict=True):
        builder = start(mini, helpers)
        assert builder.stderr is not None
        assert any(moment in line for line in builder.stderr), (
            f"the builder never printed {moment!r}"
        )
        builder.kill()
        builder.communicate(timeout=TIMEOUT)
        assert builder.returncode == -signal.SIGKILL
        for artefact in members(mini.store):
            verify(mini.store / artefact)
    return mini


@pytest.fixture(scope="module")
def said(killed) -> list[str]:
    """Return the output of two builders that start at the same time after the kills."""
    builders = [start(killed), start(killed)]
    outputs = [builder.communicate(timeout=TIMEOUT)[1] for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], outputs
    return outputs


def test_two_concurrent_builders_make_each_variant_once(said):
    text = "".join(said)
    for scheme in ("float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8_dense"):
        assert text.count(f"variant {scheme}: converting") == 1, text
    assert "waiting for another run that makes" in text


def test_builder_reports_its_progress(said):
    assert EPOCH.search("".join(said)), said


def test_killed_and_uninterrupted_builders_make_equal_bytes(said, killed, miniature):
    assert said
    assert members(killed.store) == members(miniature.store)


def test_builder_leaves_no_temporary_files(said, killed):
    assert said
    leftovers = {
        path.name for path in killed.store.glob("*/*") if path.suffix in {".draft", ".resume"}
    }
    assert leftovers == set()
