"""Measure the scores of RepLab 2013: accuracy averaged over groups, and F(R,S)."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import f_rs_drop, official_accuracy, order
from models.verdicts.scores import by_group


@pytest.mark.needs("groups")
@pytest.mark.measures("official_accuracy")
@pytest.mark.needs("all texts")
def test_variant_beats_the_majority_group_by_group(variant, corpus, trivial_classifiers, judge):
    """The FlatBuffer's accuracy, averaged over the groups, exceeds that of trivial classifiers."""
    answers = corpus.test.labels, variant.labels, corpus.groups("test")
    metric = "official_accuracy"
    highest, every = trivial_classifiers.highest(metric), trivial_classifiers.of(metric)
    judge(metric, official_accuracy(*answers), of=variant, data_limit=highest, floors=every)


@pytest.mark.measures("official_accuracy")
@pytest.mark.needs("groups", "a teacher")
def test_full_model_beats_the_majority_group_by_group(
    full_model, corpus, trivial_classifiers, judge
):
    """The full model's accuracy, averaged over the groups, exceeds that of trivial classifiers."""
    answers = corpus.test.labels, full_model.labels, corpus.groups("test")
    metric = "official_accuracy"
    highest, every = trivial_classifiers.highest(metric), trivial_classifiers.of(metric)
    judge(metric, official_accuracy(*answers), of=full_model, data_limit=highest, floors=every)


@pytest.mark.measures("reliability", "sensitivity", "f_rs")
@pytest.mark.needs("groups", "ordered labels")
@pytest.mark.needs("all texts")
def test_variant_orders_texts_as_gold_does(variant, corpus, trivial_classifiers, judge):
    """The FlatBuffer's labels order the texts of each group as the gold labels do (F(R,S))."""
    answers = corpus.test.labels, variant.labels, corpus.groups("test")
    scores = order(*answers)
    judge.record("reliability", scores.reliability, of=variant)
    judge.record("sensitivity", scores.sensitivity, of=variant)
    groups = by_group(*answers, labels=corpus.labelled.labels)
    judge("f_rs", scores.f_rs, of=variant, floors=trivial_classifiers.below("f_rs"), **groups)


@pytest.mark.measures("reliability", "sensitivity", "f_rs")
@pytest.mark.needs("groups", "ordered labels", "a teacher")
def test_full_model_orders_texts_as_gold_does(full_model, corpus, trivial_classifiers, judge):
    """The full model's labels order the texts of each group as the gold labels do (F(R,S))."""
    answers = corpus.test.labels, full_model.labels, corpus.groups("test")
    scores = order(*answers)
    judge.record("reliability", scores.reliability, of=full_model)
    judge.record("sensitivity", scores.sensitivity, of=full_model)
    groups = by_group(*answers, labels=corpus.labelled.labels)
    judge("f_rs", scores.f_rs, of=full_model, floors=trivial_classifiers.below("f_rs"), **groups)


@pytest.mark.needs("groups", "ordered labels", "a teacher")
@pytest.mark.measures("f_rs_drop")
@pytest.mark.needs("all texts")
def test_f_rs_drop_is_within_budget(variant, full_model, corpus, judge):
    """The FlatBuffer's F(R,S) is at most the budgeted points below that of the full model."""
    answers = corpus.test.labels, full_model.labels, variant.labels
    judge("f_rs_drop", f_rs_drop(*answers, corpus.groups("test")), of=variant)
