"""Fine-tune a tiny network with every option, and print the results.

This script runs in a separate process, because pytest does not import TensorFlow. `python
training_check.py FUNCTION FOLDER` prints one JSON document; `killed` kills itself in its
third epoch instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.corpus.tokenize import Encoded
from models.networks.architecture import Architecture, from_table
from models.networks.parameters import initial_values
from models.subjects import DistillationTable, NetworkTable, TrainingTable
from models.training.batches import epoch, parts
from models.training.finetune import answers_of, fine_tune
from models.training.history import best_epoch
from models.training.objective import DistillationLoss, Lesson, validation_loss
from models.training.resume import Resume

TEXTS, TOKENS, VOCABULARY, CLASSES = 90, 8, 30, 3
TABLE = {"epochs": 4, "batch": 16, "learning_rate": 3e-3, "seed": 3}


def make_split(seed: int) -> Encoded:
    """Return texts of different lengths whose second token determines the label."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES, TEXTS).astype(np.int32)
    ids = generator.integers(5, VOCABULARY, (TEXTS, TOKENS)).astype(np.int32)
    ids[:, 1] = labels + 2
    mask = (np.arange(TOKENS) < generator.integers(3, TOKENS + 1, (TEXTS, 1))).astype(np.int32)
    return Encoded(ids * mask, mask, np.zeros_like(ids), labels)


def make_shape(dropout: float = 0.1) -> Architecture:
    """Return a BERT of one layer."""
    table = NetworkTable(
        family="bert",
        layers=1,
        hidden=16,
        heads=2,
        intermediate=16,
        activation="gelu",
        normalization="layer_norm",
        dropout=dropout,
    )
    return from_table(table, vocabulary=VOCABULARY, classes=CLASSES, positions=TOKENS)


SPLITS = {"train": make_split(1), "validation": make_split(2)}


def train(shape: Architecture, report: Any = lambda _: None, **options: Any) -> Any:
    """Fine-tune on the tiny splits with these options."""
    table = TrainingTable(**TABLE | options.pop("table", {}))
    return fine_tune(shape, initial_values(shape, seed=7), table, SPLITS, report, **options)


def digest(trained: Any) -> str:
    """Return a hash of the weights and the history."""
    digest_of_all = hashlib.sha256(json.dumps(trained.describe_history()).encode())
    for name in sorted(trained.values):
        digest_of_all.update(trained.values[name].tobytes())
    return digest_of_all.hexdigest()


def killed(folder: Path) -> None:
    """Kill the process in the middle of the third epoch, like a power failure."""

    def die(step: Any) -> None:
        if (step.epoch, step.batch) == (3, 2):
            os.kill(os.getpid(), signal.SIGKILL)

    train(make_shape(), die, resume=Resume(folder))


def resumed(folder: Path) -> dict[str, Any]:
    """Resume where `killed` ended, and compare with an uninterrupted run."""
    steps: list[int] = []
    resume = Resume(folder)
    before = resume.epochs_done()
    again = train(make_shape(), lambda step: steps.append(step.epoch), resume=resume)
    uninterrupted = train(make_shape())
    return {
        "before": before,
        "epochs": sorted(set(steps)),
        "resumed": digest(again),
        "whole": digest(uninterrupted),
        "bytes": resume.path.stat().st_size,
        "weights_bytes": sum(value.nbytes for value in uninterrupted.values.values()),
    }


def options(_folder: Path) -> dict[str, Any]:
    """Compare training without options with training in parts, in bfloat16, and with a teacher."""
    still = make_shape(dropout=0.0)
    plain = train(still)
    # Compare the answers, not the weights: optimizers make full steps even for tiny gradients,
    # whose sign depends on rounding.
    answers = {
        "plain": answers_of(still, plain.values, SPLITS["validation"]),
        **{
            f"parts_{number}": answers_of(
                still,
                train(still, table={"accumulation": number}).values,
                SPLITS["validation"],
            )
            for number in (2, 5)
        },
    }
    narrow = train(still, table={"precision": "mixed_bfloat16"})
    answers["bfloat16"] = answers_of(still, narrow.values, SPLITS["validation"])
    contrary = np.roll(np.eye(CLASSES), 1, axis=0)[SPLITS["train"].labels].astype(np.float32) * 6.0
    taught = {
        weight: train(
            still,
            lesson=Lesson(contrary, DistillationTable(temperature=2.0, weight=weight)),
            table={"epochs": 12},
        )
        for weight in (0.01, 1.0)
    }
    labels = SPLITS["validation"].labels
    return {
        "difference": {
            name: float(np.abs(logits - answers["plain"]).max()) for name, logits in answers.items()
        },
        "scale": float(np.ptp(answers["plain"])),
        "dtypes": sorted({str(value.dtype) for value in narrow.values.values()}),
        "accuracy": {
            str(weight): float(
                np.mean(answers_of(still, t.values, SPLITS["validation"]).argmax(1) == labels)
            )
            for weight, t in taught.items()
        },
        "loss": distillation_by_hand(),
        "validation": validation_losses(),
        "parts": parts_by_hand(),
    }


