"""Provide small bundles, of built models and of user files, and functions that change a bundle."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from fixtures.session.providers import Given, facts_of
from models import store as store_module
from models.artefact import manifest_of
from models.bundle.manifest import MANIFEST
from models.bundle.writing import Contents, write_bundle
from models.candidates.given import take
from models.candidates.handed import read_handed
from models.candidates.recorded import Recording
from models.candidates.subject import JudgedArtefacts
from models.input_roles import ROLES
from models.networks.architecture import from_table
from models.store import Stage, Store
from models.subjects import load_subject
from suites.meta.small_classifiers import classifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SPLITS = ("train", "validation", "calibration", "test")
TEXTS = 6
MAIN, OTHER = "ai_edge_litert", "tflite_runtime"
BACKENDS = {MAIN: "2.3.0", OTHER: "2.14.0"}
SUBJECT = load_subject("embedded")
WORDS = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}
LABELS = len(SUBJECT.corpus.labels)


def _corpus(out: Path) -> None:
    arrays: dict[str, NDArray[np.int32]] = {}
    lines: list[dict[str, object]] = []
    tokens = SUBJECT.tokenizer.max_tokens
    assert tokens is not None
    shape = TEXTS, tokens
    for split in SPLITS:
        for name in ROLES:
            arrays[f"{split}_{name}"] = np.ones(shape, np.int32)
        arrays[f"{split}_labels"] = np.arange(TEXTS, dtype=np.int32) % LABELS
        lines += [_text(split, at) for at in range(TEXTS)]
    np.savez_compressed(out / "encoded.npz", **arrays)  # type: ignore[arg-type]  # numpy's stubs take one for allow_pickle
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (out / "texts.jsonl").write_text(text, encoding="utf-8")
    (out / "left_out.jsonl").write_text('{"reason": "empty"}\n', encoding="utf-8")
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))  # noqa: S106 - a token for words, not a password
    (out / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    splits = {split: {"texts": TEXTS, "unknown_share": 0.0} for split in SPLITS}
    summary = {"labels": SUBJECT.corpus.labels, "vocabulary": len(WORDS), "splits": splits}
    (out / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def _text(split: str, at: int) -> dict[str, object]:
    words = {"text_id": f"{split}{at}", "group_id": "e", "text": f"good {split} {at}"}
    return {"split": split, **words, "label": at % LABELS, "group_name": ""}


def _model(out: Path) -> None:
    (out / "weights.safetensors").write_bytes(b"trained weights, which no board needs" * 1000)
    network = SUBJECT.full.network
    assert network is not None
    shape = from_table(network, vocabulary=len(WORDS), classes=LABELS, positions=64)
    card = {"parameters": 7, "architecture": shape.describe(), "history": [{"loss": 0.5}]}
    (out / "model.json").write_text(json.dumps(card), encoding="utf-8")
    logits = np.arange(TEXTS * LABELS, dtype=np.float32).reshape(TEXTS, LABELS)
    np.savez(out / "logits.npz", validation=logits, calibration=logits, test=logits)


def _variant(scheme: str, out: Path) -> None:
    (out / "model.tflite").write_bytes(flatbuffer())
    card = {"scheme": scheme, "converter": "tflite", "calibration": []}
    (out / "variant.json").write_text(json.dumps(card), encoding="utf-8")


@functools.cache
def flatbuffer() -> bytes:
    """Return a small classifier with the subject's row length and labels."""
    return classifier(tokens=SUBJECT.tokenizer.max_tokens, classes=LABELS)


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip fsync: hundreds of bundles are unpacked, and the store's tests cover syncing."""
    monkeypatch.setattr(store_module, "_sync", lambda _: None)


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    """Return the contents of a bundle."""
    return contents_in(tmp_path)


def contents_in(folder: Path) -> Contents:
    """Make the contents of a bundle in a folder."""
    texts = Stage("corpus", {"seed": 1})
    models = {"full": Stage("model", {"layers": 4}), "small": Stage("model", {"layers": 1})}
    variants = {name: Stage("variant", {"scheme": name}) for name in ("float32", "float16")}
    store = Store(folder / "host")
    store.get(texts, _corpus)
    for stage in models.values():
        store.get(stage, _model)
    for scheme, stage in variants.items():
        store.get(stage, functools.partial(_variant, scheme))
    variants_by_name = {f"variant/{name}": stage for name, stage in variants.items()}
    (folder / "budgets.toml").write_text('[agreement]\nmin = "97 %"\n', encoding="utf-8")
    logits = np.arange(TEXTS * LABELS, dtype=np.float32).reshape(TEXTS, LABELS)
    return Contents(
        facts=facts_of(SUBJECT, tuple(variants)),
        artefacts=JudgedArtefacts(
            texts=texts,
            candidates=variants,
            full=models.get("full"),
            small=models.get("small"),
            named={"corpus": texts, **models, **variants_by_name},
        ),
        store=store,
        golden={(MAIN, "float32"): logits, (MAIN, "float16"): -logits, (OTHER, "float32"): logits},
        backends=BACKENDS,
        main_backend=MAIN,
        budgets=folder / "budgets.toml",
        budgets_shown="models/verdicts/limits/budgets/embedded.toml",
        version="0.1.0",
        versions={"tensorflow": "2.21.0"},
    )


