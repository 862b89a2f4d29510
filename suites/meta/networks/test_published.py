"""A checkpoint is found, and its tensors are read by name; errors name the tensor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from models.errors import UsageMistake
from models.networks import published
from suites.meta.networks import torch_files
from suites.meta.networks.checkpoints import CLASSES, as_published, make_folder

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    """Return an empty folder."""
    return tmp_path


def write(folder, values):
    save_file(as_published(values), folder / published.SAFETENSORS)


def test_values_read_from_a_checkpoint_equal_the_written_ones(folder):
    shape, values = make_folder(folder)
    write(folder, values)
    read = published.read_values(folder, shape, seed=1)
    assert all(np.array_equal(read[name], values[name]) for name in values)
    assert read["classifier.weight"].shape == (CLASSES, 16)


def test_classifier_weights_are_newly_initialized_from_the_seed(folder):
    shape, values = make_folder(folder)
    write(folder, values | {"classifier.weight": np.zeros((CLASSES, 16), np.float32)})
    first, again, with_another_seed = (
        published.read_values(folder, shape, seed) for seed in (1, 1, 2)
    )
    assert first["classifier.weight"].any()
    assert np.array_equal(first["classifier.weight"], again["classifier.weight"])
    assert not np.array_equal(first["classifier.weight"], with_another_seed["classifier.weight"])


def test_missing_pooler_is_newly_initialized(folder):
    shape, values = make_folder(folder)
    write(folder, {k: v for k, v in values.items() if not k.startswith("pooler")})
    assert published.read_values(folder, shape, seed=1)["pooler.dense.weight"].any()


def test_old_names_of_normalization_weights_are_accepted(folder):
    shape, values = make_folder(folder)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in values.items()
    }
    write(folder, old)
    read = published.read_values(folder, shape, seed=1)
    assert all(np.array_equal(read[name], values[name]) for name in values)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_float16_and_bfloat16_weights_are_converted_to_float32(dtype, folder):
    shape, values = make_folder(folder)
    narrow = {name: value.astype(dtype) for name, value in values.items()}
    write(folder, narrow)
    read = published.read_values(folder, shape, seed=1)
    assert all(np.array_equal(read[name], narrow[name].astype(np.float32)) for name in narrow)
    assert {array.dtype for array in read.values()} == {np.dtype(np.float32)}


NAME = "encoder.layer.1.attention.self.value.weight"


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (None, r"the tensor is missing; expected shape \[8, 16\]"),
        (np.zeros((16, 8), np.float32), r"has shape \[16, 8\]; expected \[8, 16\]"),
        (np.full((8, 16), np.nan, np.float32), r"of shape \[8, 16\] holds NaN"),
    ],
    ids=["missing", "shape", "nan"],
)
@pytest.mark.parametrize("name", [published.SAFETENSORS, published.TORCH])
def test_error_on_a_wrong_or_missing_tensor_names_the_tensor(name, tensor, message, folder):
    shape, values = make_folder(folder)
    del values[NAME]
    if tensor is not None:
        values[NAME] = tensor
    if name == published.SAFETENSORS:
        write(folder, values)
    else:
        (folder / name).write_bytes(torch_files.archive(as_published(values)))
    with pytest.raises(UsageMistake, match=message) as caught:
        published.read_values(folder, shape, seed=1)
    assert (caught.value.key, caught.value.file) == (NAME, str(folder / name))


def test_error_on_a_truncated_safetensors_file_names_the_file(folder):
    shape, values = make_folder(folder)
    write(folder, values)
    path = folder / published.SAFETENSORS
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UsageMistake, match="not a readable safetensors") as caught:
        published.read_values(folder, shape, seed=1)
    assert caught.value.file == str(path)


def test_safetensors_file_is_preferred_to_a_pytorch_file(folder):
    shape, values = make_folder(folder)
    write(folder, values)
    (folder / published.TORCH).write_bytes(b"not read")
    (folder / "vocab.txt").write_text("[PAD]")
    assert published.read_values(folder, shape, seed=1)
    names = [path.name for path in published.members(folder)]
    assert names == ["config.json", "model.safetensors", "vocab.txt"]


def test_every_file_of_a_sharded_tensorflow_checkpoint_is_included(folder):
    make_folder(folder)
    for end in ("index", "data-00000-of-00002", "data-00001-of-00002", "meta"):
        (folder / f"bert_model.ckpt.{end}").write_bytes(b"")
    assert [path.name for path in published.members(folder)] == [
        "bert_model.ckpt.data-00000-of-00002",
        "bert_model.ckpt.data-00001-of-00002",
        "bert_model.ckpt.index",
        "config.json",
    ]


def test_rejects_folder_with_two_checkpoints(folder):
    make_folder(folder)
    for name in ("bert_model.ckpt.index", "other.ckpt.index"):
        (folder / name).write_bytes(b"")
    with pytest.raises(UsageMistake, match=r"with weights: bert_model\.ckpt\.index, other\.ckpt"):
        published.resolve(str(folder), offline=True)


def test_error_on_a_folder_without_weights_lists_accepted_files(folder):
    make_folder(folder)
    with pytest.raises(UsageMistake, match=r"pytorch_model\.bin"):
        published.resolve(str(folder), offline=True)


def test_rejects_folder_without_config(folder):
    save_file({"a": np.zeros(1, np.float32)}, folder / published.SAFETENSORS)
    with pytest.raises(UsageMistake, match=r"holds neither config\.json"):
        published.resolve(str(folder), offline=True)


@pytest.mark.parametrize("text", ["./absent", "/absent", "absent", "a/b/c"])
def test_rejects_checkpoint_that_is_neither_a_folder_nor_a_hub_id(text):
    with pytest.raises(UsageMistake, match="no folder"):
        published.resolve(text, offline=True)


HUB = """
import sys
from models.errors import UsageMistake
from models.networks import published
try:
    print(published.resolve(sys.argv[1], offline=False))
