"""The builder cuts, teaches, rounds and converts a small model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.building.plan import make_plan, make_request
from models.candidates.scores import softmax
from models.errors import UsageMistake
from models.subjects import load_subject
from suites.meta.scripts import printed_by, run_builder

SUBJECT = """
name = "shrunk"
description = "A pipeline check: far too small to be good"
budgets = "embedded"
schemes = ["float32", "dynamic_wi4_afp32"]

[corpus]
source = "generated"
labels = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
counts = { train = 200, validation = 40, calibration = 20, test = 60 }
seed = 7

[tokenizer]
source = "trained"
vocabulary = 600
max_tokens = 40

[full.network]
family = "bert"
layers = 2
hidden = 32
heads = 2
intermediate = 48
activation = "gelu"
normalization = "layer_norm"

[full.training]
epochs = 1
batch = 32
learning_rate = 1e-3

[shrunk]
pieces = 250
layers = [1]
intermediate = 16
embedding = 8
activation = "relu"
rounding = "int4"

[shrunk.training]
epochs = 1
batch = 32
learning_rate = 1e-3

[shrunk.distillation]
temperature = 2.0
weight = 0.9
copies = 1
"""
# Program that classifies texts with stored weights, in a process of its own because pytest imports
# no TensorFlow.
ANSWER = """
import json, sys
from pathlib import Path
from safetensors.numpy import load_file
from models.corpus.artefact import load_encoded
from models.networks.architecture import Architecture
from models.artefact import open_artefact
from models.store import Stage
from models.training.finetune import answers_of
model, corpus = map(Path, sys.argv[1:])
shape = Architecture(**json.loads((model / "model.json").read_text())["architecture"])
values = load_file(model / "weights.safetensors")
test = load_encoded(open_artefact(corpus, Stage.key_of))["test"]
print(json.dumps(answers_of(shape, values, test).tolist()))
"""
WIDE = "embeddings.embedding_transformation.weight"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folders of the subject's artefacts by stage, in the order of building."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    folder = tmp_path_factory.mktemp("shrunk")
    done = run_builder(folder, SUBJECT)
    assert done.returncode == 0, done.stdout + done.stderr
    artefacts: dict[str, list[Path]] = {}
    for key, path in json.loads(done.stdout)["artefacts"].items():
        artefacts.setdefault(key.split("/")[0], []).append(Path(path))
    return artefacts


def test_shrunk_model_has_a_smaller_vocabulary_for_unchanged_texts(built):
    full, pruned = built["corpus"]
    assert (full / "texts.jsonl").read_bytes() == (pruned / "texts.jsonl").read_bytes()
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (full, pruned)]
    assert summaries[1]["vocabulary"] < summaries[0]["vocabulary"]
    assert 0.0 < summaries[1]["splits"]["test"]["out_of_vocabulary_share"] < 0.5
    assert summaries[1]["splits"]["test"]["texts"] == 60


def test_shrunk_model_has_the_requested_shape(built):
    card = json.loads((built["model"][-1] / "model.json").read_text())
    expected = {"layers": 1, "intermediate": 16, "embedding": 8, "hidden": 32}
    assert expected.items() <= card["architecture"].items()
    assert len(card["history"]) == 1


def test_shrunk_model_is_compared_with_the_full_model_after_each_epoch(built):
    subject = built["corpus"][0].parents[2] / "subject.toml"
    plan = make_plan(make_request(load_subject(subject)))
    store = built["model"][0].parents[1]
    answers = [plan.answers(copy).key for copy in (None, 0)]
    assert sorted(folder.name for folder in (store / "lesson").iterdir()) == sorted(answers)
    full, cut = (store / "model" / stage.key for stage in (plan.full, plan.cut))
    [epoch] = json.loads((cut / "model.json").read_text())["history"]
    shares, taught = (softmax(np.load(model / "logits.npz")["validation"]) for model in (full, cut))
    expected = -(shares * np.log(taught)).sum(axis=1)
    assert epoch["validation_loss"] == pytest.approx(expected.mean(), abs=1e-5)


def test_weights_of_the_shrunk_model_lie_on_the_int4_grid(built):
    values = load_file(built["model"][-1] / "weights.safetensors")
    for name in (WIDE, "embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight"):
        steps = values[name] / (np.abs(values[name]).max(axis=1, keepdims=True) / 7)
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)


def test_converted_file_gives_the_logits_of_the_trained_shrunk_model(built, tmp_path):
    folder = built["model"][-1]
    script = tmp_path / "answer.py"
    script.write_text(ANSWER)
    logits = np.array(json.loads(printed_by(script, folder, built["corpus"][-1])))
    np.testing.assert_allclose(logits, np.load(folder / "logits.npz")["test"], atol=1e-4)


def test_int4_file_of_the_shrunk_model_is_smaller_than_the_float_file(built):
    plain, fewer_bits = (folder / "model.tflite" for folder in built["variant"])
    assert 1000 < fewer_bits.stat().st_size < plain.stat().st_size


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[shrunk.training]\nepochs = 1\nbatch = 32\nlearning_rate = 1e-3\n", "", "training"),
        ("layers = [1]", "layers = []", "layers"),
        ("layers = [1]", "layers = [1, 0]", "ascending"),
        ("pieces = 250", "pieces = 0", "pieces"),
        ('rounding = "int4"', 'rounding = "int5"', "rounding"),
    ],
)
def test_error_on_an_invalid_shrinking_setting_names_the_key(tmp_path, before, after, message):
    assert before in SUBJECT
    subject = tmp_path / "shrunk.toml"
    subject.write_text(SUBJECT.replace(before, after))
    with pytest.raises(UsageMistake, match=message):
        load_subject(str(subject))
