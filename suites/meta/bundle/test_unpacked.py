"""Unpacked files are trusted only after their hashes are compared with the bundle's."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from models.bundle.opening import open_bundle
from models.errors import StoreError
from models.store import PROJECT, Store

if TYPE_CHECKING:
    from pathlib import Path

FLIPS = 6


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def follow(remedy: str) -> None:
    """Follow the remedy of a message: delete the folder that it names."""
    match = re.match(r"Delete (.+) and run again: edgeproof will make this artefact again", remedy)
    assert match is not None, remedy
    shutil.rmtree(match[1])


def test_every_flipped_bit_is_detected_and_the_suggested_remedy_repairs_the_bundle(file, board):
    intact = open_bundle(file, board)
    expected = {path: path.read_bytes() for path in files_below(board.root)}
    draw, flipped = random.Random(7), 0  # noqa: S311 - repeatable, not a secret
    for path, content in expected.items():
        for bit in draw.sample(range(8 * len(content)), min(FLIPS, 8 * len(content))):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            with pytest.raises(StoreError) as noticed:
                open_bundle(file, board)
            # If a name in a manifest was changed, the error names the file that is missing instead.
            assert noticed.value.file == str(path) or path.name == "manifest.json"
            follow(noticed.value.remedy)
            assert open_bundle(file, board) == intact
            flipped += 1
    assert {path: path.read_bytes() for path in files_below(board.root)} == expected
    assert flipped > FLIPS * 20


@pytest.mark.parametrize("change", ["gone", "folder", "FIFO", "more"])
def test_every_missing_or_added_file_is_detected_and_the_suggested_remedy_repairs_the_bundle(
    change, file, board
):
    intact = open_bundle(file, board)
    for path in files_below(intact.kept.folder):
        if change == "more":
            path.with_name("more").touch()
        else:
            path.unlink()
        if change == "folder":
            path.mkdir()
        elif change == "FIFO":
            os.mkfifo(path)
        if path == intact.kept.folder / "manifest.json" and change != "more":
            # Without a manifest the folder counts as not unpacked, and the bundle is unpacked
            # again.
            assert open_bundle(file, board) == intact
            continue
        with pytest.raises(StoreError) as noticed:
            open_bundle(file, board)
        follow(noticed.value.remedy)
        assert open_bundle(file, board) == intact


def test_file_changed_after_opening_the_bundle_is_detected(file, board, contents):
    bundle = open_bundle(file, board)
    artefact = bundle.store.artefact(contents.artefacts.texts)
    for path, read in {
        artefact.folder / "texts.jsonl": lambda: artefact.text("texts.jsonl"),
        artefact.folder / "encoded.npz": lambda: artefact.arrays("encoded.npz"),
        bundle.kept.folder / "budgets.toml": lambda: bundle.budgets,
        bundle.kept.folder / "golden/ai_edge_litert/float32.npy": lambda: bundle.golden(
            "ai_edge_litert", "float32"
        ),
    }.items():
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(StoreError, match="changed or damaged"):
            read()
        path.write_bytes(content)
        read()


def test_two_bundles_with_one_file_name_are_unpacked_into_separate_folders(file, board, reseal):
    before = open_bundle(file, board)
    reseal(lambda members, _: members.update({"budgets.toml": b'[agreement]\nmin = "49 %"\n'}))
    after = open_bundle(file, board)
    assert after.kept.folder != before.kept.folder
    assert "49 %" in after.budgets.read_text(encoding="utf-8")


@pytest.mark.parametrize("damaged", ["texts.jsonl", "manifest.json"])
def test_damaged_bundle_is_reported_in_one_message_and_nothing_is_trained(damaged, file, tmp_path):
    """The run reports the damage in one message, also on a host that could train the models."""
    store = tmp_path / "store"
    unpacked = open_bundle(file, Store(store)).kept.folder
    file_to_damage = next(unpacked.glob(f"corpus/*/{damaged}"))
    file_to_damage.write_bytes(file_to_damage.read_bytes().replace(b"1", b"2"))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "suites/accuracy", "-q"]
    done = subprocess.run(
        [*command, f"--edge-bundle={file}", f"--edge-cache-dir={store}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 4, output
    assert output.count("changed or damaged") == 1
    assert f"Delete {unpacked} and run again" in output
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    assert {path.name for path in store.iterdir()} == {"bundle", "locks"}
