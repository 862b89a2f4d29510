"""Store the recorded answers of a reference that is not a FlatBuffer in a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.candidates.recorded import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]

LABELS, SCORES = "labels", ("logits", "probabilities")


def arrays_of(recording: Recording) -> dict[str, NDArray[np.generic]]:
    """Return the answers of the reference as arrays by name."""
    scores = {name: getattr(recording, name) for name in SCORES}
    present = {name: array for name, array in scores.items() if array is not None}
    return {LABELS: recording.labels, **present}


def recording_in(arrays: Arrays, *, texts: int, classes: int) -> Recording:
    """Convert arrays of a bundle into recorded answers.

    Args:
        arrays: the arrays by name.
        texts: number of texts.
        classes: number of labels.

    Raises:
        ValueError: the arrays are not recorded answers, or do not fit the texts or labels.
    """
    if not {LABELS} <= set(arrays) <= {LABELS, *SCORES}:
        raise ValueError(f"it contains the wrong arrays: {', '.join(sorted(arrays))[:80]}")
    labels = arrays[LABELS]
    if labels.dtype != np.int64 or labels.shape != (texts,):
        raise ValueError(f"its labels are not int64 of {[texts]}")
    if not np.isin(labels, range(classes)).all():
        raise ValueError("it has a label that the subject does not have")
    scores = {name: arrays[name] for name in SCORES if name in arrays}
    for name, array in scores.items():
        if array.dtype != np.float64 or array.shape != (texts, classes):
            raise ValueError(f"its {name} are not float64 of {[texts, classes]}")
        if not np.isfinite(array).all():
            raise ValueError(f"its {name} hold NaN or infinity")
    return Recording(labels=labels, **scores)  # type: ignore[arg-type] # the dtypes were checked above
