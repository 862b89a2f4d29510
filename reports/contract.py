"""Define the typed tables of results.json, which are checked before anything is drawn.

The tables are open: they may hold more than stands here. What stands here without a default is in
every document.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from reports.extent import Extent  # noqa: TC001 - msgspec reads the annotation
from reports.kernel_coverage import Covered  # noqa: TC001 - the same
from reports.localizations import Localization  # noqa: TC001 - msgspec reads the annotation
from reports.matrix import Cell  # noqa: TC001 - msgspec reads the annotation

Name = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0)]
# Beyond these no float is, and no number of ours.
Number = Annotated[float, Meta(ge=-1e300, le=1e300)]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A table that may have further keys."""


class Moment(Open):
    """When and with which version a run was made.

    Without its `extent` nobody knows whether it was of the whole suite.

    Attributes:
        id: of this run alone.
        started: when, ISO 8601.
        version: of edgeproof.
        finished: when, ISO 8601; empty where that is not known.
        command: what runs a test as the run did.
        commit: of the checkout; None where there is none.
        changed: whether that holds changes without a commit.
        localizations: where red variants leave float32.
        backends: what was found of candidates on other backends than the judged one.
        extent: how much of the suite it was.
    """

    id: Name
    started: str
    version: str
    finished: str = ""
    command: str = ""
    commit: str | None = None
    changed: bool | None = None
    localizations: list[Localization] = []
    backends: list[Cell] = []
    extent: Extent | None = None

    def __post_init__(self) -> None:
        for name in ("started", "finished"):
            moment = getattr(self, name)
            if moment or name == "started":
                try:
                    datetime.fromisoformat(moment)
                except ValueError:
                    raise ValueError(f"`{name}`: {moment[:40]!r} is no ISO 8601 time") from None


class ModelSizes(Open):
    """The sizes of one model."""

    parameters: dict[str, int]
    weights: int | None
    checkpoint: int | None


class VariantSizes(Open):
    """The sizes of one FlatBuffer."""

    flatbuffer: int | None
    flatbuffer_zipped: int | None
    resident: int | None
    ratios: dict[str, Number]


class Published(Open):
    """The FlatBuffer size that the paper's factor implies."""

    published_ratio: Number
    flatbuffer_for_bert_large_checkpoint: int
    flatbuffer_for_bert_large_weights: int


class Sizes(Open):
    """All sizes of a subject."""

    variants: dict[str, VariantSizes]
    # Of candidates that were given, nobody knows the models.
    full_model: ModelSizes | None = None
    small_model: ModelSizes | None = None
    paper: Published | None = None


class NamedSubject(Open):
    """The common keys of every `subject`: its name, and its schemes in the order of its file."""

    name: Name
    schemes: list[str]
    description: str = ""
    remarks: list[str] = []
    read_as: list[str] = []
    labels: list[str] = []
    vocabulary: dict[str, Number] = {}
    floors: dict[str, dict[str, Number]] = {}
    sizes: Sizes | None = None


class NamedDevice(Open):
    """The common keys of every `device`: its name, and whether it is emulated."""

    name: Name
    emulated: bool
    target: str | None = None
    core: str | None = None


class Circumstances(Open):
    """The circumstances of a run."""

    backend: str | None = None
    threads: int | None = None
    backends: dict[str, str] = {}
    cores: int | None = None
    load_before: Number = 0.0
    load_after: Number = 0.0


class Merged(Open):
    """The facts of one of several merged runs, besides its measurements."""

    run: Moment
    subject: NamedSubject
    device: NamedDevice
    circumstances: Circumstances


class Run(Moment):
    """A document's `run`; it has `merged` if it holds several runs."""

    merged: list[Merged] | None = None


class Moved(Open):
    """The change of a measurement since its baseline."""

    move: str
    reason: str


class Looked(Open):
    """How many texts a gate looked at, out of how many, and why no more."""

    texts: Count
    of: Count
    because: str
    decided_after: Count | msgspec.UnsetType = msgspec.UNSET


class Details(Open):
    """The details of a measurement that are drawn."""

    baseline: Moved | msgspec.UnsetType = msgspec.UNSET
    seconds: list[Number] = []
    warm_up: Count = 0
    sustained_from: Count = 0
    confusion: list[list[Number]] = []
    flips: list[list[Number]] = []
    floors: dict[str, Number] = {}
    kernels: Covered | msgspec.UnsetType = msgspec.UNSET
    looked: Looked | msgspec.UnsetType = msgspec.UNSET


def check_details(details: dict[str, Any]) -> None:
    """Check the details of a measurement that are drawn.

    Raises:
        ValidationError: a key is mistyped, or a table is not as wide in one row as in another.
    """
    known = msgspec.convert(details, Details)
    for name in ("confusion", "flips"):
        if len({len(row) for row in getattr(known, name)}) > 1:
            raise msgspec.ValidationError(f"`details.{name}` has rows of different widths")
