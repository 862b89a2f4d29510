"""Do a builder's tasks, one for each artefact, in order or shared with other processes.

The store is all that processes share: an artefact that is there is made, one that is locked is
being made, and a process that finds nothing to make waits until what others make lets it go on.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.building.plan import Plan
    from models.progress import Progress
    from models.store import Stage, Store

_SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class Task:
    """One artefact, the function that makes it, and the artefacts that it needs.

    Attributes:
        stage: the artefact.
        make: writes the artefact's files into the empty folder it is given.
        needs: artefacts that have to be there before.
        tidy: removes what only the making needed, once the artefact is there.
    """

    stage: Stage
    make: Callable[[Path], None]
    needs: tuple[Stage, ...] = ()
    tidy: Callable[[], None] = lambda: None


class PlanBuilder(ABC):
    """Make the missing artefacts of a plan.

    Args:
        store: where artefacts are kept.
        plan: what to make.
        progress: told what is going on.
    """

    def __init__(self, store: Store, plan: Plan, progress: Progress) -> None:
        self._store, self._plan, self._progress = store, plan, progress
        self._subject = plan.request.subject

    @abstractmethod
    def tasks(self) -> list[Task]:
        """Return the tasks of the plan, each after those that it needs."""

    def build(self) -> None:
        """Make every stage in order, and skip existing ones.

        Raises:
            EdgeproofError: a stage cannot be made.
        """
        make_in_order(self.tasks(), self._store, self._progress.say)


def make_in_order(tasks: Sequence[Task], store: Store, say: Callable[[str], None]) -> None:
    """Make missing artefacts one after the other; wait for those that another process makes.

    Args:
        tasks: each after those that it needs.
        store: where artefacts are kept.
        say: told what is waited for.
    """
    for task in tasks:
        store.get(task.stage, task.make, waiting=say)
        task.tidy()


def make_beside_others(
    tasks: Sequence[Task],
    store: Store,
    say: Callable[[str], None],
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Make artefacts that no other process is making, until none is left.

    Args:
        tasks: in the order in which they are tried.
        store: where artefacts are kept.
        say: told what is waited for, if it is not one of this run's own processes that makes it.
        meanwhile: does, once, what is useful while there is nothing to make yet.
    """
    announced: set[str] = set()
    waited = False
    while missing := [task for task in tasks if not store.has(task.stage)]:
        ready = [task for task in missing if all(store.has(stage) for stage in task.needs)]
        if any(_made(task, store) for task in ready):
            continue
        if ready == missing:
            return
        for stage in (task.stage for task in ready):
            run = store.other_run_at(stage)
            if run and stage.key not in announced:
                announced.add(stage.key)
                say(f"waiting for another run that makes {stage.name}{run}")
        if not waited:
            waited = True
            meanwhile()
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _made(task: Task, store: Store) -> bool:
    if not store.attempt(task.stage, task.make):
        return False
    task.tidy()
    return True
