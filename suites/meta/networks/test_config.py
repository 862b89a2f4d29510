"""A checkpoint's config decides the network, and mistakes in it are reported."""

from __future__ import annotations

import json

import pytest

from models.errors import UsageMistake
from models.networks.architecture import from_published
from models.networks.parameters import count, parameters, parts
from suites.meta.networks.configs import (
    BERT_LARGE,
    GOOGLE_BERT_LARGE,
    IB_BERT,
    MOBILEBERT,
    MOBILEBERT_TINY,
)


def read(folder, config, name="config.json"):
    (folder / name).write_text(json.dumps(config))
    return from_published(folder, classes=3)


def encoder_size(shape):
    return count(shape) - sum(parameter.size for parameter in parts(shape)["classifier"])


def test_bert_large_has_335141888_parameters_with_its_pooler(tmp_path):
    shape = read(tmp_path, BERT_LARGE)
    assert encoder_size(shape) == 335_141_888
    assert shape.pooled
    assert sum(parameter.size for parameter in parts(shape)["pooler"]) == 1024 * 1025


@pytest.mark.parametrize("name", ["config.json", "bert_config.json"])
def test_mobilebert_has_24581888_parameters_and_no_pooler(name, tmp_path):
    shape = read(tmp_path, MOBILEBERT, name)
    assert encoder_size(shape) == 24_581_888
    assert not shape.pooled
    assert parts(shape)["pooler"] == ()
    assert (shape.family, shape.attention_input, shape.normalization) == (
        "mobilebert",
        "shared",
        "no_norm",
    )
    assert sum(parameter.size for parameter in parts(shape)["embeddings"]) == 4_368_128


def test_mobilebert_tiny_computes_attention_values_inside_the_bottleneck(tmp_path):
    shape = read(tmp_path, MOBILEBERT_TINY, "bert_config.json")
    # The paper's table states 15.1M, but counts differently: it also states 25.3M for MobileBERT,
    # which has 24.6M.
    assert encoder_size(shape) == 15_485_696
    names = {parameter.name: parameter.shape for parameter in parameters(shape)}
    assert names["encoder.layer.0.attention.self.value.weight"] == (128, 128)
    assert "encoder.layer.0.bottleneck.attention.dense.weight" not in names
    assert "encoder.layer.23.ffn.0.output.dense.weight" in names
    assert "encoder.layer.23.ffn.1.output.dense.weight" not in names


def test_attention_of_an_inverted_bottleneck_reads_the_hidden_states(tmp_path):
    shape = read(tmp_path, IB_BERT, "bert_config.json")
    names = {parameter.name: parameter.shape for parameter in parameters(shape)}
    assert names["encoder.layer.0.attention.self.query.weight"] == (1024, 512)
    assert shape.pooled
    assert shape.normalization == "layer_norm"
    # The paper's table states 293M.
    assert encoder_size(shape) / 293e6 == pytest.approx(1.0, rel=0.01)


def test_missing_config_keys_get_the_defaults_of_the_hugging_face_class(tmp_path):
    shape = read(tmp_path, {**BERT_LARGE, "hidden_size": 512, "model_type": "mobilebert"})
    assert (shape.bottleneck, shape.embedding, shape.feedforward_networks) == (128, 128, 4)
    assert shape.trigram_embedding
    assert shape.pooled
    assert shape.normalization == "no_norm"


def test_gelu_in_a_google_config_means_the_tanh_approximation(tmp_path):
    assert read(tmp_path, GOOGLE_BERT_LARGE, "bert_config.json").activation == "gelu_new"


def test_classifier_dropout_may_differ_from_the_networks_dropout(tmp_path):
    shape = read(tmp_path, {**BERT_LARGE, "classifier_dropout": 0.2})
    assert (shape.dropout, shape.classifier_dropout) == (0.1, 0.2)
    assert read(tmp_path, {**BERT_LARGE, "classifier_dropout": None}).classifier_dropout == 0.1


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"model_type": "roberta"}, "model_type"),
        ({"hidden_size": "1024"}, "hidden_size"),
        ({"hidden_size": 1000}, "hidden_size"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"hidden_act": "swish"}, "hidden_act"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"hidden_dropout_prob": 1.5}, "hidden_dropout_prob"),
    ],
)
def test_error_on_an_invalid_config_names_the_key(change, key, tmp_path):
    with pytest.raises(UsageMistake) as caught:
        read(tmp_path, BERT_LARGE | change)
    assert caught.value.key == key
    assert caught.value.file == str(tmp_path / "config.json")


def test_error_on_an_incomplete_config_names_the_missing_key(tmp_path):
    broken = {key: value for key, value in BERT_LARGE.items() if key != "num_hidden_layers"}
    with pytest.raises(UsageMistake, match="num_hidden_layers"):
        read(tmp_path, broken)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_rejects_config_other_than_a_json_object(text, tmp_path):
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(UsageMistake, match="JSON"):
        from_published(tmp_path, classes=3)


def test_rejects_checkpoint_folder_without_a_config(tmp_path):
    with pytest.raises(UsageMistake, match="neither this file nor"):
        from_published(tmp_path, classes=3)
