"""The checkout in which the pages' commands run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from suites.meta.docs.blocks import blocks
from suites.meta.docs.shell import Checkout
from suites.meta.gates.sharing import miniature, shared_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["miniature", "shared_folder"]

TWEETS = "text,airline_sentiment,airline\n" + "".join(
    f"flight {number} was {mood},{mood},north\n"
    for number in range(60)
    for mood in ("positive", "neutral", "negative")
)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with the reader's own files: tweets, an encoder's folder, a subject, budgets."""
    made = Checkout(tmp_path_factory.mktemp("docs"))
    root, page = made.root, made.root / "docs" / "my-model.md"
    (root / "Tweets.csv").write_text(TWEETS, encoding="utf-8")
    encoder = root / "path" / "to" / "encoder"
    encoder.mkdir(parents=True)
    (encoder / "config.json").write_text(json.dumps(ENCODER), encoding="utf-8")
    subject, budgets = blocks(page, "toml")
    small = subject.replace("train = 3000, validation = 500, calibration = 500, test = 2000",
                            "train = 60, validation = 30, calibration = 30, test = 60")  # fmt: skip
    (root / "my.toml").write_text(small, encoding="utf-8")
    (root / "my-budgets.toml").write_text(budgets, encoding="utf-8")
    profile = (root / "fixtures" / "devices" / "rpi4.toml").read_text(encoding="utf-8")
    (root / "my-board.toml").write_text(profile, encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def unrun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what a command writes."""
    return tmp_path_factory.mktemp("unrun")


ENCODER = {
    "model_type": "bert",
    "vocab_size": 100,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "hidden_act": "gelu",
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
}
