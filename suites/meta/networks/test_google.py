"""Google's TensorFlow 1 checkpoints are read by the names that Google's code gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.networks.names import from_google
from suites.meta.scripts import printed_by

SCRIPT = Path(__file__).with_name("google_check.py")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return the results of writing and reading a BERT and a MobileBERT."""
    pytest.importorskip("tensorflow", reason="TensorFlow's checkpoints need TensorFlow")
    return json.loads(printed_by(SCRIPT, tmp_path_factory.mktemp("google")))


@pytest.mark.parametrize("family", ["bert", "mobilebert"])
def test_tensorflow_variables_and_network_parameters_correspond_one_to_one(family, answers):
    assert answers[family]["unmatched"] == []


@pytest.mark.parametrize("family", ["bert", "mobilebert"])
def test_values_read_from_a_tensorflow_checkpoint_equal_the_written_ones(family, answers):
    assert answers[family]["equal"]


@pytest.mark.parametrize("fault", ["truncated", "missing_shard"])
def test_error_on_a_broken_tensorflow_checkpoint_names_its_index(fault, answers):
    assert "model.ckpt.index: is not a readable TensorFlow checkpoint" in answers["bert"][fault]


@pytest.mark.parametrize(
    ("google", "name"),
    [
        ("bert/embeddings/word_embeddings", "embeddings.word_embeddings.weight"),
        ("bert/embeddings/LayerNorm/beta", "embeddings.LayerNorm.bias"),
        (
            "bert/encoder/layer_11/ffn_layer_2/output/FakeLayerNorm/gamma",
            "encoder.layer.11.ffn.2.output.LayerNorm.weight",
        ),
        (
            "bert/encoder/layer_0/attention/self/query/kernel",
            "encoder.layer.0.attention.self.query.weight",
        ),
    ],
)
def test_google_variable_names_are_mapped_to_parameter_names(google, name):
    assert from_google(google) == name
