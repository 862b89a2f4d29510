"""Judge the results of many cases of one family on one backend.

The caller chooses the cases: with hypothesis, which also shrinks a deviating case, or with seeds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models.kernels.arithmetic import PROCESSOR
from models.kernels.choices import RandomChoices
from models.kernels.deviations import explaining
from models.kernels.judging import Deviation, deviation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.kernels.arithmetic import Arithmetic
    from models.kernels.asking import Answer, Answering
    from models.kernels.case import Case, Family
    from models.kernels.deviations import KnownDeviation


class KernelDeviates(AssertionError):  # noqa: N818 - a failed test shows this name
    """A kernel returned a result outside of its bounds, or ended its process."""


@dataclass(frozen=True, eq=False)
class Deviating:
    """A case with the backend's answer, and the deviation of that answer."""

    case: Case
    answer: Answer
    deviation: Deviation


@dataclass
class Record:
    """The results of a family's cases on one backend.

    Attributes:
        right: the number of correct results.
        refused: the number of refused cases, by the backend's message.
        known: the number of known deviations, by the name of the entry.
        deviating: the last case with an unknown deviation; None if there is none.
    """

    right: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    deviating: Deviating | None = None

    @property
    def examples(self) -> int:
        """Return the number of cases that were run."""
        return self.right + self.refused.total() + self.known.total() + bool(self.deviating)


def judged(case: Case, answer: Answer, arithmetic: Arithmetic = PROCESSOR) -> Deviation | None:
    """Return how a backend's answer to a case deviates; None if it is right.

    The answer must not be a refusal.
    """
    if answer.kind == "died":
        return Deviation(answer.said, np.inf)
    return deviation(case.expected(arithmetic), answer.runs, case.outputs)


class Judge:
    """Judges cases of one family on one backend, and counts the results.

    Args:
        backend: the backend.
        entries: the known deviations of the family on this backend.
        arithmetic: the arithmetic of the backend.
    """

    def __init__(
        self,
        backend: Answering,
        entries: Sequence[KnownDeviation] = (),
        arithmetic: Arithmetic = PROCESSOR,
    ) -> None:
        self._backend, self._entries, self._arithmetic = backend, entries, arithmetic
        self.record = Record()

    def judge(self, case: Case) -> None:
        """Judge one case.

        Raises:
            KernelDeviates: the result deviates, and no entry explains the deviation.
        """
        answer = self._backend.answer(case)
        if answer.kind == "refused":
            self.record.refused[answer.said] += 1
            return
        wrong = judged(case, answer, self._arithmetic)
        if wrong is None:
            self.record.right += 1
            return
        entry = explaining(self._entries, case.facts, died=answer.kind == "died")
        if entry is None:
            self.record.deviating = Deviating(case, answer, wrong)
            raise KernelDeviates(wrong.what)
        self.record.known[entry.name] += 1


def search_by_seeds(
    family: Family,
    backend: Answering,
    seeds: range,
    entries: Sequence[KnownDeviation] = (),
    arithmetic: Arithmetic = PROCESSOR,
) -> Record:
    """Judge one case of a family for each seed; stop at the first unknown deviation."""
    judge = Judge(backend, entries, arithmetic)
    for seed in seeds:
        try:
            judge.judge(family.draw(RandomChoices(seed)))
        except KernelDeviates:
            break
    return judge.record
