"""The checkpoint folder of a publisher is read, or rejected with a reason."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from models.building.plan import make_request
from models.errors import UsageMistake
from models.huggingface.checkpoint import read_checkpoint, read_config
from models.huggingface.labels import labels_in_order
from models.networks import hub
from models.networks.published import members, resolve
from models.subjects import load_subject
from suites.meta.huggingface import small
from suites.meta.tokenizers.checkpoint_folders import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLASSIFIER: dict[str, Any] = {
    "architectures": ["RobertaForSequenceClassification"],
    "id2label": {"0": "positive", "1": "negative", "2": "neutral"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a RoBERTa classifier, whose weights these tests do not read."""
    folder = tmp_path / "roberta"
    write("roberta", folder)
    change(folder, **CLASSIFIER)
    (folder / "model.safetensors").write_bytes(b"never read")
    return folder


def change(folder: Path, **config: Any) -> None:
    """Change keys of a folder's config.json; None removes a key."""
    file = folder / "config.json"
    document = json.loads(file.read_text("utf-8")) | config
    remaining = {key: value for key, value in document.items() if value is not None}
    file.write_text(json.dumps(remaining), encoding="utf-8")


def request(folder: Path, full: str = small.TRAINED, **tokenizer: Any) -> Any:
    """Return the request of a run for a subject with this checkpoint."""
    corpus, subject = folder.parent / "texts.csv", folder.parent / "subject.toml"
    small.write_texts(corpus)
    small.write_subject(subject, folder, full, **tokenizer)
    return make_request(load_subject(str(subject)), corpus=corpus)


def test_labels_are_in_the_order_of_the_checkpoint(folder: Path) -> None:
    assert request(folder).subject.corpus.labels == ("POSITIVE", "NEGATIVE", "NEUTRAL")


def test_row_length_and_pair_setting_are_read_from_the_checkpoint(folder: Path) -> None:
    subject = request(folder).subject
    assert (subject.max_tokens, subject.pairs_with_group) == (512, False)
    assert request(folder, max_tokens=48).subject.max_tokens == 48


def test_labels_mapping_renames_the_labels_of_the_checkpoint(folder: Path) -> None:
    change(folder, id2label={"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"})
    mapping = 'labels = { LABEL_0 = "NEUTRAL", LABEL_1 = "POSITIVE", LABEL_2 = "NEGATIVE" }'
    subject = request(folder, f"{small.TRAINED}\n{mapping}").subject
    assert subject.corpus.labels == ("NEUTRAL", "POSITIVE", "NEGATIVE")


