"""Provide the checkout in which the commands of the pages run."""

from __future__ import annotations

import json
import string

import pytest

from suites.meta.corpus.replab_package import write_miniature
from suites.meta.docs.blocks import blocks
from suites.meta.docs.shell import Checkout
from suites.meta.gates.sharing import miniature, shared_folder
from suites.meta.recordings import write_app

__all__ = ["miniature", "shared_folder"]

TEXTS = "text,airline_sentiment,airline\n" + "".join(
    f"flight {number} was {mood},{mood},north\n"
    for number in range(60)
    for mood in ("positive", "neutral", "negative")
)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout with the reader's files: texts, an encoder, a subject and budgets."""
    copied = Checkout(tmp_path_factory.mktemp("docs"))
    root, page = copied.root, copied.root / "docs" / "my-model.md"
    (root / "Tweets.csv").write_text(TEXTS, encoding="utf-8")
    for name in ("encoder", "bert", "mobilebert-tiny"):
        folder = root / "path" / "to" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(ENCODER), encoding="utf-8")
        (folder / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    folder = root / "path" / "to" / "classifier"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(ENCODER | HEAD), encoding="utf-8")
    write_app(root, texts=30).record()
    write_miniature(root / "path" / "to" / "replab2013")
    # The other blocks of the page show only single keys.
    classifier, _, subject, *_, budgets = blocks(page, "toml")
    small = subject.replace("train = 3000, validation = 500, calibration = 500, test = 2000",
                            "train = 60, validation = 30, calibration = 30, test = 60")  # fmt: skip
    (root / "my.toml").write_text(small, encoding="utf-8")
    (root / "my-classifier.toml").write_text(classifier, encoding="utf-8")
    (root / "my-budgets.toml").write_text(budgets, encoding="utf-8")
    profile = (root / "models" / "devices" / "profiles" / "rpi4.toml").read_text(encoding="utf-8")
    (root / "my-board.toml").write_text(profile, encoding="utf-8")
    return copied


PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase]
PIECES += [f"##{letter}" for letter in string.ascii_lowercase]
ENCODER = {
    "model_type": "bert",
    "vocab_size": len(PIECES),
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "hidden_act": "gelu",
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
}
HEAD = {
    "architectures": ["BertForSequenceClassification"],
    "id2label": {"0": "negative", "1": "neutral", "2": "positive"},
}
