"""Check the list of a bundle's members before anything is unpacked."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from models.artefact import MANIFEST as ARTEFACT_MANIFEST
from models.artefact_names import FLATBUFFER, LOGITS, MODEL_CARD, VARIANT_CARD
from models.backends.common.registry import backend_names
from models.bundle.facts import problem_of
from models.bundle.manifest import (
    BUDGETS,
    KNOWN_FAILURES,
    MANIFEST,
    RECORDED,
    facts_from,
    golden_member,
)
from models.corpus.artefact import ENCODED, LEFT_OUT, SUMMARY, TEXTS, TOKENIZER
from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.bundle.manifest import Manifest

REMEDY = "Export the bundle again with --edge-export-bundle, from a run whose gates passed"
# Largest member in bytes, except FlatBuffers, texts and recorded answers, which have larger limits.
_LARGEST_CARD = 16 << 20
_LARGEST_CORPUS = 256 << 20
_OF_TEXTS = (TEXTS, ENCODED, TOKENIZER, LOGITS, RECORDED)
_LARGE = {FLATBUFFER: None, **dict.fromkeys(_OF_TEXTS, _LARGEST_CORPUS)}
# Members that a bundle may lack.
_OPTIONAL = (KNOWN_FAILURES, RECORDED)


def check_manifest(manifest: Manifest, file: Path) -> None:
    """Check that a manifest lists all needed members and no others; unpack nothing.

    Args:
        manifest: the bundle's manifest.
        file: path of the bundle, for messages.

    Raises:
        UsageMistake: a member is missing, does not belong there, or is too large.
    """
    Members(manifest, file).check()


class Members:
    """Checks the list of a bundle's members.

    Args:
        manifest: the bundle's manifest.
        file: path of the bundle, for messages.
    """

    def __init__(self, manifest: Manifest, file: Path) -> None:
        self._manifest, self._file = manifest, file
        self._held = manifest.artefacts
        self._facts = facts_from(manifest.facts)

    def check(self) -> None:
        """Check that the list is complete, and that its entries fit each other.

        Raises:
            UsageMistake: a member is missing, does not belong there, or is too large.
        """
        problem = problem_of(self._facts) or next(chain(self._of_held(), self._of_judged()), None)
        if problem is not None:
            raise self._mistake(problem, MANIFEST)
        self._check_belonging()

    def _mistake(self, problem: str, member: str) -> UsageMistake:
        return UsageMistake(problem, file=self._file, key=member, remedy=REMEDY)

    def _of_held(self) -> Iterator[str]:
        """Yield a problem for each inconsistency among the listed artefacts."""
        held, names = self._held, self._facts.candidates
        if set(held.candidates) != set(names):
            yield "its candidates' artefacts are not those of the listed candidates"
        if not set(held.encoded) <= set(names):
            yield "it contains the texts of a candidate that is not in it"
        if len({*held.candidates.values()}) != len(held.candidates):
            yield "two of its candidates share an artefact"
        if self._facts.taught != (held.full is not None and held.small is not None):
            yield "it must contain the full and the small model only if its candidates were trained"
        if set(held.named.values()) != set(held.folders()):
            yield "its named artefacts are not those of its candidates, texts and models"

    def _of_judged(self) -> Iterator[str]:
        """Yield a problem for each judged candidate or backend that is missing or unknown."""
        backends, names = self._manifest.backends, self._facts.candidates
        for name in backends:
            if name not in backend_names(boards=True):
                yield f"no backend is called {name!r}"
        for name in (name for judged in backends.values() for name in judged.candidates):
            if name not in names:
                yield f"{name[:60]!r} passed on a backend, but is not in the bundle"
        if self._manifest.main_backend not in backends:
            yield "no candidate was judged on its main backend"

    def _check_belonging(self) -> None:
        """Check that all needed members and no unknown ones are listed, with allowed sizes."""
        needed = set(self._needed())
        for name in sorted(needed - self._manifest.members.keys()):
            raise self._mistake("is missing", name)
        for name, member in self._manifest.members.items():
            if name not in needed and name not in _OPTIONAL:
                raise self._mistake("is not listed in the bundle's manifest", name)
            most = _LARGE.get(name.rsplit("/", 1)[-1], _LARGEST_CARD)
            if most is not None and member.bytes > most:
                problem = f"has {member.bytes:,} bytes, but at most {most:,} are allowed"
                raise self._mistake(problem, name)

    def _needed(self) -> Iterator[str]:
        yield BUDGETS
        for backend, judged in self._manifest.backends.items():
            yield from (golden_member(backend, name) for name in judged.candidates)
        held = self._held
        # A tokenizer that runs on a device is stored beside the texts of its candidates.
        tokenized = {held.texts_of(name) for name in self._facts.on_device}
        for folder in held.all_texts:
            own = (TOKENIZER,) if folder in tokenized else ()
            yield from _below(folder, TEXTS, LEFT_OUT, ENCODED, SUMMARY, *own)
        for folder in held.models:
            yield from _below(folder, MODEL_CARD, LOGITS)
        for folder in held.candidates.values():
            yield from _below(folder, VARIANT_CARD, FLATBUFFER)


def _below(folder: str, *names: str) -> Iterator[str]:
    yield from (f"{folder}/{name}" for name in (*names, ARTEFACT_MANIFEST))
