"""Define the types of results.json, which is read once and drawn many times.

| table | content |
|---|---|
| `Run` | date, commit, extent, and results that are not numbers |
| `SubjectRecord` | the judged subject: candidates, labels, sizes |
| `DeviceRecord`, `Circumstances` | the device, and the circumstances of the run |
| `ArtefactRecord` | a file that was judged or used |
| `Measurement` (`models.verdicts.measurement`) | one number with its verdict |
| `Outcome` | how a test ended |

Most tables are open: they may contain keys that are not defined here, which are preserved. A field
that is defined without a default is in every document.
"""

# ruff: noqa: RUF012 - msgspec gives each instance a copy of the empty list or table
from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict, replace

from models.files.extensible_tables import Open
from models.files.toml_tables import Table
from models.verdicts.details import Number  # noqa: TC001 - msgspec reads the annotation at run time
from models.verdicts.measurement import Measurement  # noqa: TC001 - msgspec reads the annotation at run time
from reports.documents.extent import Extent  # noqa: TC001 - likewise
from reports.documents.localizations import Localization  # noqa: TC001 - likewise
from reports.documents.matrix import Cell  # noqa: TC001 - likewise

Name = Annotated[str, Meta(min_length=1)]


class Moment(Open, frozen=True, kw_only=True):
    """When and how a run was made.

    Without `extent` it is unknown whether the run covered the whole suite.

    Attributes:
        id: unique id of the run.
        started: time of the start, ISO 8601.
        version: version of edgeproof.
        finished: time of the end, ISO 8601; empty if unknown.
        command: the command that runs a test as this run did, without the test's id.
        commit: commit of the checkout; None if there is none.
        changed: whether the checkout had uncommitted changes.
        localizations: where failed variants deviate from float32.
        backends: results of candidates on other backends than the judged one.
        extent: how much of the suite ran.
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
    """The sizes of one trained model: parameters by part, and bytes of weights and checkpoint."""

    parameters: dict[str, int]
    weights: int | None
    checkpoint: int | None


class VariantSizes(Open, frozen=True, kw_only=True):
    """The sizes of one FlatBuffer in bytes, and its size ratios by metric."""

    flatbuffer: int | None
    flatbuffer_zipped: int | None
    resident: int | None
    ratios: dict[str, Number]


class Published(Open, frozen=True, kw_only=True):
    """The size ratio that the paper reports, and the FlatBuffer sizes in bytes that it implies."""

    published_ratio: Number
    flatbuffer_for_bert_large_checkpoint: int
    flatbuffer_for_bert_large_weights: int


class Sizes(Open, frozen=True, kw_only=True):
    """The sizes of a subject's models and FlatBuffers."""

    variants: dict[str, VariantSizes]
    # None for existing files, because their models are unknown.
    full_model: ModelSizes | None = None
    small_model: ModelSizes | None = None
    paper: Published | None = None


class SubjectRecord(Open, frozen=True, kw_only=True):
    """The judged subject.

    Attributes:
        name: name of the subject.
        schemes: names of the variants, in the order of the subject's file.
        description: description from the subject's file.
        labels: labels in the order of the output.
        parameters: number of parameters of each model, by the model's role.
        vocabulary: number of `pieces`, and the shares of test words that the vocabulary lacks.
        seeds: seeds by purpose.
        read_as: sentences about how files and texts are interpreted.
        remarks: sentences that a reader of the numbers needs to know.
        sizes: all sizes; None if they were not measured.
        floors: scores of trivial classifiers, by classifier and metric.
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
        name: name of the device.
        emulated: whether the device is emulated, so that latencies are meaningless.
        target: address of the device; None for this machine.
        machine: processor architecture.
        core: name of the emulated processor core.
    """

    name: Name
    emulated: bool
    target: str | None = None
    machine: str | None = None
    core: str | None = None


class Circumstances(Open, frozen=True, kw_only=True):
    """The circumstances that the numbers depend on.

    Attributes:
        backend: name of the judged backend.
        threads: number of threads of the judged backend.
        backends: versions of the installed backends, by name.
        absent_backends: reasons why the other backends are absent, by name.
        versions: versions of packages; None for one that is not installed.
        python: version of Python.
        system: name and version of the operating system.
        cores: number of cores of the machine that runs the suite.
        load_before: load average of that machine when the run began.
        load_after: load average of that machine when the run ended.
        budgets: file of the budgets.
        guards: file of the regression guards.
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
    """The facts of one of several merged runs, without its measurements."""

    run: Moment
    subject: SubjectRecord
    circumstances: Circumstances
    device: DeviceRecord


class Run(Moment, frozen=True, kw_only=True):
    """The `run` of a document; `merged` lists the single runs if the document combines several."""

    merged: list[Merged] | UnsetType | None = UNSET


class ArtefactRecord(Open, frozen=True, kw_only=True):
    """A file that was judged, or from which numbers were computed.

    Attributes:
        name: name of the stage that made the file, and of the file.
        sha256: hash of the content.
        bytes: size of the file.
        key: the stage's key in the store.
    """

    name: str
    sha256: str
    bytes: int
    key: str | UnsetType = UNSET


class Outcome(Table, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of a test.

    `message` says why the test did not pass, and `lacking` what a skipped test needs. In a document
    of several runs, `subject` and `device` name the test's run.
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
        """Return the title of the run's reports: the names of subject and device."""
        return f"{self.subject.name} on {self.device.name}"

    @property
    def merged(self) -> list[Merged] | None:
        """Return the single runs, if `reports.merge` combined several; else None."""
        return self.run.merged if isinstance(self.run.merged, list) else None

    def renamed(self, device: str) -> Document:
        """Return the document with its device renamed, in all measurements as well."""
        measurements = [replace(measurement, device=device) for measurement in self.measurements]
        return replace(self, device=replace(self.device, name=device), measurements=measurements)

    def parts(self) -> list[Document]:
        """Return a document for each single run, with one subject and one device."""
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
