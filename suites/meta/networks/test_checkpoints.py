"""Each model starts from the checkpoint of the subject or the user; mistakes are reported."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from models.building.checkpoints import (
    choose_checkpoints,
    make_folders_absolute,
    require_one_vocabulary,
)
from models.errors import UsageMistake
from models.subjects import ModelTable, Subject, load_subject, subject_names

TRAINING = {"epochs": 1, "batch": 8, "learning_rate": 1e-3}
NETWORK = {
    "family": "bert",
    "layers": 1,
    "hidden": 8,
    "heads": 2,
    "intermediate": 8,
    "activation": "relu",
    "normalization": "layer_norm",
}


def subject(full, small=None, /, **changes):
    """Return a subject whose models start from these checkpoints; None means from scratch."""

    def model(start):
        settings = {"network": NETWORK} if start is None else {"pretrained": start}
        return settings | {"training": TRAINING}

    models = {"full": model(full)} | ({"small": model(small[0])} if small else {})
    table = {
        "name": "any",
        "description": "",
        "budgets": "embedded",
        "schemes": ["float32"],
        "corpus": {
            "source": "generated",
            "labels": ["NEGATIVE", "POSITIVE"],
            "counts": {"validation": 2, "calibration": 1, "test": 2},
            "seed": 1,
        },
        "tokenizer": {"source": "pretrained"},
    }
    return msgspec.convert(table | models | changes, Subject)


def test_checkpoints_named_in_the_subject_are_used_by_default():
    assert choose_checkpoints(subject("a/large", ["b/small"]), None) == {
        "full": "a/large",
        "small": "b/small",
    }


def test_users_checkpoint_is_used_for_models_without_a_named_checkpoint():
    assert choose_checkpoints(subject(True), "DIR") == {"full": "DIR"}
    assert choose_checkpoints(subject("a/large", [True]), "DIR") == {
        "full": "a/large",
        "small": "DIR",
    }
    assert choose_checkpoints(subject(True, [True]), "DIR") == {"full": "DIR", "small": "DIR"}


def test_users_checkpoint_replaces_the_only_checkpoint_of_the_subject():
    assert choose_checkpoints(subject("a/large"), "DIR") == {"full": "DIR"}


def test_each_model_can_have_its_own_checkpoint():
    two_models = subject("a/large", ["b/small"])
    option = "full=/with,comma,small=/some where"
    assert choose_checkpoints(two_models, option) == {"full": "/with,comma", "small": "/some where"}
    assert choose_checkpoints(two_models, "small=C") == {"full": "a/large", "small": "C"}


@pytest.mark.parametrize(
    ("tested", "option", "message"),
    [
        (subject(True), None, "needs a published checkpoint for its full model"),
        (subject(True, [True]), "small=A", "for its full model"),
        (subject("a/b", ["c/d"]), "DIR", "could be the full or the small model"),
        (subject(True, [None]), "small=A,full=B", "its small model from scratch and would ignore"),
        (subject(None, tokenizer={"source": "trained"}), "DIR", "trains from scratch"),
    ],
)
def test_rejects_pretrained_option_that_does_not_fit_the_subject(tested, option, message):
    with pytest.raises(UsageMistake, match=message) as caught:
        choose_checkpoints(tested, option)
    assert caught.value.key == "--edge-pretrained"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"full": {"training": TRAINING}}, "needs one of `network`, `pretrained` and `checkpoint`"),
        (
            {"full": {"training": TRAINING, "network": NETWORK, "pretrained": True}},
            "needs one of `network`, `pretrained` and `checkpoint`",
        ),
        ({"tokenizer": {"source": "trained"}}, "`tokenizer.source` must be"),
        (
            {
                "full": {
                    "training": TRAINING,
                    "pretrained": True,
                    "distillation": {"temperature": 2.0, "weight": 0.5},
                }
            },
            "no model to learn from",
        ),
    ],
)
def test_rejects_subject_whose_settings_contradict_each_other(changes, message):
    with pytest.raises(msgspec.ValidationError, match=message):
        subject(True, **changes)


@pytest.mark.parametrize(
    "table",
    [
        {"training": TRAINING | {"accumulation": 9}, "network": NETWORK},
        {"training": TRAINING | {"precision": "float16"}, "network": NETWORK},
        {
            "training": TRAINING,
            "network": NETWORK,
            "distillation": {"temperature": 0.5, "weight": 0.5},
        },
        {"training": TRAINING, "pretrained": ""},
    ],
)
def test_rejects_invalid_training_setting(table):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, ModelTable)


@pytest.mark.parametrize("name", subject_names())
def test_every_shipped_subject_is_valid(name):
    assert load_subject(name).name == name


def test_subjects_of_the_paper_name_the_published_encoders():
    assert choose_checkpoints(load_subject("paper"), None) == {
        "full": "google-bert/bert-large-uncased",
        "small": "google/mobilebert-uncased",
    }
    assert choose_checkpoints(load_subject("paper_tiny"), "TINY")["small"] == "TINY"


def folder_with(path, pieces, *, whole):
    path.mkdir()
    if whole:
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        document = {"model": {"type": "WordPiece", "vocab": vocabulary}}
        (path / "tokenizer.json").write_text(json.dumps(document))
    else:
        (path / "vocab.txt").write_text("\n".join(pieces) + "\n")
    return path


@pytest.mark.parametrize("whole", [True, False])
def test_accepts_checkpoints_with_equal_vocabularies(whole, tmp_path):
    pieces = ["[PAD]", "[UNK]", "good", "##ly"]
    full = folder_with(tmp_path / "full", pieces, whole=True)
    small = folder_with(tmp_path / "small", pieces, whole=whole)
    require_one_vocabulary({"full": full, "small": small})


def test_rejects_checkpoints_with_different_vocabularies(tmp_path):
    full = folder_with(tmp_path / "full", ["[PAD]", "good"], whole=False)
    small = folder_with(tmp_path / "small", ["good", "[PAD]"], whole=False)
    with pytest.raises(UsageMistake, match="vocabulary differs from that of") as caught:
        require_one_vocabulary({"full": full, "small": small})
    assert caught.value.file == str(small)


def test_error_on_a_checkpoint_without_a_vocabulary_names_the_file(tmp_path):
    full = folder_with(tmp_path / "full", ["good"], whole=False)
    (tmp_path / "small").mkdir()
    with pytest.raises(UsageMistake, match="cannot be read") as caught:
        require_one_vocabulary({"full": full, "small": tmp_path / "small"})
    assert caught.value.file == str(tmp_path / "small" / "vocab.txt")


def test_checkpoint_folders_are_made_absolute_and_hub_ids_are_unchanged(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert make_folders_absolute("mine") == str(tmp_path / "mine")
    assert make_folders_absolute("google/mobilebert-uncased") == "google/mobilebert-uncased"
    assert (
        make_folders_absolute("full=google/bert,small=mine")
        == f"full=google/bert,small={tmp_path / 'mine'}"
    )
    assert make_folders_absolute("small=mine") == f"small={tmp_path / 'mine'}"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("", "'' contains no checkpoint. Give a folder"),
        ("full=", "'full=' contains no checkpoint for the full model. Give a folder"),
        ("full=a/b,full=c/d", "'full=a/b,full=c/d' gives the full model twice. Give a folder"),
    ],
)
def test_rejects_option_with_an_empty_or_repeated_checkpoint(option, message):
    with pytest.raises(UsageMistake, match=re.escape(message)):
        make_folders_absolute(option)
