"""A float32 file that deviates from PyTorch is detected, named, and not quantized.

Needs the dependency group `torch`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.huggingface.parity import compare, full_length, unpadded
from suites.meta.huggingface import small
from suites.meta.huggingface.building import build, judge

if TYPE_CHECKING:
    from pathlib import Path

    from models.store import Store

needs_torch = pytest.mark.skipif(
    find_spec("litert_torch") is None,
    reason="converting a checkpoint needs the dependency group 'torch'",
)


def scaled(flatbuffer: bytes, number: int, by: float) -> tuple[bytes, str]:
    """Return a file with scaled weights of one dense layer, and the name of this layer's output."""
    from models.flatbuffers.graph import CODES, Graph  # noqa: PLC0415 - slow to import

    graph = Graph(flatbuffer)
    dense = graph.operators(CODES.FULLY_CONNECTED)[number]
    weights = graph.constant(dense.inputs[1])
    assert weights is not None
    planted = graph.new_constant("planted", weights * by)
    dense.inputs = [dense.inputs[0], planted, *dense.inputs[2:]]
    return graph.pack(), graph.name(dense.outputs[0])


@needs_torch
@pytest.mark.timeout(600)
def test_operator_that_deviates_from_pytorch_is_named_and_the_file_is_not_quantized(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.huggingface import convert as converting  # noqa: PLC0415 - slow to import

    right, planted = converting.convert, []

    def wrong(*inputs: Any) -> bytes:
        changed, name = scaled(right(*inputs), number=5, by=1.2)
        planted.append(name)
        return changed

    monkeypatch.setattr(converting, "convert", wrong)
    corpus, subject = tmp_path / "texts.csv", tmp_path / "departing.toml"
    small.write_texts(corpus)
    small.make_encoder("bert", tmp_path / "encoder")
    small.write_subject(subject, tmp_path / "encoder", small.TRAINING, max_tokens=small.TOKENS)
    plan = build(subject, corpus, store)
    assert plan.parity is not None
    departs = store.artefact(plan.parity).document("parity.json")["departs"]
    assert f"FULLY_CONNECTED, which writes {planted[0]!r}" in departs
    card = store.artefact(plan.variants["dynamic_wi8_afp32"]).document("variant.json")
    assert departs in card["refused"]
    code, output = judge(subject, corpus, store, tmp_path / "reports")
    assert code == 1
    assert "test_float32_file_gives_the_logits_of_pytorch[padded]" in output
    assert planted[0] in output


def encoded(lengths: list[int], tokens: int = 8) -> Any:
    """Return rows of increasing ids, padded at their ends."""
    from models.corpus.tokenize import Encoded  # noqa: PLC0415 - slow to import

    mask = np.array([[int(at < length) for at in range(tokens)] for length in lengths], np.int32)
    ids = np.arange(mask.size, dtype=np.int32).reshape(mask.shape) * mask
    return Encoded(ids, mask, np.zeros_like(mask), np.zeros(len(lengths), np.int32))


def test_unpadded_row_has_the_length_of_its_text() -> None:
    row = unpadded(encoded([3]))
    assert row.ids.tolist() == [[0, 1, 2]]
    assert row.mask.tolist() == [[1, 1, 1]]


def test_full_length_rows_join_the_words_of_several_texts() -> None:
    rows = full_length(encoded([5, 5, 5, 3]), most=4)
    # Two texts of three words each fill a row of eight: a start, six words and an end.
    assert rows.ids.tolist() == [[0, 1, 2, 3, 9, 10, 11, 4]]
    assert rows.mask.min() == 1


def test_no_full_length_row_is_made_of_too_few_words() -> None:
    assert len(full_length(encoded([3]), most=4)) == 0


LOGITS = np.array([[1.0, 2.0, 4.0], [3.0, 0.0, -1.0]], np.float32)


@pytest.mark.parametrize(
    ("logits_given", "labels", "logits"),
    [
        (LOGITS, 1.0, 0.0),
        (LOGITS + np.float32(0.5), 1.0, 0.5),
        (LOGITS[:, ::-1], 0.0, 4.0),
        (np.where(LOGITS == 4, np.nan, LOGITS), 0.0, np.inf),
        (np.where(LOGITS == 4, np.inf, LOGITS), 0.0, np.inf),
    ],
)
def test_comparison_reports_the_share_of_equal_labels_and_the_largest_logit_difference(
    logits_given: Any, labels: float, logits: float
) -> None:
    parity = compare(LOGITS, logits_given)
    assert (parity.same_labels, parity.logits, parity.texts) == (labels, logits, 2)


def test_divergence_between_two_models_is_computed_from_probabilities() -> None:
    scipy = pytest.importorskip("scipy.special", reason="needs scipy")
    shifted = LOGITS + np.array([[0.1, 0.0, 0.0], [0.0, 0.2, 0.0]], np.float32)
    first, second = (scipy.softmax(x.astype(np.float64), axis=1) for x in (LOGITS, shifted))
    expected = scipy.kl_div(first, second).sum(axis=1).mean()
    assert compare(LOGITS, shifted).divergence == pytest.approx(expected, rel=1e-9)


def test_text_with_tied_logits_is_not_counted_as_disagreement() -> None:
    tied = np.array([[1.0, 1.0, 0.0], [3.0, 0.0, 0.0]], np.float32)
    nearly_tied = tied + np.array([[0.0, 1e-7, 0.0], [0.0, 0.0, 0.0]], np.float32)
    assert compare(tied, nearly_tied).same_labels == 1.0
