"""Check the sizes of the FlatBuffer; the name of each ratio says which sizes it compares."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import exact
from models.verdicts.sizes import size_ratios


@pytest.mark.measures("flatbuffer_bytes", "flatbuffer_zipped_bytes")
@pytest.mark.needs("a file")
def test_file_is_within_budget(variant, judge):
    """The FlatBuffer has at most the budgeted bytes."""
    zipped = exact(variant.report.flatbuffer_zipped)
    judge.record("flatbuffer_zipped_bytes", zipped, of=variant)
    judge("flatbuffer_bytes", exact(variant.report.flatbuffer_bytes), of=variant)


@pytest.mark.measures(
    "size_ratio_weights",
    "size_ratio_checkpoint",
    "size_ratio_bert_large_weights",
    "size_ratio_bert_large_checkpoint",
)
@pytest.mark.needs("a teacher")
def test_ratios_are_within_budget(variant, full_model, judge):
    """The FlatBuffer is at least the budgeted number of times smaller than the trained models."""
    # Each ratio divides a known number by the size of the file, so one gate judges all of them.
    ratios = size_ratios(full_model.weights_bytes, variant.report.flatbuffer_bytes)
    judge.together({metric: exact(ratio) for metric, ratio in ratios.items()}, of=variant)


@pytest.mark.needs("a reference file")
@pytest.mark.measures("size_ratio_reference")
def test_ratio_to_the_reference_is_within_budget(candidate, reference, judge):
    """The FlatBuffer is at least the budgeted number of times smaller than the reference's file."""
    ratio = reference.report.flatbuffer_bytes / candidate.report.flatbuffer_bytes
    judge("size_ratio_reference", exact(ratio), of=candidate)


@pytest.mark.needs("a teacher")
@pytest.mark.measures("weights_kept")
def test_every_weight_of_the_model_is_in_the_file(reference, small_model, judge):
    """The float32 FlatBuffer contains the bytes of all parameters of the small model."""
    weight_bytes = sum(share.bytes for share in reference.report.weight_census)
    judge("weights_kept", exact(weight_bytes / small_model.weights_bytes), of=reference)
