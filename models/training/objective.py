"""Define the loss of a fine-tuning: cross-entropy with labels, and with a teacher's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.subjects import DistillationTable


@dataclass(frozen=True)
class Lesson:
    """A teacher's answers to the train split, and their weight.

    Attributes:
        logits: logits of the teacher [texts, classes], in the split's order.
        table: temperature and weight.
        validation: logits of the teacher for the validation split [texts, classes]; None to compare
            the epochs of a training by the labels of that split.
    """

    logits: NDArray[np.float32]
    table: DistillationTable
    validation: NDArray[np.float32] | None = None


def make_loss(lesson: Lesson | None) -> Any:
    """Return the loss function for the targets that `make_targets` returns."""
    if lesson is None:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return DistillationLoss(lesson.table.temperature, lesson.table.weight)


def make_targets(labels: NDArray[np.int32], lesson: Lesson | None) -> NDArray[Any]:
    """Return the labels [texts]; with a lesson, one-hot labels and logits [texts, 2, classes].

    A negative label stands for a missing one. Its one-hot row is zero, so that only the teacher's
    answer to this text is learned.
    """
    if lesson is None:
        return labels
    hard = np.eye(lesson.logits.shape[1], dtype=np.float32)[labels]
    hard[labels < 0] = 0.0
    return np.stack([hard, lesson.logits], axis=1)


def validation_loss(
    logits: NDArray[np.float32], labels: NDArray[np.int32], lesson: Lesson | None
) -> float:
    """Return the mean cross-entropy of the validation split, in nats.

    With a teacher, it is the mean Kullback-Leibler divergence from the teacher's answers plus their
    entropy, which is the same for every epoch.

    Args:
        logits: logits of the trained model [texts, classes].
        labels: labels of the split [texts].
        lesson: the lesson, or None. Its answers to the validation split, if it has any, replace the
            labels.
    """
    if lesson is None or lesson.validation is None:
        targets = np.eye(logits.shape[1])[labels]
    else:
        targets = np.exp(_log_shares(lesson.validation))
    return float(-(targets * _log_shares(logits)).sum(axis=1).mean())


def _log_shares(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logarithm of the softmax over the last axis."""
    shifted: NDArray[np.float64] = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


class DistillationLoss(keras.losses.Loss):  # type: ignore[misc] # keras ships no types
    """A loss that compares the student with the label and with the teacher.

    It is (1 - w) * cross-entropy with the label + w * T^2 * KL(teacher at T || student at T).

    Hinton, Vinyals and Dean 2015, section 2: with the factor T^2 the gradients of the soft targets
    have the size of the labels' gradients at any temperature. The divergence differs from the
    cross-entropy with the soft targets by the teacher's entropy, which does not depend on the
    student.

    Args:
        temperature: T, by which both models' logits are divided.
        weight: w, the weight of the divergence.
    """

    def __init__(self, temperature: float, weight: float) -> None:
        super().__init__(name="distillation")
        self.temperature, self.weight = temperature, weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return each text's weighted loss against its label and against the teacher, [batch]."""
        hard, soft = y_true[:, 0], y_true[:, 1]
        labels = ops.categorical_crossentropy(hard, y_pred, from_logits=True)
        teacher = ops.log_softmax(soft / self.temperature, axis=-1)
        student = ops.log_softmax(y_pred / self.temperature, axis=-1)
        divergence = ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)
        return (1.0 - self.weight) * labels + self.weight * self.temperature**2 * divergence
