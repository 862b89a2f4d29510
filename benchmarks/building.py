"""Build the subjects for benchmarks, in a separate process that imports TensorFlow."""

from __future__ import annotations

import multiprocessing
import sys
from typing import TYPE_CHECKING

from models.corpus.artefact import load_corpus
from models.progress import Progress
from models.store import PROJECT, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from models.building.plan import Plan

SHARED = PROJECT.parent / "shared"
ENCODER = SHARED / "weights" / "all-MiniLM-L6-v2"


def build(plans: list[Plan], store: Store) -> None:
    """Build those artefacts of the plans that the store lacks."""
    missing = [plan for plan in plans if not all(store.has(stage) for stage in plan.stages())]
    if missing:
        in_own_process(_make, missing, store.root)


def in_own_process(work: Callable[..., None], *arguments: Any) -> None:
    """Call a function in a separate process, because it imports TensorFlow.

    Args:
        work: a function defined in a module.
        arguments: arguments of the function.
    """
    worker = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    worker.start()
    worker.join()
    if worker.exitcode:
        raise SystemExit(f"building ended with exit status {worker.exitcode}; run again")


def texts_of(plan: Plan, store: Store, split: str = "test") -> list[tuple[str, ...]]:
    """Return the texts of a split in the form of a runner's request."""
    corpus = load_corpus(store.artefact(plan.corpus))
    paired = plan.request.subject.pairs_with_group
    return [text.parts(pair_with_group=paired) for text in corpus.splits[split]]


def _make(plans: list[Plan], root: Path) -> None:
    from models.building.stages import Builder  # noqa: PLC0415 - imports TensorFlow

    for plan in plans:
        Builder(Store(root), plan, Progress(sys.stderr)).build()
