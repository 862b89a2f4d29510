"""The sizes of a subject count every part once, and each ratio is named after its two sizes."""

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
# Invented sizes of MobileBERT with dynamic range quantization: about one byte per parameter.
EXAMPLE = FlatBufferSizes(25_000_000, 22_000_000, 60_000_000)


@pytest.fixture
def sizes():
    """Return the sizes of the paper's two networks, with an invented FlatBuffer."""
    return subject_sizes(counts(BERT_LARGE), counts(MOBILEBERT), {"dynamic_wi8_afp32": EXAMPLE})


def test_parameters_are_counted_for_each_part_of_the_network(sizes):
    assert sizes["full_model"]["parameters"] == {
        "embeddings": 31_782_912,
        "encoder_layers": 302_309_376,
        "pooler": 1_049_600,
        "classifier": 3_075,
        "total": 335_141_888 + 3_075,
    }
    small = sizes["small_model"]["parameters"]
    assert (small["embeddings"], small["encoder_layers"]) == (4_368_128, 24 * 842_240)
    assert (small["pooler"], small["total"]) == (0, 24_581_888 + 1_539)


def test_training_checkpoint_is_three_times_as_large_as_the_float32_weights(sizes):
    assert sizes["full_model"]["weights"] == 4 * count(BERT_LARGE)
    assert sizes["full_model"]["checkpoint"] == 12 * count(BERT_LARGE)


def test_ratios_in_the_table_of_sizes_equal_the_size_metrics(sizes):
    ratios = sizes["variants"]["dynamic_wi8_afp32"]["ratios"]
    metrics = size_ratios(sizes["full_model"]["weights"], EXAMPLE.flatbuffer)
    assert {
        "size_ratio_weights": ratios["full_model_weights/flatbuffer"],
        "size_ratio_checkpoint": ratios["full_model_checkpoint/flatbuffer"],
        "size_ratio_bert_large_weights": ratios["bert_large_weights/flatbuffer"],
        "size_ratio_bert_large_checkpoint": ratios["bert_large_checkpoint/flatbuffer"],
    } == metrics


def test_every_size_ratio_equals_the_quotient_in_its_name(sizes):
    variant = sizes["variants"]["dynamic_wi8_afp32"]
    bytes_by_name = {
        f"{model}_{size}": sizes[model][size]
        for model in ("full_model", "small_model")
        for size in ("weights", "checkpoint")
    } | {name: sizes["paper"][name] for name in ("bert_large_weights", "bert_large_checkpoint")}
    for name, value in variant["ratios"].items():
        above, below = name.split("/")
        assert value == bytes_by_name[above] / variant[below]
    assert len(variant["ratios"]) == len(bytes_by_name) * 2


def test_size_arithmetic_of_the_paper_is_reproduced():
    paper = paper_arithmetic()
    assert paper["bert_large_parameters"] == 335_141_888
    assert round(paper["bert_large_weights"] / 1e6, 1) == 1340.6
    assert round(paper["bert_large_checkpoint"] / 1e6, 1) == 4021.7
    assert paper["flatbuffer_for_bert_large_weights"] == 8_378_547
    assert paper["flatbuffer_for_bert_large_checkpoint"] == 25_135_641


def test_sizes_can_be_written_as_json(sizes):
    assert json.loads(json.dumps(sizes)) == sizes


def test_sizes_that_were_not_measured_are_none():
    sizes = subject_sizes(
        counts(BERT_LARGE), counts(BERT_LARGE), {"float32": FlatBufferSizes(10, 9)}
    )
    assert sizes["variants"]["float32"]["resident"] is None
    assert sizes["small_model"] == sizes["full_model"]


def test_size_ratio_of_an_empty_file_is_rejected():
    with pytest.raises(EdgeproofError, match="no size ratio"):
        subject_sizes(counts(BERT_LARGE), counts(MOBILEBERT), {"float32": FlatBufferSizes(0, 1)})
