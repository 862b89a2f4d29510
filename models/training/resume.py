"""Resume an interrupted fine-tuning from its last complete epoch, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import EdgeproofError
from models.files.numpy_files import open_npz
from models.training.history import Epoch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.networks.classifier import Classifier
    from models.networks.parameters import Values

STATE = "state.npz"
# Prefix of the arrays with the weights of the best epoch.
_BEST = "best_"
_AFRESH = "Delete this file: the fine-tuning then starts from its first epoch"


class Resume:
    """A training checkpoint: the state on which the next epoch depends, in one file.

    The state is the weights, the optimizer's moments and counters, the state of dropout's random
    generator, the history, and the weights of the best epoch if the training keeps them. The order
    of an epoch's batches depends only on the seed and the epoch's number.

    Args:
        folder: the folder of the file; its name identifies the fine-tuning.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / STATE

    def epochs_done(self) -> int:
        """Return the number of complete epochs of an earlier run; 0 if there was none.

        Raises:
            EdgeproofError: the file is damaged.
        """
        with self._opened() as state:
            return len(_history(state))

    def save(self, classifier: Classifier, history: list[Epoch], best: Values) -> None:
        """Store the state after an epoch; the previous state is kept until this has succeeded.

        Args:
            classifier: the classifier that is trained.
            history: the epochs so far.
            best: the weights of the best epoch by name; {} to use the weights of the last epoch.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        lines = json.dumps([asdict(epoch) for epoch in history])
        with draft.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                _write(archive, "history", np.array(lines))
                # Write one variable at a time: all of them together need three times the memory of
                # the weights.
                for name, variable in _variables(classifier).items():
                    _write(archive, name, variable.numpy())
                for name, value in best.items():
                    _write(archive, _BEST + name, value)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def load(self, classifier: Classifier) -> tuple[list[Epoch], Values]:
        """Restore the state of the classifier and its optimizer.

        Returns:
            The history so far, and the weights of the best epoch by name. Both are empty without a
            file; the weights are also empty if those of the last epoch are used.

        Raises:
            EdgeproofError: the file is damaged.
        """
        with self._opened() as state:
            if state:
                for name, variable in _variables(classifier).items():
                    variable.assign(state[name])
            best = {
                name.removeprefix(_BEST): np.asarray(state[name])
                for name in state
                if name.startswith(_BEST)
            }
            return _history(state), best

    @contextmanager
    def _opened(self) -> Iterator[Mapping[str, Any]]:
        """Yield the arrays in the file by name; {} if there is no file."""
        if not self.path.is_file():
            yield {}
            return
        try:
            with open_npz(self.path, remedy=_AFRESH) as state:
                yield state
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EdgeproofError(
                f"the saved state of an interrupted fine-tuning cannot be read ({error})",
                file=self.path,
                remedy=_AFRESH,
            ) from None

    def forget(self) -> None:
        """Remove the state after the fine-tuning is complete."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def _history(state: Mapping[str, Any]) -> list[Epoch]:
    lines = json.loads(str(state["history"])) if state else []
    return [Epoch(**line) for line in lines]


def _variables(classifier: Classifier) -> dict[str, Any]:
    groups = {"model": classifier.variables, "optimizer": classifier.optimizer.variables}
    return {
        f"{group}_{index}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }


def _write(archive: zipfile.ZipFile, name: str, values: NDArray[Any]) -> None:
    """Write a member of an archive in the format of `numpy.savez`."""
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.save(member, np.asanyarray(values), allow_pickle=False)
