"""What a bundle says of itself: `bundle.json`, its first member."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from models.tables import Table

SCHEMA = 1
MANIFEST = "bundle.json"
BUDGETS = "budgets.toml"
GOLDEN = "golden"
# A FlatBuffer's offsets have 32 bits, the first of them for a sign.
LARGEST_MEMBER = 1 << 31

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Key = Annotated[str, Meta(pattern="^[0-9a-f]{24}$")]
# A line of text that is shown to people.
Line = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[ -~]*$")]


class Member(Table, frozen=True, kw_only=True):
    """A file of the bundle: its sha256 and its size in bytes."""

    sha256: Digest
    bytes: Annotated[int, Meta(ge=0, le=LARGEST_MEMBER)]


class Judged(Table, frozen=True, kw_only=True):
    """A runtime of the host: its version, and the schemes whose answers were judged right on it."""

    version: Line
    schemes: Annotated[tuple[str, ...], Meta(min_length=1)]


class Stages(Table, frozen=True, kw_only=True):
    """The keys of the artefacts that the bundle holds."""

    corpus: Key
    full: Key
    small: Key
    variants: dict[str, Key]


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

    schema: Annotated[int, Meta(ge=1)]
    version: Line
    subject: dict[str, Any]
    stages: Stages
    runtimes: Annotated[dict[Line, Judged], Meta(min_length=1)]
    main_runtime: Line
    machine: Line
    budgets: Line
    versions: dict[Line, Line | None]
    members: dict[str, Member]


def golden_member(runtime: str, scheme: str) -> str:
    """Return the path of the host's logits of a scheme on a runtime."""
    return f"{GOLDEN}/{runtime}/{scheme}.npy"
