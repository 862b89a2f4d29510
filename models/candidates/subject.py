"""Hold the facts of a subject that a run needs, wherever its candidates come from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.store import Stage

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SubjectFacts:
    """The facts of a subject, as gates and reports see it.

    Attributes:
        name: what results and baselines are kept under.
        description: one sentence.
        labels: in the order of the outputs.
        ordered: whether that order means something, worst first.
        grouped: whether texts belong to groups.
        pairs_with_group: whether a classifier is given the group before the text.
        candidates: names, in the order in which they are judged.
        reference: the candidate that the others are compared with; None without one.
        schemes: of the candidates that promise one, by name.
        other_candidates: names of those that the subject has and the run leaves out.
        taught: whether there is a full model that the candidates descend from.
        by_pytorch: whether it is PyTorch's, and the float32 file is compared with it.
        has_files: whether the candidates' files are there, not their answers alone.
        on_device: names of the candidates whose tokenizer runs on a device.
        roles: what the inputs of each candidate take, by name; all of them if it is not named.
        lengths: tokens of the rows of each candidate that takes several lengths, ascending.
        bindings: inputs and output of each on one line, by name, for the header.
        sources: what it was made of, by what that is, for the header.
        remarks: what a user has to know, a plain sentence each.
        budgets: a shipped name or a file; None without any.
        known_failures: the user's own file of them; None without.
        baseline: the user's own folder of earlier measurements; None without.
        device: whose profile judges; None for the one that is recognized.
        may_show_texts: whether a report may hold texts.
        seeds: by what was drawn.
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
        """How each file is fed and read, and the source of everything else, one line each."""
        every = self.bindings | self.sources
        return [f"{name}: {reading}" for name, reading in every.items()]

    @property
    def all_candidates(self) -> tuple[str, ...]:
        """Every candidate of the subject, judged ones first."""
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
        texts: the labelled texts and their encoding.
        candidates: a FlatBuffer and its card each, by name.
        encoded: texts as a candidate takes them, where it takes them otherwise than `texts` has
            them, by name.
        full: the full model; None if candidates were given.
        small: the model that was converted; likewise.
        parity: how far the float32 file is from PyTorch; None if PyTorch converted nothing, and
            in a bundle.
        named: every artefact with its name in results, each once, in the order they were made.
    """

    texts: Stage
    candidates: dict[str, Stage]
    encoded: dict[str, Stage] = field(default_factory=dict)
    full: Stage | None = None
    small: Stage | None = None
    parity: Stage | None = None
    named: dict[str, Stage] = field(default_factory=dict)

    def stages(self) -> list[Stage]:
        """Return every artefact once."""
        stages = {(stage.name, stage.key): stage for stage in self.named.values()}
        return list(stages.values())

    def texts_of(self, candidate: str) -> Stage:
        """Return the stage of a candidate's inputs."""
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
