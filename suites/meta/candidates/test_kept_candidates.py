"""Artefacts of user files are stored under keys computed from everything that determines them."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from models.artefact import MANIFEST, manifest_of
from models.artefact_names import FLATBUFFER
from models.candidates import artefacts, onnx_reference
from models.candidates.artefacts import CANDIDATE
from models.errors import StoreError, UsageMistake
from models.store import Store, hash_file
from suites.meta import onnx_writer, small_classifiers
from suites.meta.door.handing import provider_by
from suites.meta.door.refused import Refused

IDS = "text,label,ids\n" + "".join(f"word{n},{'abc'[n % 3]},{n + 2} 3\n" for n in range(12))
OF_IDS = {"corpus": "{}/ids.csv", "tokenizer": None, "columns": "text=text,label=label,ids=ids"}


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(onnx_reference, "require_onnxruntime", lambda _file: None)


def handed_in(folder, *, files=None, **options):
    """Pass a FlatBuffer and more files to a run; return the provider of its candidates."""
    folder.mkdir(exist_ok=True)
    return provider_by(Refused(says=(), files=files or {}, options=options).make(folder))


def with_onnx(folder):
    """Pass a FlatBuffer and an ONNX file as its reference to a run."""
    return handed_in(folder, files={"x.onnx": onnx_writer.classifier()}, reference="{}/x.onnx")


@pytest.mark.parametrize(
    "changed", [small_classifiers.classifier(seed=1), small_classifiers.classifier()[:-1], b""]
)
def test_file_changed_before_storing_is_rejected(changed, tmp_path):
    provider, store = handed_in(tmp_path / "handed"), Store(tmp_path / "store")
    file = tmp_path / "handed" / "ok.tflite"
    read = file.read_bytes()
    file.write_bytes(changed)
    with pytest.raises(UsageMistake, match="was changed while edgeproof read it") as caught:
        provider.make(store)
    assert caught.value.file == str(file)
    assert not list((store.root / CANDIDATE).glob("*/*"))

    file.write_bytes(read)
    provider.make(store)
    (stored,) = (store.root / CANDIDATE).glob(f"*/{FLATBUFFER}")
    assert stored.read_bytes() == read


def test_answers_are_not_stored_if_the_reference_file_changes_while_running(tmp_path, monkeypatch):
    provider, store = with_onnx(tmp_path / "handed"), Store(tmp_path / "store")
    file = tmp_path / "handed" / "x.onnx"

    def ask(_call, rows):
        file.write_bytes(onnx_writer.classifier(order=(1, 0, 2)))
        return np.zeros((len(rows["ids"]), 3), np.float32)

    monkeypatch.setattr(onnx_reference, "ask", ask)
    with pytest.raises(UsageMistake, match="was changed while edgeproof read it") as caught:
        provider.make(store)
    assert caught.value.file == str(file)
    assert not list((store.root / onnx_reference.STAGE).glob("*/*"))


def replaced(file, *, link=None, folder=False):
    """Replace a file by a link, a folder or a FIFO."""
    file.unlink()
    if link is not None:
        file.symlink_to(link)
    elif folder:
        file.mkdir()
    else:
        os.mkfifo(file)


def forged(file, array):
    """Replace a stored array, and correct its hash in the manifest."""
    np.save(file, array)
    manifest = file.with_name(MANIFEST)
    manifest_read = json.loads(manifest.read_bytes())
    manifest_read["members"][file.name] = hash_file(file)
    links = manifest_read.get("links", {})
    manifest.write_bytes(
        manifest_of(
            manifest_read["stage"], manifest_read["recipe"], manifest_read["members"], links
        )
    )


DAMAGE = {
    "more bytes": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "no bytes": lambda file: file.write_bytes(b""),
    "a device": lambda file: replaced(file, link="/dev/zero"),
    "a link to itself": lambda file: replaced(file, link=file),
    "a link to another file": lambda file: replaced(file, link=file.with_name(MANIFEST)),
    "a FIFO": replaced,
    "a folder": lambda file: replaced(file, folder=True),
    "fewer answers": lambda file: forged(file, np.zeros((2, 3))),
    "one number": lambda file: forged(file, np.float32(1)),
    "words": lambda file: forged(file, np.full((12, 3), "a")),
    "not a number": lambda file: forged(file, np.full((12, 3), np.nan)),
    "infinity": lambda file: forged(file, np.full((12, 3), -np.inf)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_reference_answers_are_reported_and_can_be_recomputed(name, tmp_path, monkeypatch):
    answers = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    monkeypatch.setattr(onnx_reference, "ask", lambda _call, _rows: answers)
    provider, store = with_onnx(tmp_path / "handed"), Store(tmp_path / "store")
    provider.make(store)
    reference = provider.reference_answers
    file = store.path(reference.stage) / onnx_reference.ANSWERS
    DAMAGE[name](file)
    with pytest.raises(StoreError) as caught:
        reference.recording(store)
    assert caught.value.file == str(file)
    match = re.match(r"Delete (.+) and run again", caught.value.remedy)
    shutil.rmtree(match[1])
    provider.make(store)
    assert reference.recording(store).logits.tolist() == answers.tolist()


DECIDES = {
    "cores": ("usable_cores", lambda: 3),
    "a processor": ("processor_features", lambda: ["avx10"]),
    "versions": ("versions", lambda *_: {"onnxruntime": "99"}),
}


@pytest.mark.parametrize("name", DECIDES)
def test_store_key_of_reference_answers_changes_with_each_of_their_inputs(
    name, tmp_path, monkeypatch
):
    answers = with_onnx(tmp_path).reference_answers
    before = answers.stage.key
    monkeypatch.setattr(onnx_reference, *DECIDES[name])
    assert answers.stage.key != before


def test_store_keys_depend_on_neither_paths_nor_locale(tmp_path, monkeypatch):
    def keys(folder):
        subject = with_onnx(folder).subject
        stages = artefacts.artefacts_of_files(subject).artefacts
        return {name: stage.key for name, stage in stages.named.items()}

    keys_here = keys(tmp_path / "here")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("COLUMNS", "40")
    assert keys(tmp_path / "there") == keys_here
    assert keys_here.keys() >= {"texts", "reference"}


def test_store_key_of_the_texts_depends_on_the_rows_of_the_embedding_table(tmp_path):
    subject = handed_in(tmp_path, files={"ids.csv": IDS}, **OF_IDS).subject
    (candidate,) = subject.candidates.values()
    larger = replace(candidate, rows=candidate.rows + 1)
    assert artefacts._vocabulary(larger) == candidate.rows + 1
    assert (
        artefacts._texts_stage(subject, larger).key
        != artefacts._texts_stage(subject, candidate).key
    )


def test_candidates_with_one_tokenizer_share_their_tokenized_texts(tmp_path):
    subject = handed_in(tmp_path).subject
    (candidate,) = subject.candidates.values()
    second = replace(candidate, rows=None, sha256="0" * 64, name="other")
    assert artefacts._texts_stage(subject, second) == artefacts._texts_stage(subject, candidate)
