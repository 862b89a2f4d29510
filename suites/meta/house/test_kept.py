"""Every stored file is compared with its hash before it is used."""

from __future__ import annotations

import ast
import os
import random
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models import store as store_module
from models.artefact import MANIFEST, open_artefact
from models.errors import StoreError
from models.store import PROJECT, Stage, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.artefact import Artefact

NOBODY = 65534
CARD = '{"parameters": 7, "history": [{"loss": 0.25}], "name": "\\u00fc"}'
STAGES = {
    "corpus": {"seed": 1, "share": 0.1, "labels": ["a", "b"]},
    "model": {"layers": 4, "corpus": "x" * 24},
    "answers": {"flatbuffer": "0" * 64, "threads": 1},
    "sysroot": {"architecture": "aarch64"},
}


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch):
    """Skip fsync."""
    monkeypatch.setattr(store_module, "_sync", lambda _: None)


def fill(out: Path) -> None:
    (out / "card.json").write_text(CARD, encoding="utf-8")
    np.save(out / "logits.npy", np.arange(12, dtype=np.float32).reshape(4, 3))
    np.savez_compressed(out / "encoded.npz", test=np.arange(6, dtype=np.int32))
    (out / "empty.jsonl").touch()
    (out / "usr" / "lib").mkdir(parents=True)
    (out / "usr" / "lib" / "module.py").write_text("answer = 42\n", encoding="utf-8")
    (out / "lib").symlink_to("usr/lib")


def made(root: Path) -> list[Artefact]:
    return [Store(root).get(Stage(name, recipe), fill) for name, recipe in STAGES.items()]


def opened(root: Path) -> None:
    """Check every artefact, and read its files with the methods of `Artefact`."""
    for artefact in made(root):
        artefact.check()
        assert artefact.document("card.json")["parameters"] == 7
        assert artefact.array("logits.npy").shape == (4, 3)
        assert artefact.arrays("encoded.npz")["test"].sum() == 15
        assert artefact.text("empty.jsonl") == ""
        assert artefact.path("usr/lib/module.py").is_file()


def test_flipped_bit_in_the_store_is_detected_and_the_suggested_remedy_repairs_the_store(tmp_path):
    artefacts = made(tmp_path)
    draw = random.Random(5)  # noqa: S311 - repeatable, not a secret
    files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    files = [path for path in files if path.suffix != ".lock" and not path.parent.is_symlink()]
    assert len(files) == 4 * 6
    for path in files:
        content = path.read_bytes()
        for bit in draw.sample(range(8 * len(content)), min(12, 8 * len(content))):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            with pytest.raises(StoreError) as noticed:
                opened(tmp_path)
            # If a name in a manifest was changed, the error names the file that is missing instead.
            assert noticed.value.file == str(path) or path.name == MANIFEST
            match = re.match(r"Delete (.+) and run again", noticed.value.remedy)
            shutil.rmtree(match[1])
            opened(tmp_path)
    assert made(tmp_path) == artefacts


def test_flipped_bit_of_a_manifest_is_detected(tmp_path):
    """Also changed white space is detected: a manifest has exactly one valid form."""
    (artefact, *_) = made(tmp_path)
    file = artefact.folder / MANIFEST
    content = file.read_bytes()
    for bit in random.Random(6).sample(range(8 * len(content)), 1_000):  # noqa: S311 - repeatable, not a secret
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        try:
            reopened = open_artefact(artefact.folder, Stage.key_of)
        except StoreError:
            continue
        # The manifest now names another hash or another file, and check() finds no such file.
        with pytest.raises(StoreError):
            reopened.check()


