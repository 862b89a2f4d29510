"""Check that one file is small, accurate and fast: it keeps all three limits of its goal."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import accuracy_drop


@pytest.mark.measures("flatbuffer_bytes", "accuracy_drop", "speed_ratio_paper")
@pytest.mark.needs("a goal", "a teacher", "a file")
@pytest.mark.needs("a runner", "a clock", "a tokenizer on the device")
def test_bytes_drop_and_speed_keep_the_goal(candidate, full_model, speed_over_paper, judge):
    """One file keeps its goal's bytes, its points below the full model, and its speed."""

    def drop(texts):
        answers = texts.gold, texts.labels(full_model), texts.labels(candidate)
        return accuracy_drop(*answers, confidence=texts.confidence)

    judge.goal(drop, speed_over_paper(candidate), of=candidate)
