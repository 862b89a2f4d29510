"""Define `bundle.json`, the first member of a bundle, which describes the others."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from models.candidates.subject import SubjectFacts
from models.files.toml_tables import Table

# Version 4: "runtimes" became "backends". Version 3: texts.jsonl, text_id and group_id. Version 2:
# a bundle contains the facts about a subject, and candidates by name. Version 1: the builder's
# tables.
SCHEMA = 4
MANIFEST = "bundle.json"
BUDGETS = "budgets.toml"
KNOWN_FAILURES = "known_failures.toml"
RECORDED = "recorded.npz"
GOLDEN = "golden"
# This is the size limit of a FlatBuffer: its offsets have 32 bits including the sign.
LARGEST_MEMBER = 1 << 31

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
# Path of an artefact in the store: stage and key.
Folder = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,19}/[0-9a-f]{24}$")]
# One line of printable ASCII, which messages show.
Line = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[ -~]*$")]
# A path on the host, which may be long and in any script.
Shown = Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Member(Table, frozen=True, kw_only=True):
    """The sha256 and the size in bytes of a file in the bundle."""

    sha256: Digest
    bytes: Annotated[int, Meta(ge=0, le=LARGEST_MEMBER)]


class Judged(Table, frozen=True, kw_only=True):
    """The version of a backend on the host, and the candidates that passed on this backend."""

    version: Line
    candidates: Annotated[tuple[str, ...], Meta(min_length=1)]


class Held(Table, frozen=True, kw_only=True):
    """The folders of the artefacts in the bundle; `JudgedArtefacts` explains the fields."""

    texts: Folder
    candidates: dict[str, Folder]
    encoded: dict[str, Folder]
    named: dict[str, Folder]
    full: Folder | None = None
    small: Folder | None = None

    @property
    def all_texts(self) -> tuple[str, ...]:
        """Return each artefact folder that contains texts with their token ids, once."""
        return tuple(dict.fromkeys((self.texts, *self.encoded.values())))

    @property
    def models(self) -> tuple[str, ...]:
        """Return the folders of trained models, without duplicates."""
        return tuple(
            dict.fromkeys(folder for folder in (self.full, self.small) if folder is not None)
        )

    def texts_of(self, candidate: str) -> str:
        """Return the artefact folder that contains a candidate's token ids."""
        return self.encoded.get(candidate, self.texts)

    def folders(self) -> tuple[str, ...]:
        """Return the folder of every artefact, without duplicates."""
        return tuple(dict.fromkeys((*self.all_texts, *self.models, *self.candidates.values())))


class Manifest(Table, frozen=True, kw_only=True):
    """The content of `bundle.json`.

    Attributes:
        schema: version of this structure.
        version: version of the edgeproof that wrote the bundle.
        facts: facts of the subject; see `facts_from`.
        artefacts: folder of each artefact.
        backends: version and candidates that passed, by backend.
        main_backend: name of the backend with which other backends were compared.
        machine: architecture of the host that computed the golden answers.
        budgets: path of the budget file on the host, for messages.
        versions: versions of the packages that made the artefacts.
        members: every other file in the bundle, by path.
    """

    schema: Annotated[int, Meta(ge=1)]
    version: Line
    facts: dict[str, Any]
    artefacts: Held
    backends: Annotated[dict[Line, Judged], Meta(min_length=1)]
    main_backend: Line
    machine: Line
    budgets: Shown
    versions: dict[Line, Line | None]
    members: dict[str, Member]


def facts_from(table: dict[str, Any]) -> SubjectFacts:
    """Convert the table `facts` of a manifest into the facts of the subject.

    Raises:
        ValueError: a key is missing or unknown, or a value has the wrong type.
    """
    unknown = sorted(set(table) - {field.name for field in fields(SubjectFacts)})
    if unknown:
        raise ValueError(f"unknown key {unknown[0][:60]!r} - at `$.facts`")
    return msgspec.convert(table, SubjectFacts)


def golden_member(backend: str, candidate: str) -> str:
    """Return the path, inside the bundle, of a candidate's answers on a backend of the host."""
    return f"{GOLDEN}/{backend}/{candidate}.npy"
