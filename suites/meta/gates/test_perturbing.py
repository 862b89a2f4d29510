"""Gates that change inputs classify no more texts than their properties need."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.answering.perturbing import each_once, matters
from models.input_roles import IDS, MASK

IDS_OF_FOUR = np.arange(1, 25, dtype=np.int32).reshape(4, 6)


@pytest.fixture
def asked():
    """Return the list of the inputs that were classified."""
    return []


@pytest.fixture
def told(asked):
    """Return `told(moving, same)`, which tells whether a change of the ids changes any answer.

    Texts in `moving` get other probabilities if their ids change; those in `same` keep their ids.
    """

    def told(moving, same=()):
        few = np.arange(4)
        kept = np.isin(few, same)
        changed = np.where(kept[:, None], IDS_OF_FOUR, -IDS_OF_FOUR)
        usual = np.full((4, 2), 0.5)

        def logits_for(_variant, inputs):
            asked.append(inputs[IDS])
            texts = [int((np.abs(row) == IDS_OF_FOUR).all(axis=1).argmax()) for row in inputs[IDS]]
            return usual[texts] + 0.25 * np.isin(texts, moving)[:, None] * np.array([1.0, -1.0])

        variant = SimpleNamespace(
            inputs=lambda rows: {IDS: IDS_OF_FOUR[rows]},
            probabilities_of=lambda rows: usual[rows],
            scores=lambda logits: SimpleNamespace(probabilities=logits),
        )
        return matters.__wrapped__(few, lambda *_: {IDS: changed}, logits_for)(variant, IDS)

    return told


@pytest.mark.parametrize(
    ("moving", "same", "answers"),
    [((0,), (), [1]), ((3,), (), [1, 3]), ((3,), (0, 1, 2), [1]), ((), (), [1, 3])],
    ids=["the first text", "the last text", "the only changed text", "no text"],
)
def test_changed_input_is_classified_until_one_answer_changes(told, asked, moving, same, answers):
    assert told(moving, same) is bool(moving)
    assert [len(rows) for rows in asked] == answers


def test_equal_rows_are_classified_once(asked):
    known = {}

    def ask(inputs):
        asked.extend(inputs[IDS][:, 0].tolist())
        return inputs[IDS][:, :2].astype(np.float32)

    for rows, new in (([0, 1, 0], [0, 1]), ([1, 2, 3], [2, 3]), ([3, 0], [])):
        asked.clear()
        logits = each_once(known, {IDS: IDS_OF_FOUR[rows]}, ask)
        assert asked == IDS_OF_FOUR[new, 0].tolist()
        assert np.array_equal(logits, IDS_OF_FOUR[rows, :2])


@pytest.mark.parametrize("role", [IDS, MASK])
def test_rows_that_differ_in_one_input_are_classified_separately(role):
    known, usual = {}, {IDS: IDS_OF_FOUR[:1], MASK: np.ones((1, 6), np.int32)}
    changed = {**usual, role: usual[role] + 1}
    for number, inputs in enumerate((usual, changed, dict(reversed(usual.items())))):
        logits = each_once(known, inputs, lambda _, number=number: np.array([[float(number)]]))
        assert logits == number