GIVEN = """
name = "mail"
labels = ["ham", "spam"]
tokenizer = { file = "vocab.txt", kind = "wordpiece", case = "kept" }
corpus = "test.csv"
[[candidates]]
name = "both"
flatbuffer = "both.tflite"
[[candidates]]
name = "one"
flatbuffer = "one.tflite"
[candidates.output]
threshold = 0.35
positive = "spam"
"""


def given_in(folder: Path, *, recorded: bool = False) -> Contents:
    """Make the contents of a bundle of two user files in a folder.

    The first file returns two logits for ids, mask and segments. The second file returns one
    sigmoid for int64 ids. If `recorded`, both files are compared with the recorded answers of
    another system.
    """
    (folder / "mail.toml").write_text(GIVEN, encoding="utf-8")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    rows = [f"good {'bad ' * at},{('ham', 'spam')[at % 2]}\n" for at in range(TEXTS)]
    (folder / "test.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    (folder / "both.tflite").write_bytes(classifier(classes=2))
    sigmoid = classifier(names=("ids",), dtype="int64", classes=1, end=("LOGISTIC",), tokens=7)
    (folder / "one.tflite").write_bytes(sigmoid)
    provider = Given(take(read_handed(folder / "mail.toml")))
    store = Store(folder / "host")
    provider.make(store)
    text = '[accuracy]\nmin = "50 %"\n[accuracy.one]\nmin = "60 %"\n'
    (folder / "own.toml").write_text(text, encoding="utf-8")
    (folder / "known.toml").write_text("failures = []\n", encoding="utf-8")
    scores = np.full((TEXTS, 2), 0.5)
    labels = np.arange(TEXTS) % 2
    return Contents(
        facts=provider.facts,
        artefacts=provider.artefacts(offline=True),
        store=store,
        golden={
            (MAIN, "both"): np.zeros((TEXTS, 2), np.float32),
            (MAIN, "one"): np.zeros((TEXTS, 1), np.float32),
            (OTHER, "one"): np.ones((TEXTS, 1), np.float32),
        },
        recorded=Recording(labels=labels, probabilities=scores) if recorded else None,
        known_failures=folder / "known.toml",
        backends=BACKENDS,
        main_backend=MAIN,
        budgets=folder / "own.toml",
        budgets_shown=f"{folder}/own bûdgets.toml",
        version="0.1.0",
        versions={},
    )


@pytest.fixture
def given(tmp_path: Path) -> Contents:
    """Return the contents of a bundle of user files with recorded reference answers."""
    return given_in(tmp_path, recorded=True)


@pytest.fixture
def given_file(given: Contents, tmp_path: Path) -> Path:
    """Return the path of a bundle of user files."""
    path = tmp_path / "mail.edge"
    write_bundle(path, given)
    return path


@pytest.fixture
def file(contents: Contents, tmp_path: Path) -> Path:
    """Return the path of a bundle."""
    path = tmp_path / "board.edge"
    write_bundle(path, contents)
    return path


@pytest.fixture
def board(tmp_path: Path) -> Store:
    """Return the empty store of a board."""
    return Store(tmp_path / "board")


@pytest.fixture
def reseal(file: Path) -> Callable[[Callable[[dict[str, bytes], dict[str, Any]], None]], None]:
    """Return a function that changes a bundle's members or manifest and recomputes all hashes."""

    def written(change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> None:
        file.write_bytes(resealed(file.read_bytes(), change))

    return written


def resealed(bundle: bytes, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> bytes:
    """Return a bundle with changed members or manifest, and correct hashes."""
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
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, MANIFEST: json.dumps(manifest).encode()}.items():
            archive.writestr(name, content)
    return archived.getvalue()


def _resealed(name: str, members: dict[str, bytes]) -> bytes:
    """Return an artefact's manifest with the current hashes of its files."""
    folder = name.removesuffix("manifest.json")
    manifest = json.loads(members[name])
    hashes = {
        member.removeprefix(folder): hashlib.sha256(content).hexdigest()
        for member, content in members.items()
        if member.startswith(folder) and member != name
    }
    return manifest_of(manifest["stage"], manifest["recipe"], hashes, {})


@pytest.fixture
def rewrite(file: Path) -> Callable[..., None]:
    """Return `rewrite(members, manifest)`, which writes the bundle again.

    Its arguments are functions that change the members and the manifest.
    """

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