@pytest.mark.parametrize("read", ["array", "arrays", "document", "numbers", "path", "read", "text"])
def test_file_changed_after_an_artefact_was_opened_is_detected(read, tmp_path):
    (artefact, *_) = made(tmp_path)
    names = {"array": "logits.npy", "numbers": "logits.npy", "arrays": "encoded.npz"}
    name, arguments = names.get(read, "card.json"), (4,) if read == "numbers" else ()
    getattr(artefact, read)(name, *arguments)
    content = (artefact.folder / name).read_bytes()
    (artefact.folder / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    with pytest.raises(StoreError, match="changed or damaged"):
        getattr(artefact, read)(name, *arguments)


def test_rejects_stored_array_with_the_wrong_number_of_rows(tmp_path):
    (artefact, *_) = made(tmp_path)
    assert artefact.numbers("logits.npy", 4).shape == (4, 3)
    with pytest.raises(StoreError, match="changed or damaged"):
        artefact.numbers("logits.npy", 5)


@pytest.mark.parametrize("kind", ["other target", "gone", "more", "folder"])
def test_changed_link_in_an_artefact_is_detected(kind, tmp_path):
    (artefact, *_) = made(tmp_path)
    link = artefact.folder / "lib"
    if kind == "more":
        link.with_name("bin").symlink_to("usr")
    else:
        link.unlink()
    if kind == "other target":
        link.symlink_to("usr")
    elif kind == "folder":
        link.mkdir()
    with pytest.raises(StoreError, match="changed or damaged"):
        artefact.check()


def test_artefact_copied_to_the_folder_of_another_key_is_detected(tmp_path):
    corpus, model, *_ = made(tmp_path)
    shutil.rmtree(model.folder)
    shutil.copytree(corpus.folder, model.folder, symlinks=True)
    with pytest.raises(StoreError, match="changed or damaged"):
        made(tmp_path)


@contextmanager
def without_rights(path: Path) -> Iterator[None]:
    """Run the block as a user without the right to read this file."""
    path.chmod(0)
    user, modes = os.geteuid(), {}
    try:
        if user == 0:
            for parent in path.parents:
                modes[parent] = parent.stat().st_mode
                parent.chmod(modes[parent] | 0o011)
            os.seteuid(NOBODY)
        yield
    finally:
        os.seteuid(user)
        for parent, mode in modes.items():
            parent.chmod(mode)


@pytest.mark.parametrize("member", ["card.json", MANIFEST])
def test_error_on_an_unreadable_stored_file_has_a_remedy(member, tmp_path):
    (artefact, *_) = made(tmp_path)
    file = artefact.folder / member
    (artefact.folder / MANIFEST).chmod(0o644)
    with without_rights(file), pytest.raises(StoreError) as refused:
        Store(tmp_path).artefact(Stage("corpus", dict(artefact.recipe))).read("card.json")
    assert refused.value.file == str(file)
    assert "cannot be read (Permission denied)" in refused.value.what
    assert "Delete" not in refused.value.remedy
    file.chmod(0o644)
    opened(tmp_path)


def test_store_folder_without_access_rights_is_reported(tmp_path):
    made(tmp_path / "store")
    with without_rights(tmp_path / "store"), pytest.raises(StoreError, match="or read") as refused:
        made(tmp_path / "store")
    assert refused.value.file == str(tmp_path / "store")
    (tmp_path / "store").chmod(0o755)


def test_errors_about_files_outside_the_store_are_raised_unchanged(tmp_path):
    def fail(_: Path) -> None:
        raise PermissionError(13, "Permission denied", "/elsewhere/texts.csv")

    with pytest.raises(PermissionError, match="elsewhere"):
        Store(tmp_path).get(Stage("thing", {}), fail)


def test_only_the_artefact_class_loads_arrays_from_the_store():
    """Check the sources: no module calls np.load, and only the listed ones call ZipFile."""
    allowed = {
        "models/files/archives.py": {"ZipFile"},
        "models/bundle/writing.py": {"ZipFile"},
        "models/training/resume.py": {"ZipFile"},
        # This module writes archives and never reads them.
        "models/runtime/assembling.py": {"ZipFile"},
        # This module contains the reader of checkpoints.
        "models/networks/torch_bin.py": {"ZipFile"},
    }
    calls_of: dict[str, set[str]] = {}
    for top in ("models", "fixtures", "reports"):
        for file in sorted((PROJECT / top).rglob("*.py")):
            if file.is_relative_to(PROJECT / "reports" / "out"):
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                called = ast.unparse(node.func)
                if called in {"np.load", "zipfile.ZipFile"}:
                    name = file.relative_to(PROJECT).as_posix()
                    calls_of.setdefault(name, set()).add(called.split(".")[1])
    assert {name: calls - allowed.get(name, set()) for name, calls in calls_of.items()} == {
        name: set() for name in calls_of
    }
