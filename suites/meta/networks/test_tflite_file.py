"""Edgeproof's network with the weights of a FlatBuffer gives the FlatBuffer's logits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.errors import UsageMistake
from models.networks import published
from models.networks.architecture import from_published
from suites.meta.scripts import printed_by

SCRIPT = Path(__file__).with_name("flatbuffer_check.py")
NETWORKS = ("bert", "mobilebert", "mobilebert_tiny", "mobilebert_layer_norm")
# Largest difference of the logits relative to their range; eight bits cause a few
# hundredths.
TOLERANCES = {
    "float32": 1e-5,
    "float16": 5e-3,
    "dynamic_wi8_afp32": 0.05,
    "static_wi8_ai8_integer": 0.1,
}
# The same limits between two row lengths of one file, whose sums over padding round differently.
LENGTHS = {"float32": 1e-5, "dynamic_wi8_afp32": 0.02, "static_wi8_ai8_dense": 0.05}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Return a folder with a checkpoint of every network and the script's answers."""
    pytest.importorskip("tensorflow", reason="making FlatBuffers needs TensorFlow")
    folder = tmp_path_factory.mktemp("flatbuffers")
    printed_by(SCRIPT, folder)
    return folder


@pytest.fixture(scope="module")
def answers(converted):
    """Return the errors by writer of the file, network and scheme."""
    return json.loads((converted / "answer.json").read_text())


@pytest.mark.parametrize("scheme", ["float32", "dynamic_wi8_afp32"])
@pytest.mark.parametrize("writer", ["ours", "foreign"])
@pytest.mark.parametrize("network", NETWORKS)
def test_network_with_weights_from_a_flatbuffer_gives_the_logits_of_the_flatbuffer(
    network, writer, scheme, answers
):
    assert answers[writer][network][scheme] < TOLERANCES[scheme]


@pytest.mark.parametrize("scheme", ["float16", "static_wi8_ai8_integer"])
def test_network_with_weights_from_a_quantized_flatbuffer_gives_close_logits(scheme, answers):
    assert answers["ours"]["mobilebert"][scheme] < TOLERANCES[scheme]


@pytest.mark.parametrize("network", NETWORKS)
def test_logits_are_equal_if_the_last_layer_computes_only_the_first_token(network, answers):
    assert answers["first_token"][network] < TOLERANCES["float32"]


@pytest.mark.parametrize("scheme", LENGTHS)
def test_two_row_lengths_of_one_file_give_close_logits_and_share_weights(scheme, answers):
    """Weights are stored once; value ranges observed on long rows serve both lengths."""
    assert answers["lengths"][scheme]["error"] < LENGTHS[scheme]
    assert answers["lengths"][scheme]["bytes"] < 2


@pytest.fixture
def folder(converted, tmp_path):
    """Return a copy of MobileBERT's checkpoint folder, which has a config and a FlatBuffer."""
    return shutil.copytree(converted / "mobilebert", tmp_path / "copy")


def change(folder, **keys):
    path = folder / "bert_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def read(folder):
    shape = from_published(folder, classes=3)
    return published.read_values(published.resolve(str(folder), offline=True), shape, seed=0)


def test_folder_with_a_flatbuffer_can_serve_as_a_checkpoint(folder):
    assert read(folder)["encoder.layer.1.ffn.1.output.dense.weight"].shape == (16, 48)
    assert [path.name for path in published.members(folder)] == ["bert_config.json", "model.tflite"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"num_hidden_layers": 3}, "has 2 attention layers, but its config says 3"),
        ({"num_feedforward_networks": 4}, "the file's graph lacks"),
        ({"use_bottleneck": False}, "the file's graph lacks embeddings.position_embeddings"),
        (
            {"max_position_embeddings": 512},
            "it has 10 position embeddings: set max_position_embeddings",
        ),
        ({"vocab_size": 61}, "the tensor is missing"),
        ({"intermediate_size": 64}, "has shape .48, 16.; expected .64, 16."),
    ],
)
def test_rejects_config_of_another_network(keys, message, folder):
    change(folder, **keys)
    with pytest.raises(UsageMistake, match=message) as caught:
        read(folder)
    assert caught.value.file == str(folder / "model.tflite")


def test_error_on_a_corrupt_flatbuffer_names_the_file(folder):
    path = folder / "model.tflite"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(Exception, match="truncated or corrupt") as caught:
        read(folder)
    assert caught.value.file == str(path)
