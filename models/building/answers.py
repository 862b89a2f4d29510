"""Read the stored answers of the full model, from which a small model learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.artefact_names import LOGITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.building.plan import Plan
    from models.store import Store


def read_answers(
    store: Store, plan: Plan, *, copies: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the full model's logits.

    Args:
        store: the store, which contains the answers.
        plan: the plan of the small model.
        copies: number of altered copies of the train split.

    Returns:
        The logits [texts, classes] of the train split followed by its copies, and those of the
        validation split.
    """
    stages = [plan.answers(copy) for copy in (None, *range(copies))]
    train = [store.artefact(stage).arrays(LOGITS)["train"] for stage in stages]
    return np.concatenate(train), store.artefact(plan.full).arrays(LOGITS)["validation"]
