"""What the tests of the bundle share: a plan of four small artefacts, and what to do to a file."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flatbuffers import Builder
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from models import store as store_module
from models.artefact import manifest_of
from models.bundle.manifest import MANIFEST
from models.bundle.writing import Contents, write_bundle
from models.calibration.network import _Writer
from models.networks.architecture import from_table
from models.plan import Plan, Request
from models.roles import ROLES
from models.store import Stage, Store
from models.subjects import load_subject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPLITS = ("train", "validation", "calibration", "test")
TWEETS = 6
MAIN, OTHER = "ai_edge_litert", "tflite_runtime"
RUNTIMES = {MAIN: "2.3.0", OTHER: "2.14.0"}
SUBJECT = load_subject("embedded")
WORDS = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}
LABELS = len(SUBJECT.corpus.labels)


def _corpus(out: Path) -> None:
    arrays, lines = {}, []
    shape = TWEETS, SUBJECT.tokenizer.max_tokens
    for split in SPLITS:
        for name in ROLES:
            arrays[f"{split}_{name}"] = np.ones(shape, np.int32)
        arrays[f"{split}_labels"] = np.arange(TWEETS, dtype=np.int32) % LABELS
        lines += [_tweet(split, at) for at in range(TWEETS)]
    np.savez_compressed(out / "encoded.npz", **arrays)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (out / "tweets.jsonl").write_text(text, encoding="utf-8")
    (out / "left_out.jsonl").write_text('{"reason": "empty"}\n', encoding="utf-8")
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))  # noqa: S106 - a word's token
    (out / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    splits = {split: {"tweets": TWEETS, "unknown_share": 0.0} for split in SPLITS}
    summary = {"labels": SUBJECT.corpus.labels, "vocabulary": len(WORDS), "splits": splits}
    (out / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def _tweet(split: str, at: int) -> dict[str, object]:
    words = {"tweet_id": f"{split}{at}", "entity_id": "e", "text": f"good {split} {at}"}
    return {"split": split, **words, "label": at % LABELS, "entity_name": ""}


def _model(out: Path) -> None:
    (out / "weights.safetensors").write_bytes(b"trained weights, which no board needs" * 1000)
    shape = from_table(SUBJECT.full.network, vocabulary=len(WORDS), classes=LABELS, positions=64)
    card = {"parameters": 7, "architecture": shape.describe(), "history": [{"loss": 0.5}]}
    (out / "model.json").write_text(json.dumps(card), encoding="utf-8")
    logits = np.arange(TWEETS * LABELS, dtype=np.float32).reshape(TWEETS, LABELS)
    np.savez(out / "logits.npz", validation=logits, calibration=logits, test=logits)


def _variant(scheme: str, out: Path) -> None:
    (out / "model.tflite").write_bytes(flatbuffer())
    card = {"scheme": scheme, "converter": "tflite", "calibration": []}
    (out / "variant.json").write_text(json.dumps(card), encoding="utf-8")


@functools.cache
def flatbuffer() -> bytes:
    """A FlatBuffer of one dense layer: sound, and no classifier."""
    return _Writer(Builder(1 << 12)).model([np.ones((LABELS, 8), np.dtype("<f4"))])


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: hundreds of bundles are unpacked, and syncing is for the store's tests."""
    monkeypatch.setattr(store_module, "_sync", lambda _: None)


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    """What a host would export."""
    return contents_in(tmp_path)


def contents_in(folder: Path) -> Contents:
    """Make in a folder what a host would export."""
    plan = Plan(
        request=Request(SUBJECT, ("float32", "float16")),
        whole=Stage("corpus", {"seed": 1}),
        corpus=Stage("corpus", {"seed": 1}),
        full=Stage("model", {"layers": 4}),
        cut=Stage("model", {"layers": 1}),
        small=Stage("model", {"layers": 1}),
        variants={name: Stage("variant", {"scheme": name}) for name in ("float32", "float16")},
    )
    store = Store(folder / "host")
    store.get(plan.corpus, _corpus)
    for stage in (plan.full, plan.small):
        store.get(stage, _model)
    for scheme, stage in plan.variants.items():
        store.get(stage, functools.partial(_variant, scheme))
    (folder / "budgets.toml").write_text('[agreement]\nmin = "97 %"\n', encoding="utf-8")
    logits = np.arange(TWEETS * LABELS, dtype=np.float32).reshape(TWEETS, LABELS)
    return Contents(
        plan=plan,
        store=store,
        golden={(MAIN, "float32"): logits, (MAIN, "float16"): -logits, (OTHER, "float32"): logits},
        runtimes=RUNTIMES,
        main_runtime=MAIN,
        budgets=folder / "budgets.toml",
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
def reseal(file: Path) -> Callable[[Callable[[dict[str, bytes], dict[str, Any]], None]], None]:
    """A function that changes members and manifest, and then lets every hash be right again."""

    def written(change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> None:
        file.write_bytes(resealed(file.read_bytes(), change))

    return written


def resealed(bundle: bytes, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> bytes:
    """Return a bundle with other members, or another manifest, and every hash right again."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop(MANIFEST))
    before = dict(members)
    change(members, manifest)
    for name, content in members.items():
        if name.endswith("/manifest.json") and content == before.get(name):
            members[name] = _resealed(name, members)
    digests = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in members.items()
    }
    manifest["members"] = digests | manifest.pop("claimed", {})
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, MANIFEST: json.dumps(manifest).encode()}.items():
            archive.writestr(name, content)
    return written.getvalue()


def _resealed(name: str, members: dict[str, bytes]) -> bytes:
    """Return an artefact's manifest with the hashes that its files have now."""
    folder = name.removesuffix("manifest.json")
    held = json.loads(members[name])
    hashes = {
        one.removeprefix(folder): hashlib.sha256(content).hexdigest()
        for one, content in members.items()
        if one.startswith(folder) and one != name
    }
    return manifest_of(held["stage"], held["recipe"], hashes, {})


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
