"""What the tests of the bundle share: a plan of four small artefacts, and what to do to a file."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.bundle.manifest import MANIFEST
from models.bundle.writing import Contents, write_bundle
from models.corpus.roles import ROLES
from models.plan import Plan, Request
from models.store import Stage, Store
from models.subjects import load_subject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPLITS = ("train", "validation", "calibration", "test")
TWEETS, TOKENS = 6, 4
MAIN, OTHER = "ai_edge_litert", "tflite_runtime"
RUNTIMES = {MAIN: "2.3.0", OTHER: "2.14.0"}


def _corpus(out: Path) -> None:
    arrays, lines = {}, []
    for split in SPLITS:
        for name in ROLES:
            arrays[f"{split}_{name}"] = np.ones((TWEETS, TOKENS), np.int32)
        arrays[f"{split}_labels"] = np.arange(TWEETS, dtype=np.int32) % 3
        lines += [{"split": split, "text": f"{split} {at}"} for at in range(TWEETS)]
    np.savez_compressed(out / "encoded.npz", **arrays)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (out / "tweets.jsonl").write_text(text, encoding="utf-8")
    (out / "left_out.jsonl").write_text('{"reason": "empty"}\n', encoding="utf-8")
    (out / "tokenizer.json").write_text("{}", encoding="utf-8")
    (out / "summary.json").write_text("{}", encoding="utf-8")


def _model(out: Path) -> None:
    (out / "weights.safetensors").write_bytes(b"trained weights, which no board needs" * 1000)
    (out / "model.json").write_text('{"parameters": 7}', encoding="utf-8")


def _variant(out: Path) -> None:
    (out / "model.tflite").write_bytes(b"a FlatBuffer" * 500)
    (out / "variant.json").write_text('{"calibration": []}', encoding="utf-8")


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    """What a host would export."""
    plan = Plan(
        request=Request(load_subject("embedded"), ("float32", "float16")),
        whole=Stage("corpus", {"seed": 1}),
        corpus=Stage("corpus", {"seed": 1}),
        full=Stage("model", {"layers": 4}),
        cut=Stage("model", {"layers": 1}),
        small=Stage("model", {"layers": 1}),
        variants={name: Stage("variant", {"scheme": name}) for name in ("float32", "float16")},
    )
    store = Store(tmp_path / "host")
    store.get(plan.corpus, _corpus)
    for stage in (plan.full, plan.small):
        store.get(stage, _model)
    for stage in plan.variants.values():
        store.get(stage, _variant)
    (tmp_path / "budgets.toml").write_text('[agreement]\nmin = "97 %"\n', encoding="utf-8")
    logits = np.arange(TWEETS * 3, dtype=np.float32).reshape(TWEETS, 3)
    return Contents(
        plan=plan,
        store=store,
        golden={(MAIN, "float32"): logits, (MAIN, "float16"): -logits, (OTHER, "float32"): logits},
        runtimes=RUNTIMES,
        main_runtime=MAIN,
        budgets=tmp_path / "budgets.toml",
        budgets_shown="fixtures/budgets/embedded.toml",
        version="0.1.0",
        versions={"tensorflow": "2.21.0"},
    )


@pytest.fixture
def file(contents: Contents, tmp_path: Path) -> Path:
    """A bundle."""
    written = tmp_path / "board.edge"
    write_bundle(written, contents)
    return written


@pytest.fixture
def board(tmp_path: Path) -> Store:
    """The store of a board that has nothing yet."""
    return Store(tmp_path / "board")


@pytest.fixture
def rewrite(file: Path) -> Callable[..., None]:
    """A function that writes the bundle again: `rewrite(members)`, or with another manifest."""

    def written(
        change: Callable[[dict[str, bytes]], None] = lambda _: None,
        manifest: Callable[[dict[str, object]], None] = lambda _: None,
    ) -> None:
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        document = json.loads(members[MANIFEST])
        manifest(document)
        members[MANIFEST] = json.dumps(document).encode()
        change(members)
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return written
