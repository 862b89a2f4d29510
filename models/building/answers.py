"""Read the stored answers of full models, from which a small model learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.artefact_names import LOGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.building.plan import Plan
    from models.store import Stage, Store


def read_answers(
    store: Store, plan: Plan, *, teachers: int = 1, copies: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of the teachers' logits.

    Args:
        store: the store, which contains the answers.
        plan: the plan of the small model.
        teachers: number of teachers.
        copies: number of altered copies of the train split.

    Returns:
        The logits [texts, classes] of the train split followed by its copies, and those of the
        validation split.
    """
    train, validation = [], []
    for number in range(teachers):
        stages = [plan.answers(number, copy) for copy in (None, *range(copies))]
        train.append(np.concatenate([_logits(store, stage, "train") for stage in stages]))
        validation.append(_logits(store, plan.teacher(number), "validation"))
    return _mean(train), _mean(validation)


def _logits(store: Store, stage: Stage, split: str) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = store.artefact(stage).arrays(LOGITS)[split]
    return logits


def _mean(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.mean(logits, axis=0, dtype=np.float32)
    return mean
