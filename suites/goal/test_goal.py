"""Check that one file is small, accurate and fast enough to keep all three limits of its goal."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import accuracy_drop


@pytest.mark.measures("flatbuffer_bytes", "accuracy_drop", "speed_ratio_paper")
@pytest.mark.needs("a goal", "a teacher", "a file")
@pytest.mark.needs("a runner", "a clock", "a tokenizer on the device")
def test_bytes_drop_and_speed_keep_the_goal(candidate, full_model, speed_over_paper, judge):
    """One file keeps the three limits of its goal: on bytes, accuracy drop and speed."""

    def drop(texts):
        answers = texts.gold, texts.labels(full_model), texts.labels(candidate)
        return accuracy_drop(*answers, confidence=texts.confidence)

    judge.goal(drop, speed_over_paper(candidate), of=candidate)