except UsageMistake as error:
    print("refused:", error.what)
"""


def resolve_on_the_hub(hub_id, home):
    """Resolve an id in a separate process, because the hub's library reads variables on import."""
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", HUB, hub_id],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def cache(home, folder):
    """Move a checkpoint's files into a cache like that of the hub; return the snapshot's folder."""
    cached = home / "hub" / "models--owner--name"
    snapshot, blobs = cached / "snapshots" / "0123abcd", cached / "blobs"
    for folder_made in (snapshot, blobs, cached / "refs"):
        folder_made.mkdir(parents=True)
    (cached / "refs" / "main").write_text("0123abcd")
    for number, file in enumerate(folder.iterdir()):
        blob = file.rename(blobs / f"{number:040x}")
        (snapshot / file.name).symlink_to(Path("../../blobs", blob.name))
    return snapshot


@pytest.mark.parametrize("weights", [published.SAFETENSORS, published.TORCH])
def test_cached_hub_checkpoint_is_read_offline(weights, tmp_path):
    folder = tmp_path / "downloaded"
    folder.mkdir()
    shape, values = make_folder(folder)
    if weights == published.SAFETENSORS:
        write(folder, values)
    else:
        (folder / weights).write_bytes(torch_files.archive(as_published(values)))
    snapshot = cache(tmp_path, folder)
    assert resolve_on_the_hub("owner/name", tmp_path) == str(snapshot)
    read = published.read_values(snapshot, shape, seed=1)
    assert all(np.array_equal(read[name], values[name]) for name in values)
    assert [path.name for path in published.members(snapshot)] == ["config.json", weights]


def test_rejects_offline_hub_id_that_is_not_cached(tmp_path):
    answer = resolve_on_the_hub("owner/absent", tmp_path)
    assert answer.startswith("refused: 'owner/absent' is not in the local cache")
