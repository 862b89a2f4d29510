"""What a bundle carries, and that what was written is what is opened."""

from __future__ import annotations

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from models.bundle.opening import open_bundle
from models.bundle.writing import write_bundle
from models.corpus.artefact import load_encoded
from models.errors import EdgeproofError
from suites.meta.bundle.conftest import flatbuffer


def test_the_same_artefacts_give_the_same_bytes(contents, file, tmp_path):
    write_bundle(tmp_path / "again.edge", contents)
    assert (tmp_path / "again.edge").read_bytes() == file.read_bytes()


def test_the_plan_is_the_hosts(contents, file, board):
    plan = open_bundle(file, board).plan(("float16",))
    assert [stage.key for stage in plan.stages()] == [s.key for s in contents.plan.stages()]
    assert list(plan.variants) == ["float32", "float16"]
    assert plan.request.subject == contents.plan.request.subject


def test_artefacts_are_whole_but_for_weights(contents, file, board):
    bundle = open_bundle(file, board)
    for stage in contents.plan.stages():
        kept = bundle.store.artefact(stage)
        kept.check()
        assert "weights.safetensors" not in kept.members
    kept = bundle.store.artefact(contents.plan.variants["float32"])
    assert kept.read("model.tflite") == flatbuffer()


def test_golden_logits_are_the_hosts(contents, file, board):
    bundle = open_bundle(file, board)
    for (runtime, scheme), logits in contents.golden.items():
        np.testing.assert_array_equal(bundle.golden(runtime, scheme), logits)


def test_of_tweets_that_no_board_answers_no_word_is_carried(contents, file, board):
    kept = open_bundle(file, board).store.artefact(contents.plan.corpus)
    encoded = load_encoded(kept)
    assert [len(encoded[split].ids) for split in encoded] == [0, 0, 6, 6]
    assert [len(encoded[split].labels) for split in encoded] == [6, 6, 6, 6]
    tweets = kept.text("tweets.jsonl")
    rows = [json.loads(line) for line in tweets.splitlines()]
    assert {row["split"] for row in rows if row["text"]} == {"test", "calibration"}
    assert len(rows) == 24
    assert kept.read("left_out.jsonl") == b""


def test_it_is_unpacked_once(file, board):
    first = open_bundle(file, board).kept.folder
    before = (first / "budgets.toml").stat().st_mtime_ns
    assert open_bundle(file, board).kept.folder == first
    assert (first / "budgets.toml").stat().st_mtime_ns == before


def test_a_runtime_gets_the_variants_that_were_right_on_it(file, board):
    bundle = open_bundle(file, board)
    assert bundle.schemes_for("ai_edge_litert", ()) == ("float32", "float16")
    assert bundle.schemes_for("tflite_runtime", ()) == ("float32",)
    with pytest.raises(EdgeproofError, match="float16 was not judged right on tflite_runtime"):
        bundle.schemes_for("tflite_runtime", ("float16",))


def test_the_boards_first_runtime_that_was_judged_is_taken(file, board):
    bundle = open_bundle(file, board)
    old = {"ai_edge_litert": "1.4.0", "tflite_runtime": "2.14.0"}
    assert bundle.runtime_for(old, None, "rpi3") == "tflite_runtime"


def test_a_variant_that_is_right_nowhere_is_not_carried(contents, tmp_path):
    golden = {pair: logits for pair, logits in contents.golden.items() if pair[1] == "float32"}
    write_bundle(tmp_path / "b.edge", dataclasses.replace(contents, golden=golden))
    names = zipfile.ZipFile(tmp_path / "b.edge").namelist()
    assert not [name for name in names if contents.plan.variants["float16"].key in name]


def test_nothing_that_is_right_is_no_bundle(contents, tmp_path):
    with pytest.raises(EdgeproofError, match="no variant was judged right"):
        write_bundle(tmp_path / "b.edge", dataclasses.replace(contents, golden={}))
    assert not (tmp_path / "b.edge").exists()


def test_a_folder_that_is_not_there_is_told(contents, tmp_path):
    with pytest.raises(EdgeproofError, match="cannot be written"):
        write_bundle(tmp_path / "nowhere" / "b.edge", contents)
