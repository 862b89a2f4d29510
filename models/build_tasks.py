"""Run the tasks of a builder, one for each artefact, alone or shared with other processes.

Processes share only the store: an artefact that exists is complete, and one that is locked is being
made. A process that can make no artefact waits until another process has made one that it needs.
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
        make: writes the artefact's files into an empty folder.
        needs: artefacts that must exist before.
        tidy: removes temporary files after the artefact is made.
    """

    stage: Stage
    make: Callable[[Path], None]
    needs: tuple[Stage, ...] = ()
    tidy: Callable[[], None] = lambda: None


class PlanBuilder(ABC):
    """Makes the missing artefacts of a plan.

    Args:
        store: the store of artefacts.
        plan: the plan of artefacts to make.
        progress: prints progress.
    """

    def __init__(self, store: Store, plan: Plan, progress: Progress) -> None:
        self._store, self._plan, self._progress = store, plan, progress
        self._subject = plan.request.subject

    @abstractmethod
    def tasks(self) -> list[Task]:
        """Return the known tasks of the plan, each after the tasks whose artefacts it needs.

        Artefacts that exist can make further tasks known, such as a full model's answers for the
        teaching of a small model whose size depends on the full one.
        """

    def build(self) -> None:
        """Make every missing artefact of the plan, in order.

        Raises:
            EdgeproofError: an artefact cannot be made.
        """
        make_in_order(self.tasks, self._store, self._progress.say)


def make_in_order(
    tasks: Callable[[], Sequence[Task]], store: Store, say: Callable[[str], None]
) -> None:
    """Make missing artefacts one after the other; wait for any that another process is making.

    Args:
        tasks: returns the known tasks, each after the tasks whose artefacts it needs.
        store: the store of artefacts.
        say: called with a message when the process waits for another one.
    """
    done: set[str] = set()
    while remaining := [task for task in tasks() if task.stage.key not in done]:
        task = remaining[0]
        store.get(task.stage, task.make, waiting=say)
        task.tidy()
        done.add(task.stage.key)


def make_beside_others(
    tasks: Callable[[], Sequence[Task]],
    store: Store,
    say: Callable[[str], None],
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Make missing artefacts that no other process is making, until no artefact is missing.

    Args:
        tasks: returns the known tasks, in the order in which they are tried.
        store: the store of artefacts.
        say: called with a message when the process waits for a process of another run.
        meanwhile: called once when the process waits for the first time.
    """
    announced: set[str] = set()
    waited = False
    while missing := [task for task in tasks() if not store.has(task.stage)]:
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
