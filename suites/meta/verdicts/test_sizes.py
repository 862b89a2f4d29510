"""Size ratios use the published sizes of BERT-large, and each ratio is a metric."""

from __future__ import annotations

import pytest

from models.errors import EdgeproofError
from models.verdicts.metrics import METRICS
from models.verdicts.quantities import Unit
from models.verdicts.sizes import size_ratios


def test_size_ratios_divide_by_the_size_of_the_flatbuffer() -> None:
    assert size_ratios(17_000_000, 1000) == {
        "size_ratio_weights": 17_000.0,
        "size_ratio_checkpoint": 51_000.0,
        "size_ratio_bert_large_weights": 1_340_567.552,
        "size_ratio_bert_large_checkpoint": 4_021_702.656,
    }


def test_accepts_file_size_of_one_byte() -> None:
    assert size_ratios(1, 1)["size_ratio_weights"] == 1.0


def test_file_160_times_smaller_than_bert_large_has_at_most_8378547_bytes() -> None:
    assert size_ratios(1, 8_378_547)["size_ratio_bert_large_weights"] >= 160.0
    assert size_ratios(1, 8_378_548)["size_ratio_bert_large_weights"] < 160.0


def test_computed_size_ratios_and_size_ratio_metrics_correspond() -> None:
    ratios = {
        name
        for name, metric in METRICS.items()
        if metric.unit is Unit.RATIO and name.startswith("size_ratio_")
    }
    # This ratio divides the size of the reference's file, not that of a model.
    assert set(size_ratios(1, 1)) == ratios - {"size_ratio_reference"}


@pytest.mark.parametrize(("weights", "flatbuffer"), [(0, 1), (1, 0), (-1, 1)])
def test_rejects_file_size_that_is_not_positive(weights: int, flatbuffer: int) -> None:
    with pytest.raises(EdgeproofError, match="no size ratio"):
        size_ratios(weights, flatbuffer)
