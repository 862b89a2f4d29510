"""What a bundle says of itself: `bundle.json`, its first member."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any

from msgspec import Meta

from models.tables import Table

SCHEMA = 1
MANIFEST = "bundle.json"
BUDGETS = "budgets.toml"
GOLDEN = "golden"

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Member(Table, frozen=True, kw_only=True):
    """A file of the bundle: its sha256 and its size in bytes."""

    sha256: Digest
    bytes: Annotated[int, Meta(ge=0)]


class Judged(Table, frozen=True, kw_only=True):
    """A runtime of the host: its version, and the schemes whose answers were judged right on it."""

    version: str
    schemes: tuple[str, ...]


class Stages(Table, frozen=True, kw_only=True):
    """The keys of the artefacts that the bundle holds."""

    corpus: str
    full: str
    small: str
    variants: dict[str, str]


class Manifest(Table, frozen=True, kw_only=True):
    """The whole of `bundle.json`.

    Attributes:
        schema: of this structure.
        version: of the edgeproof that made it.
        subject: the subject's table.
        stages: keys of artefacts.
        runtimes: what was judged right, by runtime.
        main_runtime: the one whose answers are the measure of the others'.
        machine: the architecture of the host whose answers are the golden ones.
        budgets: the file the budgets were read from, as shown to people.
        versions: of the packages that made the artefacts.
        members: every other file, by path.
    """

    schema: int
    version: str
    subject: dict[str, Any]
    stages: Stages
    runtimes: dict[str, Judged]
    main_runtime: str
    machine: str
    budgets: str
    versions: dict[str, str | None]
    members: dict[str, Member]


def golden_member(runtime: str, scheme: str) -> str:
    """Return the path of the host's logits of a scheme on a runtime."""
    return f"{GOLDEN}/{runtime}/{scheme}.npy"


def is_safe(name: str) -> bool:
    """Whether a member's path stays inside the folder that it is unpacked into."""
    path = PurePosixPath(name)
    parts = name.split("/")
    return not path.is_absolute() and "\\" not in name and not {"", ".", ".."} & set(parts)
