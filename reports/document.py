"""Define the types of results.json, which is read once and drawn many times.

| table | what |
|---|---|
| `Run` | when, of which commit, how much of the suite; what was found beside the numbers |
| `SubjectRecord` | whose candidates, labels, sizes |
| `DeviceRecord`, `Circumstances` | where, and under which circumstances |
| `ArtefactRecord` | a file that the numbers rest on |
| `Measurement` (`models.verdicts.measurement`) | one number with its verdict |
| `Outcome` | how a test ended |

Most tables are open: they may hold more than stands here, and it is kept. What stands here without
a default is in every document.
"""

# ruff: noqa: RUF012 - msgspec gives each table an empty list or table of its own
from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict, replace

from models.extensible_tables import Open
from models.toml_tables import Table
from models.verdicts.details import Number  # noqa: TC001 - msgspec reads the annotation
from models.verdicts.measurement import Measurement  # noqa: TC001 - msgspec reads the annotation
from reports.extent import Extent  # noqa: TC001 - the same
from reports.localizations import Localization  # noqa: TC001 - the same
from reports.matrix import Cell  # noqa: TC001 - the same

Name = Annotated[str, Meta(min_length=1)]


class Moment(Open, frozen=True, kw_only=True):
    """When and with which version a run was made.

    Without its `extent` nobody knows whether it was of the whole suite.

    Attributes:
        id: of this run alone.
        started: when, ISO 8601.
        version: of edgeproof.
        finished: when, ISO 8601; empty if that is not known.
        command: what runs a test as the run did.
        commit: of the checkout; None if there is none.
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
                    raise ValueError(f"`{name}`: {moment[:40]!r} is not an ISO 8601 time") from None


class ModelSizes(Open, frozen=True, kw_only=True):
    """The sizes of one model."""

    parameters: dict[str, int]
    weights: int | None
    checkpoint: int | None


class VariantSizes(Open, frozen=True, kw_only=True):
    """The sizes of one FlatBuffer."""

    flatbuffer: int | None
    flatbuffer_zipped: int | None
    resident: int | None
    ratios: dict[str, Number]


class Published(Open, frozen=True, kw_only=True):
    """The FlatBuffer size that the paper's factor implies."""

    published_ratio: Number
    flatbuffer_for_bert_large_checkpoint: int
    flatbuffer_for_bert_large_weights: int


class Sizes(Open, frozen=True, kw_only=True):
    """All sizes of a subject."""

    variants: dict[str, VariantSizes]
    # Of candidates that were given, nobody knows the models.
    full_model: ModelSizes | None = None
    small_model: ModelSizes | None = None
    paper: Published | None = None


class SubjectRecord(Open, frozen=True, kw_only=True):
    """The judged subject.

    Attributes:
        name: of the subject.
        schemes: in the order of the subject's file.
        description: by whoever wrote that file.
        labels: in order, where they have one.
        parameters: how many each model has, by its role.
        vocabulary: how many `pieces` it has, and which shares of the texts it does not cover.
        seeds: by what was drawn.
        read_as: how files and texts are read, a sentence each.
        remarks: what a reader of the numbers has to know, a sentence each.
        sizes: all sizes; None if nobody measured them.
        floors: scores of trivial classifiers by their name and the metric.
    """

    name: Name
    schemes: list[str]
    description: str = ""
    labels: list[str] = []
    parameters: dict[str, int] = {}
    vocabulary: dict[str, Number] = {}
    seeds: dict[str, int] = {}
    read_as: list[str] = []
    remarks: list[str] = []
    sizes: Sizes | None = None
    floors: dict[str, dict[str, Number]] = {}


class DeviceRecord(Open, frozen=True, kw_only=True, omit_defaults=True):
    """The device that the subject was judged on.

    Attributes:
        name: of the device.
        emulated: whether a latency here says nothing.
        target: its address; None for this machine.
        machine: its architecture.
        core: what is emulated.
    """

    name: Name
    emulated: bool
    target: str | None = None
    machine: str | None = None
    core: str | None = None


class Circumstances(Open, frozen=True, kw_only=True):
    """The circumstances that the numbers depend on.

    Attributes:
        backend: the one that is judged.
        threads: that it was given.
        backends: versions of those that are there, by their names.
        absent_backends: why the others are not.
        versions: of packages; None if one is not installed.
        python: its version.
        system: name and version.
        cores: of the machine that runs the suite.
        load_before: its load average when the run began.
        load_after: likewise when it ended.
        budgets: the file of the budgets.
        guards: the file of the regression guards.
    """

    backend: str | None = None
    threads: int | None = None
    backends: dict[str, str] = {}
    absent_backends: dict[str, str] = {}
    versions: dict[str, str | None] = {}
    python: str | None = None
    system: str | None = None
    cores: int | None = None
    load_before: Number | None = None
    load_after: Number | None = None
    budgets: str | None = None
    guards: str | None = None


class Merged(Open, frozen=True, kw_only=True):
    """The facts of one of several merged runs, besides its measurements."""

    run: Moment
    subject: SubjectRecord
    circumstances: Circumstances
    device: DeviceRecord


class Run(Moment, frozen=True, kw_only=True):
    """A document's `run`; it has `merged` if it holds several runs."""

    merged: list[Merged] | UnsetType | None = UNSET


class ArtefactRecord(Open, frozen=True, kw_only=True):
    """A file that the numbers rest on.

    Attributes:
        name: what made it, and its own name.
        sha256: of its content.
        bytes: its size.
        key: of the stage that made it, in the store.
    """

    name: str
    sha256: str
    bytes: int
    key: str | UnsetType = UNSET


class Outcome(Table, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of a test: `message` says why it did not pass, `lacking` what a skip needs.

    Where several runs are one document, `subject` and `device` say whose it is.
    """

    id: str
    outcome: Literal[
        "passed",
        "failed",
        "error",
        "xfailed",
        "xpassed",
        "measured",
        "skipped",
        "not_applicable",
        "not_run",
    ]
    seconds: float
    message: str = ""
    lacking: str = ""
    subject: str = ""
    device: str = ""


class Document(Table, frozen=True, kw_only=True):
    """The whole content of results.json; see the module's docstring."""

    schema: int
    run: Run
    subject: SubjectRecord
    device: DeviceRecord
    circumstances: Circumstances
    artefacts: list[ArtefactRecord]
    measurements: list[Measurement]
    tests: list[Outcome]

    @property
    def title(self) -> str:
        """Subject and device."""
        return f"{self.subject.name} on {self.device.name}"

    @property
    def merged(self) -> list[Merged] | None:
        """The runs that it holds, if `reports.merge` joined several."""
        return self.run.merged if isinstance(self.run.merged, list) else None

    def renamed(self, device: str) -> Document:
        """Return the outcome under another device name."""
        measurements = [replace(measurement, device=device) for measurement in self.measurements]
        return replace(self, device=replace(self.device, name=device), measurements=measurements)

    def parts(self) -> list[Document]:
        """Return a document for each run, of one subject on one device."""
        return [self] if self.merged is None else [self._part(merged) for merged in self.merged]

    def _part(self, merged: Merged) -> Document:
        """Return one of the runs, with its own measurements and tests."""
        owner = merged.subject.name, merged.device.name
        return replace(
            self,
            run=Run(**asdict(merged.run)),
            subject=merged.subject,
            device=merged.device,
            circumstances=merged.circumstances,
            measurements=[
                measurement
                for measurement in self.measurements
                if (measurement.subject, measurement.device) == owner
            ],
            tests=[test for test in self.tests if (test.subject, test.device) == owner],
        )
