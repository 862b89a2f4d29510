"""A bundle holds all required members, and opening it returns the written content."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fixtures.session.providers import Given
from models.bundle.opening import open_bundle
from models.bundle.writing import Contents, write_bundle
from models.candidates.artefacts import read_card
from models.candidates.declaration import CandidateTable
from models.candidates.given import take
from models.candidates.handed import Handed
from models.candidates.texts import TextsTable
from models.corpus.artefact import load_encoded
from models.errors import EdgeproofError
from models.store import Store
from suites.meta.bundle.conftest import MAIN, OTHER, flatbuffer, given_in
from suites.meta.small_classifiers import classifier

if TYPE_CHECKING:
    from models.candidates.subject import JudgedArtefacts


def keys_of(artefacts: JudgedArtefacts) -> dict[str, list[tuple[str, str, str]]]:
    """Return name, stage name and store key of each artefact, by its use in a run.

    Only strings are compared, because a stage's recipe that was written as JSON and read again has
    lists in place of tuples.
    """
    by_use = {"": artefacts.named, "c": artefacts.candidates, "e": artefacts.encoded}
    return {
        use: sorted((name, stage.name, stage.key) for name, stage in stages.items())
        for use, stages in by_use.items()
    }


def test_exporting_one_set_of_artefacts_twice_writes_identical_bytes(contents, file, tmp_path):
    write_bundle(tmp_path / "again.edge", contents)
    assert (tmp_path / "again.edge").read_bytes() == file.read_bytes()


def test_opened_bundle_has_the_artefacts_and_facts_of_the_host(contents, file, board):
    bundle = open_bundle(file, board)
    assert bundle.artefacts(("float32", "float16")) == contents.artefacts
    carried = dataclasses.replace(contents.facts, budgets=None)
    assert bundle.facts == carried
    assert list(bundle.artefacts(("float32",)).candidates) == ["float32"]
    assert bundle.facts.of(["float32"]).other_candidates[0] == "float16"


def test_bundle_contains_every_artefact_except_the_training_weights(contents, file, board):
    bundle = open_bundle(file, board)
    for stage in contents.artefacts.stages():
        artefact = bundle.store.artefact(stage)
        artefact.check()
        assert "weights.safetensors" not in artefact.members
    artefact = bundle.store.artefact(contents.artefacts.candidates["float32"])
    assert artefact.read("model.tflite") == flatbuffer()


def test_golden_logits_in_the_bundle_equal_the_hosts_logits(contents, file, board):
    bundle = open_bundle(file, board)
    for (backend, scheme), logits in contents.golden.items():
        np.testing.assert_array_equal(bundle.golden(backend, scheme), logits)


def test_bundle_contains_only_the_texts_that_boards_classify(contents, file, board):
    artefact = open_bundle(file, board).store.artefact(contents.artefacts.texts)
    encoded = load_encoded(artefact)
    assert [len(encoded[split].ids) for split in encoded] == [0, 0, 6, 6]
    assert [len(encoded[split].labels) for split in encoded] == [6, 6, 6, 6]
    texts = artefact.text("texts.jsonl")
    rows = [json.loads(line) for line in texts.splitlines()]
    assert {row["split"] for row in rows if row["text"]} == {"test", "calibration"}
    assert len(rows) == 24
    assert artefact.read("left_out.jsonl") == b""


def test_opening_a_bundle_twice_unpacks_the_bundle_once(file, board):
    first = open_bundle(file, board).kept.folder
    before = (first / "budgets.toml").stat().st_mtime_ns
    assert open_bundle(file, board).kept.folder == first
    assert (first / "budgets.toml").stat().st_mtime_ns == before


def test_each_backend_gets_only_the_variants_that_passed_there(file, board):
    bundle = open_bundle(file, board)
    assert bundle.candidates_for("ai_edge_litert", ()) == ("float32", "float16")
    assert bundle.candidates_for("tflite_runtime", ()) == ("float32",)
    with pytest.raises(EdgeproofError, match="float16 cannot be judged on tflite_runtime"):
        bundle.candidates_for("tflite_runtime", ("float16",))


def test_board_uses_its_first_backend_on_which_the_bundle_was_judged(file, board):
    bundle = open_bundle(file, board)
    old = {"ai_edge_litert": "1.4.0", "tflite_runtime": "2.14.0"}
    assert bundle.backend_for(old, None, "rpi3") == "tflite_runtime"


def test_export_omits_variants_that_passed_on_no_backend(contents, tmp_path):
    golden = {pair: logits for pair, logits in contents.golden.items() if pair[1] == "float32"}
    write_bundle(tmp_path / "b.edge", dataclasses.replace(contents, golden=golden))
    names = zipfile.ZipFile(tmp_path / "b.edge").namelist()
    assert not [name for name in names if contents.artefacts.candidates["float16"].key in name]


def test_export_fails_if_no_variant_passed(contents, tmp_path):
    with pytest.raises(EdgeproofError, match="no candidate passed"):
        write_bundle(tmp_path / "b.edge", dataclasses.replace(contents, golden={}))
    assert not (tmp_path / "b.edge").exists()


def test_export_to_a_missing_folder_is_an_error(contents, tmp_path):
    with pytest.raises(EdgeproofError, match="cannot be written"):
        write_bundle(tmp_path / "nowhere" / "b.edge", contents)


def test_export_fails_if_the_reference_passed_on_no_backend(contents, tmp_path):
    golden = {pair: logits for pair, logits in contents.golden.items() if pair[1] == "float16"}
    with pytest.raises(
        EdgeproofError, match="float32, with which all candidates are compared, passed"
    ):
        write_bundle(tmp_path / "b.edge", dataclasses.replace(contents, golden=golden))


def test_bundle_preserves_files_texts_and_tokenizers_of_the_user(given, given_file, board):
    bundle = open_bundle(given_file, board)
    assert keys_of(bundle.artefacts(("both", "one"))) == keys_of(given.artefacts)
    for name in ("both", "one"):
        texts = bundle.store.artefact(given.artefacts.texts_of(name))
        all_texts = given.store.artefact(given.artefacts.texts_of(name))
        assert texts.read("texts.jsonl") == all_texts.read("texts.jsonl")
        assert texts.text("tokenizer.json") == all_texts.text("tokenizer.json")
        assert read_card(bundle.store.artefact(given.artefacts.candidates[name])) == read_card(
            given.store.artefact(given.artefacts.candidates[name])
        )
    assert bundle.golden(MAIN, "one").shape == (6, 1)
    assert bundle.candidates_for(OTHER, ()) == ("one",)
    assert bundle.facts.bindings == given.facts.bindings
    assert bundle.facts.on_device == {"both", "one"}


def test_bundle_contains_the_recorded_reference_and_known_failures(given, given_file, board):
    bundle = open_bundle(given_file, board)
    np.testing.assert_array_equal(bundle.recorded.labels, given.recorded.labels)
    np.testing.assert_array_equal(bundle.recorded.probabilities, given.recorded.probabilities)
    assert bundle.recorded.logits is None
    known_failures = Path(bundle.facts.known_failures)
    assert known_failures.read_bytes() == given.known_failures.read_bytes()


def test_bundle_contains_no_path_of_the_host(given, given_file, tmp_path):
    """The locations of texts, tokenizer and declarations are private."""
    given = dataclasses.replace(given, budgets_shown="own.toml")
    write_bundle(given_file, given)
    with zipfile.ZipFile(given_file) as archive:
        for name in archive.namelist():
            assert str(tmp_path).encode() not in archive.read(name), name


def test_folder_of_the_toml_does_not_change_the_bundle(tmp_path):
    bundles = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        contents = dataclasses.replace(given_in(tmp_path / name), budgets_shown="own.toml")
        write_bundle(tmp_path / f"{name}.edge", contents)
        bundles.append((tmp_path / f"{name}.edge").read_bytes())
    assert bundles[0] == bundles[1]


def test_budgets_for_candidates_that_are_not_in_the_bundle_are_accepted(given, tmp_path, board):
    golden = {pair: logits for pair, logits in given.golden.items() if pair[1] == "both"}
    write_bundle(tmp_path / "b.edge", dataclasses.replace(given, golden=golden))
    bundle = open_bundle(tmp_path / "b.edge", board)
    assert "[accuracy.one]" in bundle.budgets.read_text("utf-8")
    assert (bundle.facts.candidates, bundle.facts.other_candidates) == (("both",), ("one",))


@pytest.mark.parametrize("labels", [2, 1000])
def test_bundle_may_have_one_thousand_labels(labels, tmp_path, board):
    names = [f"топик {number}" for number in range(labels)]
    (tmp_path / "labels.txt").write_text("\n".join(names), encoding="utf-8")
    (tmp_path / "many.tflite").write_bytes(classifier(classes=labels, names=("ids",)))
    (tmp_path / "ids.csv").write_text(f"text,label,ids\na,{names[1]},2 3\n", encoding="utf-8")
    table = TextsTable(file=str(tmp_path / "ids.csv"), ids="ids")
    candidate = CandidateTable(name="many.topics-1", flatbuffer=str(tmp_path / "many.tflite"))
    handed = Handed(
        name="m", candidates=(candidate,), texts=table, labels=str(tmp_path / "labels.txt")
    )
    provider = Given(take(handed))
    store = Store(tmp_path / "host")
    provider.make(store)
    (tmp_path / "b.toml").write_text('[agreement]\nmin = "90 %"\n', encoding="utf-8")
    contents = Contents(
        facts=provider.facts,
        artefacts=provider.artefacts(offline=True),
        store=store,
        golden={(MAIN, "many.topics-1"): np.zeros((1, labels), np.float32)},
        backends={MAIN: "2.3.0"},
        main_backend=MAIN,
        budgets=tmp_path / "b.toml",
        budgets_shown="b.toml",
        version="1",
        versions={},
    )
    write_bundle(tmp_path / "many.edge", contents)
    bundle = open_bundle(tmp_path / "many.edge", board)
    assert bundle.facts.labels == tuple(names)
    # The texts of this bundle are token ids, so that no tokenizer is needed.
    artefact = bundle.store.artefact(bundle.artefacts(("many.topics-1",)).texts)
    assert "tokenizer.json" not in artefact.members
    assert bundle.facts.on_device == frozenset()
