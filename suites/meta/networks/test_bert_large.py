"""BERT-large's files have the sizes that are computed for the paper's ratio."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.flatbuffers.sizes import paper_arithmetic
from suites.meta.scripts import printed_by

SCRIPT = Path(__file__).with_name("bert_large_check.py")
CLASSIFIER = 3 * (1024 + 1)
FLOAT32_BYTES = 4


@pytest.mark.slow
def test_bert_large_files_have_the_computed_sizes(tmp_path):
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    answer = json.loads(printed_by(SCRIPT, tmp_path))
    paper = paper_arithmetic()
    assert answer["parameters"] == paper["bert_large_parameters"] + CLASSIFIER
    head = FLOAT32_BYTES * CLASSIFIER
    # Names, shapes and counters add less than a thousandth to the values.
    assert answer["weights"] == pytest.approx(paper["bert_large_weights"] + head, rel=1e-3)
    assert answer["checkpoint"] == pytest.approx(
        paper["bert_large_checkpoint"] + 3 * head, rel=1e-3
    )
