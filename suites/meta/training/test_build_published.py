"""The builder fine-tunes two published encoders, one as teacher of the other."""

from __future__ import annotations

import json
import string

import numpy as np
import pytest
from safetensors.numpy import save_file

from models.networks import published
from models.networks.architecture import from_published
from models.networks.parameters import initial_values
from suites.meta.networks import torch_files
from suites.meta.scripts import run_builder
from suites.meta.training.tables import CORPUS, TRAINING

PIECES = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *string.ascii_lowercase,
    *(f"##{letter}" for letter in string.ascii_lowercase),
    *string.digits,
)
BERT = {
    "model_type": "bert",
    "vocab_size": len(PIECES),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 24,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}
MOBILEBERT = {
    **BERT,
    "model_type": "mobilebert",
    "hidden_act": "relu",
    "hidden_dropout_prob": 0.0,
    "embedding_size": 8,
    "intra_bottleneck_size": 8,
    "num_feedforward_networks": 2,
    "classifier_activation": False,
}
SUBJECT = f"""
name = "two_published"
description = "Two tiny encoders"
budgets = "pretrained"
schemes = ["float32"]

{CORPUS}
[tokenizer]
source = "pretrained"
max_tokens = 24

[full]
pretrained = true

[full.training]
{TRAINING}
[small]
pretrained = true

[small.training]
{TRAINING}accumulation = 2

[small.distillation]
temperature = 2.0
weight = 0.5
"""


def make_checkpoint(folder, config):
    """Write config and vocabulary; return random weights under their published names."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    values = initial_values(from_published(folder, classes=3), seed=1)
    return {f"{config['model_type']}.{name}": value for name, value in values.items()}


def build(folder, pretrained):
    return run_builder(folder, SUBJECT, "--pretrained", pretrained)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a BERT as safetensors, `full`, and a MobileBERT of PyTorch, `small`."""
    pytest.importorskip("tensorflow", reason="building needs TensorFlow")
    folder = tmp_path_factory.mktemp("published")
    save_file(make_checkpoint(folder / "full", BERT), folder / "full" / published.SAFETENSORS)
    small = make_checkpoint(folder / "small", MOBILEBERT)
    (folder / "small" / published.TORCH).write_bytes(torch_files.legacy(small))
    return folder


@pytest.fixture(scope="module")
def built(folder):
    """Return the completed process of the builder."""
    return build(folder, f"full={folder / 'full'},small={folder / 'small'}")


def test_both_models_start_from_their_own_checkpoint(built, folder):
    assert built.returncode == 0, built.stdout
    cards = [json.loads(card.read_text()) for card in folder.glob("store/model/*/model.json")]
    families = {card["architecture"]["family"]: len(card["history"]) for card in cards}
    assert families == {"bert": 1, "mobilebert": 1}


def test_small_model_is_distilled_from_the_full_model(built):
    assert "full model: classifying the train split, to teach the small one" in built.stderr


def test_finished_training_leaves_no_resume_state(built, folder):
    assert built.returncode == 0
    assert not list(folder.glob("store/model/*.resume"))


def test_logits_of_both_models_are_stored_for_every_split(built, folder):
    assert built.returncode == 0
    for path in folder.glob("store/model/*/logits.npz"):
        with np.load(path) as logits:
            assert {name: logits[name].shape for name in logits} == {
                "validation": (20, 3),
                "calibration": (10, 3),
                "test": (20, 3),
            }


def test_rejects_checkpoints_with_different_vocabularies(built, folder, tmp_path):
    assert built.returncode == 0
    second = tmp_path / "other"
    save_file(make_checkpoint(second, MOBILEBERT), second / published.SAFETENSORS)
    (second / "vocab.txt").write_text("\n".join(reversed(PIECES)) + "\n")
    refused = build(folder, f"full={folder / 'full'},small={second}")
    assert refused.returncode == 4
    assert "its vocabulary differs from that of" in json.loads(refused.stdout)["error"]["what"]
