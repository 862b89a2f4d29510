"""Fine-tune a classifier on the train split, and compute its logits on the other splits."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from models.errors import EdgeproofError
from models.networks.classifier import Classifier
from models.training import batches, datasets
from models.training.history import Epoch, Step, best_epoch, is_complete
from models.training.objective import make_loss, make_targets, validation_loss
from models.training.optimizer import make_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.subjects import TrainingTable
    from models.training.objective import Lesson
    from models.training.resume import Resume

PREDICTION_BATCH = 64
# Largest plausible logit: a trained classifier has logits of some tens; thousands mean that the
# training diverged.
SANE_LOGIT = 1e3


@dataclass(frozen=True)
class Trained:
    """The result of a fine-tuning.

    Attributes:
        values: the trained weights by name.
        history: one entry for each epoch.
        classifier: the classifier with these weights.
    """

    values: Values
    history: tuple[Epoch, ...]
    classifier: Classifier

    def describe_history(self) -> list[dict[str, Any]]:
        """Return the history as a list of tables, one for each epoch."""
        return [asdict(epoch) for epoch in self.history]


def make_deterministic(seed: int) -> None:
    """Fix every seed, and select TensorFlow operators that are bit-reproducible."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fine_tune(  # noqa: PLR0913 - the network, the data, the settings and the callbacks
    shape: Architecture,
    values: Values,
    table: TrainingTable,
    splits: dict[str, Encoded],
    report: Callable[[Step], None],
    *,
    lesson: Lesson | None = None,
    resume: Resume | None = None,
) -> Trained:
    """Fine-tune from `values` on `splits["train"]`.

    Args:
        shape: the network.
        values: initial weights by name.
        table: the hyper-parameters.
        splits: the encoded texts by split, at least `train` and `validation`.
        report: called after every batch.
        lesson: a teacher's answers, from which the network learns too; None for none.
        resume: stores the state after every epoch, and restores the state of an interrupted run;
            None for neither.

    Raises:
        EdgeproofError: the loss is not finite, or a logit is implausibly large.
    """
    make_deterministic(table.seed)
    train = splits["train"]
    classifier = _compiled(shape, values, table, len(train.labels), lesson)
    targets = make_targets(train.labels, lesson)
    history, best = resume.load(classifier) if resume else ([], {})
    while not is_complete(history, table.epochs, table.patience):
        reporter = _Reporter(report, len(history) + 1, table)
        loss = _run_epoch(classifier, train, targets, table, reporter)
        history.append(_validated(classifier, splits["validation"], loss, lesson, len(history) + 1))
        if table.patience and best_epoch(history) == len(history):
            best = classifier.values_by_name()
        if resume:
            resume.save(classifier, history, best)
    if best:
        classifier = Classifier(shape, best, seed=table.seed)
    return Trained(classifier.values_by_name(), tuple(history), classifier)


def _validated(
    classifier: Classifier, validation: Encoded, loss: float, lesson: Lesson | None, number: int
) -> Epoch:
    """Return the history's entry for an epoch: its losses and its validation accuracy."""
    logits = predict(classifier, validation)
    right = float(np.mean(logits.argmax(axis=1) == validation.labels))
    return Epoch(number, loss, right, validation_loss(logits, validation.labels, lesson))


def _compiled(
    shape: Architecture, values: Values, table: TrainingTable, texts: int, lesson: Lesson | None
) -> Classifier:
    classifier = Classifier(shape, values, seed=table.seed, precision=table.precision)
    updates = math.ceil(texts / table.batch) * table.epochs
    optimizer = make_optimizer(table, updates=updates, undecayed=classifier.undecayed)
    optimizer.build(classifier.trainable_variables)
    classifier.compile(optimizer=optimizer, loss=make_loss(lesson), jit_compile=False)
    return classifier


def _run_epoch(
    classifier: Classifier,
    train: Encoded,
    targets: NDArray[Any],
    table: TrainingTable,
    reporter: _Reporter,
) -> float:
    rows = batches.epoch(train, table.batch, seed=table.seed * 1000 + reporter.number)
    parts = batches.parts(rows, table.accumulation)
    reporter.seen = np.cumsum([len(part.rows) for part in parts])
    outcome = classifier.fit(
        datasets.with_targets(train, parts, targets),
        epochs=1,
        verbose=0,
        shuffle=False,
        callbacks=[reporter],
    )
    loss = float(outcome.history["loss"][-1])
    if not math.isfinite(loss):
        raise EdgeproofError(
            f"the loss became {loss} in epoch {reporter.number}",
            key="training.learning_rate",
            remedy="Lower the learning rate, or lengthen the warm-up",
        )
    return loss


class _Reporter(keras.callbacks.Callback):  # type: ignore[misc] # keras ships no types
    """Reports the progress of one epoch after every batch."""

    def __init__(self, report: Callable[[Step], None], number: int, table: TrainingTable) -> None:
        super().__init__()
        self.number = number
        self.seen: NDArray[np.int64] = np.zeros(0, np.int64)
        self._report, self._epochs = report, table.epochs

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report epoch, batch, texts so far and loss after each batch."""
        loss = (logs or {}).get("loss", math.nan)
        texts = int(self.seen[batch])
        self._report(Step(self.number, self._epochs, batch + 1, len(self.seen), texts, loss))


def predict(classifier: Classifier, split: Encoded) -> NDArray[np.float32]:
    """Return the logits [texts, classes] of the texts of `split`, in the split's order.

    Raises:
        EdgeproofError: a logit is not finite or implausibly large.
    """
    rows = list(batches.in_order(split, PREDICTION_BATCH))
    answers = classifier.predict(datasets.inputs_only(split, rows), verbose=0)
    logits = np.empty((len(split.labels), classifier.shape.classes), np.float32)
    logits[np.concatenate(rows)] = answers
    largest = float(np.abs(logits).max(initial=0.0))
    if not largest < SANE_LOGIT:
        raise EdgeproofError(
            f"training diverged: a logit reached {largest:g}",
            key="training",
            remedy="Lower the learning rate, clip harder, or lengthen the warm-up",
        )
    return logits


def answers_of(shape: Architecture, values: Values, split: Encoded) -> NDArray[np.float32]:
    """Return the logits [texts, classes] that a trained network gives to the texts of `split`."""
    make_deterministic(seed=0)
    return predict(Classifier(shape, values, seed=0), split)
