"""The network of a family accepts the row length and the segments of the family's tokenizer."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from models.input_roles import IDS, MASK, SEGMENTS
from models.tokenizers.checkpoint_tokenizer import tokenizer_of
from suites.meta.tokenizers.checkpoint_folders import FAMILIES, write

LONGEST = 20
# Families with relative positions, which accept rows that are longer than the configured number of
# positions.
ROTARY = {"modernbert"}
SMALL = {
    "hidden_size": 8,
    "dim": 8,
    "embedding_size": 8,
    "intermediate_size": 8,
    "hidden_dim": 8,
    "num_hidden_layers": 1,
    "n_layers": 1,
    "num_attention_heads": 2,
    "n_heads": 2,
    "intra_bottleneck_size": 8,
    "true_hidden_size": 8,
    "use_bottleneck": True,
}

pytestmark = pytest.mark.skipif(
    find_spec("transformers") is None or find_spec("torch") is None,
    reason="asking networks of transformers needs the dependency group 'parity'",
)


def network_of(folder):
    """Return a small network with random weights, defined by a folder's config.json."""
    from transformers import (  # noqa: PLC0415 - only if it is installed
        AutoConfig,
        AutoModelForSequenceClassification,
    )

    network = AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(folder))
    return network.eval()


def answer(network, rows, *, has_segments):
    """Return the logits of encoded texts."""
    from torch import from_numpy, no_grad  # noqa: PLC0415 - only if it is installed

    inputs = {"input_ids": rows[IDS], "attention_mask": rows[MASK]}
    if has_segments:
        inputs["token_type_ids"] = rows[SEGMENTS]
    with no_grad():
        return network(**{key: from_numpy(value).long() for key, value in inputs.items()}).logits


@pytest.mark.parametrize("name", FAMILIES)
def test_network_accepts_rows_only_up_to_its_maximum_length(name, tmp_path):
    family = write(name, tmp_path)
    table = family.config["max_position_embeddings"] - family.longest + LONGEST
    tokenizer = tokenizer_of(tmp_path, max_tokens=LONGEST, pairs=True)
    config = {"model_type": family.model_type, **family.config, **SMALL}
    config |= {"max_position_embeddings": table, "vocab_size": tokenizer.encoder.size}
    (tmp_path / "config.json").write_text(json.dumps(config))
    text = ("day " * LONGEST, "day " * LONGEST)
    network = network_of(tmp_path)
    unlimited = tokenizer_of(tmp_path, max_tokens=None, pairs=True)
    assert unlimited.max_tokens == LONGEST
    logits = answer(network, unlimited.rows([text]), has_segments=unlimited.has_segments)
    assert logits.isfinite().all()
    if name not in ROTARY:
        (tmp_path / "config.json").write_text(
            json.dumps(config | {"max_position_embeddings": table + 1})
        )
        longer = tokenizer_of(tmp_path, max_tokens=LONGEST + 1, pairs=True)
        with pytest.raises((IndexError, RuntimeError)):
            answer(network, longer.rows([text]), has_segments=longer.has_segments)


@pytest.mark.parametrize("name", FAMILIES)
def test_segments_change_the_logits_only_if_the_network_has_segments(name, tmp_path):
    family = write(name, tmp_path)
    config = {"model_type": family.model_type, **family.config, **SMALL}
    size = tokenizer_of(tmp_path, max_tokens=LONGEST, pairs=True).encoder.size
    (tmp_path / "config.json").write_text(json.dumps(config | {"vocab_size": size}))
    tokenizer, network = (
        tokenizer_of(tmp_path, max_tokens=LONGEST, pairs=True),
        network_of(tmp_path),
    )
    rows = tokenizer.rows([("ka", "to")])
    with_segments = answer(network, rows, has_segments=tokenizer.has_segments)
    untold = answer(network, rows, has_segments=False)
    assert (with_segments != untold).any().item() == family.has_segments
