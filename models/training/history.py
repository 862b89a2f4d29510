"""Define the progress and the history of a fine-tuning, and choose the best epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """The progress of a fine-tuning.

    Attributes:
        epoch: number of the epoch, from 1.
        epochs: largest number of epochs.
        batch: number of the batch in the epoch, from 1.
        batches: number of batches in the epoch.
        texts: number of texts of the epoch so far.
        loss: mean loss of the epoch so far.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    texts: int
    loss: float


@dataclass(frozen=True)
class Epoch:
    """One entry of a training history.

    Attributes:
        epoch: number of the epoch, from 1.
        loss: mean loss over the train split.
        validation_accuracy: share of the validation texts that get the right label.
        validation_loss: mean cross-entropy over the validation split, in nats, with the teacher's
            answers if there is a teacher, otherwise with the labels.
    """

    epoch: int
    loss: float
    validation_accuracy: float
    validation_loss: float


def best_epoch(history: list[Epoch]) -> int:
    """Return the first epoch with the smallest loss on the validation split, counted from 1."""
    return min(history, key=lambda epoch: epoch.validation_loss).epoch


def is_complete(history: list[Epoch], epochs: int, patience: int) -> bool:
    """Tell whether a training is complete: all epochs are done, or the last ones did not improve.

    Args:
        history: the epochs so far.
        epochs: largest number of epochs.
        patience: the number of epochs without a smaller loss on the validation split after which
            the training ends; 0 never ends it early.
    """
    if len(history) >= epochs:
        return True
    return bool(patience and history) and len(history) - best_epoch(history) >= patience
