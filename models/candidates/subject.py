"""Define the facts of a subject that a run needs, for candidates of any origin."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.store import Stage

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SubjectFacts:
    """The facts of a subject for gates and reports.

    Attributes:
        name: name of the subject in results and baselines.
        description: description in one sentence.
        labels: labels in the order of the outputs.
        ordered: whether the labels are ordered, from the worst to the best.
        grouped: whether texts belong to groups.
        pairs_with_group: whether a classifier's input is a pair of group and text.
        candidates: names of the candidates, in the order in which they are judged.
        reference: name of the candidate with which the others are compared; None without one.
        schemes: scheme of each candidate with a contract, by the candidate's name.
        other_candidates: names of candidates of the subject that this run does not judge.
        taught: whether the candidates were converted from a full model that edgeproof trained.
        by_pytorch: whether the full model runs in PyTorch, so that the float32 file is compared
            with it.
        has_files: whether there are files to judge, and not only recorded answers.
        on_device: names of the candidates whose tokenizer runs on a device.
        roles: roles of each candidate's inputs, by the candidate's name; a candidate that is not
            listed has all roles.
        lengths: accepted row lengths of each candidate with several lengths, ascending.
        bindings: inputs and output of each candidate on one line, by name, for the header.
        sources: sources of the subject, such as its corpus, by kind, for the header.
        remarks: sentences that the user needs to know.
        budgets: name of shipped budgets, or a file; None without any.
        known_failures: the user's file of known failures; None without one.
        baseline: the user's folder of earlier measurements; None without one.
        device: name or file of the required device profile; None for that of the recognized device.
        may_show_texts: whether a report may contain texts.
        seeds: seeds by purpose.
    """

    name: str
    description: str
    labels: tuple[str, ...]
    ordered: bool
    grouped: bool
    pairs_with_group: bool = False
    candidates: tuple[str, ...]
    reference: str | None
    schemes: dict[str, str]
    other_candidates: tuple[str, ...] = ()
    taught: bool = False
    by_pytorch: bool = False
    has_files: bool = True
    on_device: frozenset[str] = frozenset()
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lengths: dict[str, tuple[int, ...]] = field(default_factory=dict)
    bindings: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    budgets: str | None = None
    known_failures: str | None = None
    baseline: str | None = None
    device: str | None = None
    may_show_texts: bool = True
    seeds: dict[str, int] = field(default_factory=dict)

    @property
    def read_as(self) -> list[str]:
        """Return a line about inputs and output of each file, and a line about each source."""
        every = self.bindings | self.sources
        return [f"{name}: {reading}" for name, reading in every.items()]

    @property
    def all_candidates(self) -> tuple[str, ...]:
        """Return the names of all candidates of the subject, judged ones first."""
        return (*self.candidates, *self.other_candidates)

    def of(self, names: Iterable[str]) -> SubjectFacts:
        """Return the facts of a run that judges some of the candidates."""
        chosen = set(names)
        left_out = [name for name in self.candidates if name not in chosen]
        return replace(
            self,
            candidates=tuple(name for name in self.candidates if name in chosen),
            reference=self.reference if self.reference in chosen else None,
            schemes=_of(self.schemes, chosen),
            other_candidates=tuple(dict.fromkeys((*left_out, *self.other_candidates))),
            on_device=self.on_device & chosen,
            roles=_of(self.roles, chosen),
            lengths=_of(self.lengths, chosen),
            bindings=_of(self.bindings, chosen),
        )


@dataclass(frozen=True, kw_only=True)
class JudgedArtefacts:
    """The artefacts that a run judges.

    Attributes:
        texts: the labelled texts and their token ids.
        candidates: for each candidate's name, its FlatBuffer with its card.
        encoded: token ids of those candidates, by name, that need other ids than those in `texts`.
        full: the full model; None if existing files are judged.
        small: the model that was converted; None if existing files are judged.
        parity: comparison of the float32 file with PyTorch; None without PyTorch, and in a bundle.
        named: every artefact by its name in results, in the order in which they are made.
    """

    texts: Stage
    candidates: dict[str, Stage]
    encoded: dict[str, Stage] = field(default_factory=dict)
    full: Stage | None = None
    small: Stage | None = None
    parity: Stage | None = None
    named: dict[str, Stage] = field(default_factory=dict)

    def stages(self) -> list[Stage]:
        """Return the stage of every artefact, without duplicates."""
        stages = {(stage.name, stage.key): stage for stage in self.named.values()}
        return list(stages.values())

    def texts_of(self, candidate: str) -> Stage:
        """Return the stage of the texts with a candidate's token ids."""
        return self.encoded.get(candidate, self.texts)

    def of(self, names: Iterable[str]) -> JudgedArtefacts:
        """Return the artefacts of a run that judges some of the candidates."""
        chosen = set(names)
        candidates, encoded = _of(self.candidates, chosen), _of(self.encoded, chosen)
        models = [stage for stage in (self.full, self.small) if stage is not None]
        used = [self.texts, *encoded.values(), *models, *candidates.values()]
        return replace(
            self,
            candidates=candidates,
            encoded=encoded,
            named={name: stage for name, stage in self.named.items() if stage in used},
        )


def _of(values: Mapping[str, T], chosen: set[str]) -> dict[str, T]:
    return {name: value for name, value in values.items() if name in chosen}
