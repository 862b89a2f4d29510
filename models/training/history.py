"""Report the progress of a fine-tuning, and store its history."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Progress of a fine-tuning: 1-based epoch and batch, mean loss of the epoch so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    texts: int
    loss: float


@dataclass(frozen=True)
class Epoch:
    """One line of a training history."""

    epoch: int
    loss: float
    validation_accuracy: float