def overtaught(folder: Path) -> dict[str, Any]:
    """Train on random labels, which makes answers to the validation split worse and worse.

    The best epoch must be kept, even if the training is interrupted in the third epoch after it and
    then resumed.
    """
    draw = np.random.default_rng(5)
    noise = replace(SPLITS["train"], labels=draw.integers(0, CLASSES, TEXTS).astype(np.int32))
    splits = {"train": noise, "validation": SPLITS["validation"]}
    table = TrainingTable(
        epochs=40, batch=16, learning_rate=1e-2, seed=3, averaging=0.5, patience=3
    )
    shape = make_shape()

    def trained(report: Any = lambda _: None, resume: Resume | None = None) -> Any:
        return fine_tune(shape, initial_values(shape, seed=7), table, splits, report, resume=resume)

    uninterrupted = trained()
    best = best_epoch(list(uninterrupted.history))

    def interrupt(step: Any) -> None:
        if step.epoch == best + 3:
            raise InterruptedError

    with suppress(InterruptedError):
        trained(interrupt, Resume(folder))
    resumed = trained(resume=Resume(folder))
    answers = answers_of(shape, uninterrupted.values, SPLITS["validation"])
    return {
        "losses": [epoch.validation_loss for epoch in uninterrupted.history],
        "loss_of_kept": validation_loss(answers, SPLITS["validation"].labels, None),
        "patience": table.patience,
        "whole": digest(uninterrupted),
        "resumed": digest(resumed),
    }


def averaged(_folder: Path) -> dict[str, Any]:
    """Train one epoch without averaging of the weights, and with two extreme momenta.

    With a momentum near 0, the average is the last weights; with a momentum near 1, it is the
    weights after the first update.
    """
    shape = make_shape(dropout=0.0)
    weights = {
        momentum: train(shape, table={"epochs": 1, "averaging": momentum}).values
        for momentum in (0.0, 1e-9, 1.0 - 1e-9)
    }
    first = initial_values(shape, seed=7)

    def moved(momentum: float, since: Any) -> float:
        values = weights[momentum]
        return max(float(np.abs(values[name] - since[name]).max()) for name in since)

    return {
        "last": moved(1e-9, weights[0.0]),
        "whole_epoch": moved(0.0, first),
        "first": moved(1.0 - 1e-9, first),
    }


def validation_losses() -> dict[str, Any]:
    """Return the loss of three answers with labels and with a teacher, and by the formula."""
    answers = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [-3.0, 1.0, 1.0]], np.float32)
    teacher = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, -2.0], [0.0, 0.0, 3.0]], np.float32)
    labels = np.array([0, 2, 1], np.int32)
    shares, wanted = (np.exp(x.astype(float)) for x in (answers, teacher))
    shares /= shares.sum(axis=1, keepdims=True)
    wanted /= wanted.sum(axis=1, keepdims=True)
    table = DistillationTable(temperature=2.0, weight=0.5)
    lesson = Lesson(teacher, table, validation=teacher)
    return {
        "labels": [
            validation_loss(answers, labels, None),
            validation_loss(answers, labels, Lesson(teacher, table)),
        ],
        "labels_by_formula": float(-np.log(shares[np.arange(3), labels]).mean()),
        "teacher": validation_loss(answers, labels, lesson),
        "teacher_by_formula": float(-(wanted * np.log(shares)).sum(axis=1).mean()),
    }


def distillation_by_hand() -> dict[str, float]:
    """Return the loss of one batch, as implemented and by the formula."""
    generator = np.random.default_rng(0)
    teacher, student = generator.normal(0, 3, (2, 5, CLASSES)).astype(np.float32)
    labels, temperature, weight = np.array([0, 2, 1, 1, 0]), 2.5, 0.3

    def shares(logits: Any) -> Any:
        powers = np.exp(logits.astype(np.float64))
        return powers / powers.sum(axis=1, keepdims=True)

    soft, answered = shares(teacher / temperature), shares(student / temperature)
    divergence = (soft * np.log(soft / answered)).sum(axis=1)
    hard = -np.log(shares(student)[np.arange(5), labels])
    expected = np.mean((1 - weight) * hard + weight * temperature**2 * divergence)
    targets = np.stack([np.eye(CLASSES, dtype=np.float32)[labels], teacher], axis=1)
    loss = DistillationLoss(temperature, weight)(targets, student)
    return {"expected": float(expected), "found": float(loss)}


def parts_by_hand() -> dict[str, float]:
    """Compare the mean of values over each batch with the weighted means of its parts."""
    values = np.random.default_rng(1).normal(size=TEXTS)
    rows = epoch(SPLITS["train"], 16, seed=1)
    losses_of_whole = [values[batch].mean() for batch in rows]
    means = [part.weight * values[part.rows].mean() for part in parts(rows, 12)]
    joined = np.reshape(means, (len(rows), 12)).mean(axis=1)
    return {
        "difference": float(np.abs(joined - losses_of_whole).max()),
        "smallest": min(map(len, rows)),
    }


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))))  # noqa: T201 - the calling test reads it
