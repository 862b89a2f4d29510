"""Find the files and texts of the default subject for other benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.artefact_names import FLATBUFFER
from models.building.plan import make_plan, make_request
from models.corpus.artefact import load_encoded
from models.flatbuffers.signature import NAMES
from models.runtime.predictions import inputs_of
from models.store import Store, default_root
from models.subjects import load_subject

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SCHEMES = ("float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8_dense")


class Made(NamedTuple):
    """The files and texts of the default subject.

    Attributes:
        files: FlatBuffers by scheme.
        inputs: the test texts as arrays [n, tokens], by name of the input.
    """

    files: dict[str, Path]
    inputs: dict[str, NDArray[Any]]


def default_subject() -> Made:
    """Return the files of four schemes and the test texts.

    Raises:
        SystemExit: the files or texts are not made yet.
    """
    plan, store = make_plan(make_request(load_subject("embedded"))), Store(default_root())
    variants = {name: plan.variants[name] for name in SCHEMES}
    if not all(store.has(stage) for stage in (plan.corpus, *variants.values())):
        raise SystemExit("The artefacts are not made yet: run tox -e host first.")
    split = inputs_of(load_encoded(store.artefact(plan.corpus))["test"])
    files = {name: store.artefact(stage).path(FLATBUFFER) for name, stage in variants.items()}
    return Made(files, {NAMES[role]: rows for role, rows in split.items()})


def repeated(inputs: dict[str, NDArray[Any]], count: int) -> dict[str, NDArray[Any]]:
    """Return `count` texts, by repeating the given ones in their order."""
    rows = np.arange(count) % len(next(iter(inputs.values())))
    return {name: array[rows] for name, array in inputs.items()}