@pytest.mark.parametrize(
    ("outputs", "mapping"),
    [
        (("a", "b", "c"), {}),
        (("negative", "neutral"), {}),
        (("negative", "neutral", "positive", "mixed"), {}),
        (("a", "b", "c"), {"a": "NEGATIVE", "b": "NEGATIVE", "c": "POSITIVE"}),
        (("a", "b", "c"), {"d": "NEGATIVE"}),
        (("negative", "neutral", "positive"), {"negative": "POSITIVE"}),
    ],
)
def test_rejects_checkpoint_labels_that_do_not_fit_the_labels_of_the_texts(
    outputs: tuple[str, ...], mapping: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(UsageMistake) as caught:
        labels_in_order(outputs, mapping, small.LABELS, tmp_path / "config.json")
    assert caught.value.file == str(tmp_path / "config.json")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"model_type": None}, "model_type", "is missing"),
        ({"model_type": 7}, "model_type", "is missing"),
        ({"architectures": ["RobertaForMaskedLM"]}, "architectures", "RobertaForMaskedLM"),
        ({"architectures": ["RobertaModel"]}, "architectures", "RobertaModel"),
        ({"architectures": None}, "architectures", "nothing"),
        ({"architectures": "RobertaModel"}, "architectures", "list"),
        ({"id2label": {"0": "score"}}, "id2label", "regression"),
        ({"problem_type": "regression"}, "problem_type", "regression"),
        ({"problem_type": "multi_label_classification"}, "problem_type", "several labels"),
        ({"problem_type": 3}, "problem_type", "text"),
        ({"id2label": None}, "id2label", "is missing"),
        ({"id2label": {"1": "a", "2": "b"}}, "id2label", "numbered from 0"),
        ({"id2label": {"0": "a", "1": "a"}}, "id2label", "a name of its own"),
        ({"id2label": ["a", "b"]}, "id2label", "numbered from 0"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers", "256"),
        ({"hidden_size": 10**12}, "hidden_size", "4,194,304"),
    ],
)
def test_rejects_configs_of_other_tasks(
    folder: Path, changes: dict[str, Any], key: str, says: str
) -> None:
    change(folder, **changes)
    with pytest.raises(UsageMistake) as caught:
        request(folder)
    assert caught.value.key == key
    assert says in caught.value.what
    assert caught.value.file == str(folder / "config.json")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"model_type": "roberta", "model_type": "bert"}', b"\xff\xfe"]
)
def test_rejects_configs_other_than_a_json_object(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(UsageMistake):
        read_config(folder)


def test_rejects_weights_that_pytorch_cannot_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model.tflite")
    with pytest.raises(UsageMistake, match="PyTorch cannot read"):
        read_checkpoint(folder)


def write_index(folder: Path, shards: dict[str, str]) -> None:
    """Write the index of sharded weights without a shard."""
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": shards}), encoding="utf-8")
    (folder / "model.safetensors").unlink()


def test_sharded_weight_files_are_part_of_a_checkpoint(folder: Path) -> None:
    names = [f"model-{number:05}-of-00002.safetensors" for number in (1, 2)]
    write_index(folder, {"a.weight": names[0], "b.weight": names[1], "c.weight": names[0]})
    for name in names:
        (folder / name).write_bytes(b"never read")
    files_of_checkpoint = {path.name for path in members(resolve(str(folder), offline=True))}
    assert {*names, "model.safetensors.index.json"} <= files_of_checkpoint


@pytest.mark.parametrize(
    "shards",
    [
        {},
        {"a": "gone.safetensors"},
        {"a": "../model.safetensors"},
        {"a": "/etc/passwd"},
        {"a": 1},
        {f"t{n}": f"s{n}.safetensors" for n in range(2000)},
    ],
)
def test_rejects_weight_index_that_names_missing_or_outside_files(
    folder: Path, shards: dict[str, str]
) -> None:
    write_index(folder, shards)
    with pytest.raises(UsageMistake) as caught:
        members(folder)
    assert caught.value.file == str(folder / "model.safetensors.index.json")


def refuse(error: Exception) -> Callable[..., str]:
    """Return a function that raises this error of a failed download."""

    def download(*_: Any, **__: Any) -> str:
        raise error

    return download


def test_error_says_why_a_hub_id_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs the group 'host'")
    import httpx2  # noqa: PLC0415 - only this test needs the hub's client

    answer = httpx2.Response(403, request=httpx2.Request("GET", "https://example.org"))
    errors = importlib.import_module("huggingface_hub.errors")
    for error, offline, says in (
        (errors.GatedRepoError("gated", response=answer), False, "gated"),
        (errors.RepositoryNotFoundError("none", response=answer), False, "has no checkpoint"),
        (errors.LocalEntryNotFoundError("none"), True, "--edge-offline forbids downloading it"),
        (errors.LocalEntryNotFoundError("none"), False, "cannot be downloaded"),
        (errors.OfflineModeIsEnabled("off"), False, "cannot be downloaded"),
        (OSError("no route"), False, "no route"),
    ):
        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse(error))
        with pytest.raises(UsageMistake, match=says):
            hub.fetch("owner/name", ["config.json"], key="--edge-pretrained", offline=offline)


SHORT = "[full.training]\nepochs = 1\nbatch = 1\nlearning_rate = 1e-3"


@pytest.mark.parametrize(
    ("full", "says"),
    [
        (f"trained = true\n{SHORT}", "uses the checkpoint unchanged"),
        ("trained = false", "trained = true"),
        (f'labels = {{ a = "NEGATIVE" }}\n{SHORT}', "labels"),
        ("trained = true\npretrained = true", "one of"),
        ("trained = true\n[shrunk]\npieces = 200", "converted as it is"),
    ],
)
def test_rejects_subject_whose_settings_contradict_each_other(
    folder: Path, full: str, says: str
) -> None:
    with pytest.raises(UsageMistake, match=says):
        request(folder, full)


@pytest.mark.parametrize("option", ["averaging = 0.998", "patience = 2"])
def test_rejects_training_options_that_pytorch_training_lacks(folder: Path, option: str) -> None:
    training = f"{small.TRAINING}\n{option}\n"
    with pytest.raises(UsageMistake, match="not supported for this checkpoint") as caught:
        request(folder, training)
    assert caught.value.key == "full.training"
