"""In the benchmark of distillation, two trainings with one seed differ only in the teacher."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from benchmarks import distillation
from models.subjects import load_subject
from suites.meta.training.tables import CORPUS, NETWORK, TOKENIZER, TRAINING

SUBJECT = f"""
name = "taught"
description = "Two tiny networks, one taught by the other"
budgets = "embedded"
schemes = ["float32"]

{CORPUS}
{TOKENIZER}
[full.network]{NETWORK}
[full.training]
{TRAINING}
[small.network]{NETWORK}
[small.training]
{TRAINING}"""
TAUGHT = "\n[small.distillation]\ntemperature = 2.0\nweight = 0.5\n"


@pytest.fixture
def subject_file(tmp_path):
    """Return the file of a subject with a teacher."""
    file = tmp_path / "taught.toml"
    file.write_text(SUBJECT + TAUGHT, encoding="utf-8")
    return file


def plans(file, seed):
    options = argparse.Namespace(subject=str(file), corpus=None, pretrained=None)
    return distillation._plans(load_subject(str(file)), seed, options)


def test_two_trainings_with_one_seed_differ_only_in_the_teacher(subject_file):
    pair = plans(subject_file, 4)
    without, taught = (
        pair[name].small.recipe for name in (distillation.WITHOUT, distillation.WITH)
    )
    assert without["model"].pop("distillation") is None
    assert taught["model"].pop("distillation") == {"temperature": 2.0, "weight": 0.5}
    assert (without.pop("teacher"), taught.pop("teacher")) == (
        None,
        pair[distillation.WITH].full.key,
    )
    assert without == taught
    assert taught["model"]["training"]["seed"] == 4


def test_all_seeds_share_one_teacher(subject_file):
    every = [plan for seed in (0, 1) for plan in plans(subject_file, seed).values()]
    assert len({plan.full.key for plan in every}) == 1
    assert len({plan.answers().key for plan in every}) == 1
    assert len({plan.small.key for plan in every}) == 4


def test_rejects_subject_without_distillation(subject_file, capsys):
    subject_file.write_text(SUBJECT, encoding="utf-8")
    assert distillation.main([str(subject_file)]) == 4
    assert "small.distillation" in capsys.readouterr().err


def test_benchmark_interval_equals_students_t_interval():
    # By hand: mean 2, standard deviation 1, half-width t(0.975, 2) / sqrt(3) = 4.302653 / 1.732051.
    mean = distillation._mean_with_interval(np.array([1.0, 2.0, 3.0]))
    assert mean == {"mean": 2.0, "low": -0.48414, "high": 4.48414, "n": 3}
    alone = distillation._mean_with_interval(np.array([0.5]))
    assert alone == {"mean": 0.5, "low": None, "high": None, "n": 1}
