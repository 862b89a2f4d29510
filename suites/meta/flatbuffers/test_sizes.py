"""Sizes count every part once, and every ratio names its two sizes."""

from __future__ import annotations

import json

import pytest

from models.errors import EdgeproofError
from models.flatbuffers.sizes import FlatBufferSizes, paper_arithmetic, subject_sizes
from models.networks.parameters import count, counts
from models.verdicts.sizes import size_ratios
from suites.meta.networks import configs
from suites.meta.networks.configs import network_of

BERT_LARGE, MOBILEBERT = network_of(configs.BERT_LARGE), network_of(configs.MOBILEBERT)
# The published MobileBERT file with dynamic range quantization, for rows of 128 tokens.
PUBLISHED = FlatBufferSizes(26_698_576, 22_000_000, 60_000_000)


@pytest.fixture
def ledger():
    """Return the sizes of the paper's systems."""
    return subject_sizes(counts(BERT_LARGE), counts(MOBILEBERT), {"dynamic_wi8_afp32": PUBLISHED})


def test_parameters_are_counted_for_each_part_of_the_network(ledger):
    assert ledger["full_model"]["parameters"] == {
        "embeddings": 31_782_912,
        "encoder_layers": 302_309_376,
        "pooler": 1_049_600,
        "classifier": 3_075,
        "total": 335_141_888 + 3_075,
    }
    small = ledger["small_model"]["parameters"]
    assert (small["embeddings"], small["encoder_layers"]) == (4_368_128, 24 * 842_240)
    assert (small["pooler"], small["total"]) == (0, 24_581_888 + 1_539)


def test_training_checkpoint_is_three_times_as_large_as_the_float32_weights(ledger):
    assert ledger["full_model"]["weights"] == 4 * count(BERT_LARGE)
    assert ledger["full_model"]["checkpoint"] == 12 * count(BERT_LARGE)


def test_ratios_in_the_size_ledger_equal_the_size_metrics(ledger):
    ratios = ledger["variants"]["dynamic_wi8_afp32"]["ratios"]
    metrics = size_ratios(ledger["full_model"]["weights"], PUBLISHED.flatbuffer)
    assert {
        "size_ratio_weights": ratios["full_model_weights/flatbuffer"],
        "size_ratio_checkpoint": ratios["full_model_checkpoint/flatbuffer"],
        "size_ratio_bert_large_weights": ratios["bert_large_weights/flatbuffer"],
        "size_ratio_bert_large_checkpoint": ratios["bert_large_checkpoint/flatbuffer"],
    } == metrics


def test_every_size_ratio_equals_the_quotient_in_its_name(ledger):
    variant = ledger["variants"]["dynamic_wi8_afp32"]
    sizes = {
        f"{model}_{size}": ledger[model][size]
        for model in ("full_model", "small_model")
        for size in ("weights", "checkpoint")
    } | {name: ledger["paper"][name] for name in ("bert_large_weights", "bert_large_checkpoint")}
    for name, value in variant["ratios"].items():
        above, below = name.split("/")
        assert value == sizes[above] / variant[below]
    assert len(variant["ratios"]) == len(sizes) * 2


def test_size_arithmetic_of_the_paper_is_reproduced():
    paper = paper_arithmetic()
    assert paper["bert_large_parameters"] == 335_141_888
    assert round(paper["bert_large_weights"] / 1e6, 1) == 1340.6
    assert round(paper["bert_large_checkpoint"] / 1e6, 1) == 4021.7
    assert paper["flatbuffer_for_bert_large_weights"] == 8_378_547
    assert paper["flatbuffer_for_bert_large_checkpoint"] == 25_135_641


def test_sizes_can_be_written_as_json(ledger):
    assert json.loads(json.dumps(ledger)) == ledger


def test_sizes_that_were_not_measured_are_none():
    ledger = subject_sizes(
        counts(BERT_LARGE), counts(BERT_LARGE), {"float32": FlatBufferSizes(10, 9)}
    )
    assert ledger["variants"]["float32"]["resident"] is None
    assert ledger["small_model"] == ledger["full_model"]


def test_rejects_empty_file():
    with pytest.raises(EdgeproofError, match="no size ratio"):
        subject_sizes(counts(BERT_LARGE), counts(MOBILEBERT), {"float32": FlatBufferSizes(0, 1)})
