"""Fine-tuning through PyTorch is reproducible bit for bit, and resumes after a kill.

Needs the dependency group `torch`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.corpus.artefact import make_corpus
from models.corpus.tokenize import encode, load_published
from models.errors import EdgeproofError
from models.huggingface.checkpoint import read_checkpoint
from models.subjects import TokenizerTable, TrainingTable, load_subject
from suites.meta.huggingface import small

if TYPE_CHECKING:
    from pathlib import Path

    from models.corpus.tokenize import Encoded

pytestmark = pytest.mark.skipif(
    find_spec("litert_torch") is None,
    reason="fine-tuning a checkpoint needs the dependency group 'torch'",
)
TABLE = TrainingTable(epochs=3, batch=30, learning_rate=2e-3, seed=3)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small untrained RoBERTa; return its folder."""
    folder = tmp_path_factory.mktemp("training") / "roberta"
    small.make_encoder("roberta", folder)
    return folder


@pytest.fixture(scope="module")
def splits(encoder: Path) -> dict[str, Encoded]:
    """Return at most 120 texts of the train and of the validation split, encoded."""
    corpus, subject = encoder.parent / "texts.csv", encoder.parent / "subject.toml"
    small.write_texts(corpus)
    small.write_subject(subject, encoder, small.TRAINING)
    labelled = make_corpus(load_subject(str(subject)), corpus)
    table = TokenizerTable(source="pretrained", max_tokens=small.TOKENS)
    tokenizer = load_published(encoder, table, pairs=False)
    return {
        split: encode(tokenizer, labelled.splits[split][:120], pair_with_group=False)
        for split in ("train", "validation")
    }


class KilledError(Exception):
    """An error that stands for a kill between two epochs."""


def train(
    encoder: Path,
    splits: dict[str, Encoded],
    folder: Path,
    table: TrainingTable = TABLE,
    kill_after: int | None = None,
) -> tuple[bytes, Any, list[int]]:
    """Fine-tune an encoder; return the weights, the history, and the epochs that were run."""
    from models.huggingface.network import load_network  # noqa: PLC0415 - slow to import
    from models.huggingface.training import fine_tune  # noqa: PLC0415 - likewise

    network, epochs_trained = (
        load_network(read_checkpoint(encoder), classes=3, seed=table.seed),
        set(),
    )

    def report(step: Any) -> None:
        if kill_after is not None and step.epoch > kill_after:
            raise KilledError
        epochs_trained.add(step.epoch)

    history = fine_tune(network, table, splits, report, folder)
    return network.weights(), history, sorted(epochs_trained)


def test_repeated_fine_tuning_gives_identical_weights(
    encoder: Path, splits: dict[str, Encoded], tmp_path: Path
) -> None:
    first, again = (train(encoder, splits, tmp_path / name) for name in "ab")
    assert first == again
    assert [epoch.epoch for epoch in first[1]] == [1, 2, 3]
    assert first[1][-1].loss < first[1][0].loss


def test_resumed_fine_tuning_gives_the_weights_of_an_uninterrupted_one(
    encoder: Path, splits: dict[str, Encoded], tmp_path: Path
) -> None:
    uninterrupted = train(encoder, splits, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(encoder, splits, tmp_path / "killed", kill_after=2)
    weights, history, epochs = train(encoder, splits, tmp_path / "killed")
    assert (weights, history) == uninterrupted[:2]
    assert epochs == [3]


def test_accumulated_gradients_train_nearly_like_a_whole_batch(
    encoder: Path, splits: dict[str, Encoded], tmp_path: Path
) -> None:
    from safetensors.numpy import load  # noqa: PLC0415 - only if it is installed

    parted = TrainingTable(epochs=1, batch=30, learning_rate=1e-4, seed=3, accumulation=3)
    whole = TrainingTable(epochs=1, batch=30, learning_rate=1e-4, seed=3)
    first, second = (
        load(train(encoder, splits, tmp_path / name, table)[0])
        for name, table in (("parted", parted), ("whole", whole))
    )
    # Dropout draws other numbers for the parts of a batch, so that the weights differ slightly.
    for name, values in first.items():
        assert np.abs(values - second[name]).max() < 1e-3, name


def test_damaged_resume_state_is_reported_with_file_and_remedy(
    encoder: Path, splits: dict[str, Encoded], tmp_path: Path
) -> None:
    with pytest.raises(KilledError):
        train(encoder, splits, tmp_path, kill_after=1)
    (state,) = tmp_path.glob("checkpoint-*/optimizer.pt")
    state.write_bytes(b"damaged")
    with pytest.raises(EdgeproofError) as caught:
        train(encoder, splits, tmp_path)
    assert caught.value.file == str(state.parent)
    assert "Delete this file" in caught.value.remedy


def test_nan_loss_stops_the_training(
    encoder: Path, splits: dict[str, Encoded], tmp_path: Path
) -> None:
    table = TrainingTable(epochs=2, batch=30, learning_rate=1.0, seed=3, clip_norm=1e6, warmup=0.0)
    from models.huggingface.network import load_network  # noqa: PLC0415 - slow to import
    from models.huggingface.training import fine_tune  # noqa: PLC0415 - likewise

    network = load_network(read_checkpoint(encoder), classes=3)
    next(iter(network.model.parameters())).data.fill_(float("nan"))
    with pytest.raises(EdgeproofError, match="loss became nan"):
        fine_tune(network, table, splits, lambda _: None, tmp_path)
