"""Compare measurements with a baseline: earlier measurements of the same variant and device.

A measurement has regressed if the whole 95 % interval of the difference shows that it is worse than
the baseline by more than the known noise of the metric. The two runs are independent, so their
intervals are combined by squares (Zou and Donner 2008). These intervals allow for the choice of
texts, but not for another training of the same network. So unless both runs measured the same file,
the known standard deviation between trainings is combined with them in the same way.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from models import former_names
from models.errors import EdgeproofError, UsageMistake
from models.files.json_documents import parse_json
from models.files.paths import require_name
from models.files.regular_files import LARGEST_DOCUMENT, read_regular, write_whole
from models.files.toml_tables import Table, read_toml
from models.verdicts.metrics import Source, metric_named
from models.verdicts.quantities import Unit, human, human_interval, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from models.verdicts.measurement import Measurement
    from models.verdicts.metrics import Metric

FIRST_SCHEMA, SCHEMA = 1, 3
# Standard deviations on either side of a normal distribution's mean that contain 95 %.
NORMAL_95 = 1.96
HOST = "host"


class Move(StrEnum):
    """The relation of a measurement to its baseline."""

    SAME = "same"
    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NOT_COMPARED = "not compared"


class Kept(Table, frozen=True, kw_only=True):
    """One stored measurement of a baseline; `Measurement` explains the fields."""

    metric: str
    backend: str | None
    value: float
    low: float | None
    high: float | None
    n: int


class RunIdentity(Table, frozen=True, kw_only=True):
    """The facts of a run that must be equal for its measurements to be comparable.

    Attributes:
        machine: hash of the properties that determine latency and memory: processor, backend,
            versions.
        texts: hash of the test texts.
        file: SHA-256 of the measured FlatBuffer; None if there was none, or if a baseline does not
            record it.
    """

    machine: str
    texts: str
    file: str | None = None


class Baseline(Table, frozen=True, kw_only=True):
    """The content of a baseline's file: measurements of one variant on one device.

    Attributes:
        schema: version of the file's format.
        subject: name of the subject.
        device: name of the device.
        scheme: the variant's scheme, or `full_model`.
        commit: commit of edgeproof's checkout; `unknown` if there was none.
        changed: whether the checkout had uncommitted changes.
        recorded: day of the run, YYYY-MM-DD.
        taken: identity of the run.
        measurements: one measurement for each metric and backend.
    """

    schema: int
    subject: str
    device: str
    scheme: str
    commit: str
    changed: bool
    recorded: str
    taken: RunIdentity
    measurements: tuple[Kept, ...]

    def of(self, metric: str, backend: str | None) -> Kept | None:
        """Return the stored measurement of a metric on a backend; None if there is none.

        For a metric that depends only on the file, the backend is ignored: such a metric has no
        backend, but baselines from before 0.2 name a backend for some of these metrics.
        """
        exact = metric_named(metric).exact
        for measurement in self.measurements:
            if measurement.metric == metric and (exact or measurement.backend == backend):
                return measurement
        return None


class Movement(NamedTuple):
    """The change of a measurement since its baseline.

    Attributes:
        move: kind of the change.
        reason: a sentence about the change.
        other_file: a remark if the baseline was measured on another file; "" if it was not.
        because: why the two measurements cannot be compared; "" if they can.
    """

    move: Move
    reason: str
    other_file: str = ""
    because: str = ""


def baseline_path(folder: Path, subject: str, device: str, scheme: str) -> Path:
    """Return the path of a variant's baseline on a device.

    Raises:
        UsageMistake: a name cannot be the name of a file, or leads out of the folder.
    """
    for key, name in (("subject", subject), ("device", device), ("scheme", scheme)):
        require_name(name, file=folder, key=key)
    return folder / subject / device / f"{scheme}.json"


def read_baseline(path: Path, *, subject: str, device: str, scheme: str) -> Baseline | None:
    """Read a baseline; return None if there is none.

    If a scheme was renamed, read the baseline that was recorded under its former name.

    Raises:
        EdgeproofError: the baseline cannot be read, or belongs to another subject, device or
            scheme.
    """
    try:
        path, content = _content(path, scheme)
        baseline = msgspec.convert(_in_todays_words(parse_json(content)), type=Baseline)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise EdgeproofError(
            f"is not a baseline ({error})",
            file=path,
            remedy="Record the baseline again with --edge-update-baseline",
        ) from None
    if former_names.SCHEMES.get(baseline.scheme) == scheme:
        baseline = msgspec.structs.replace(baseline, scheme=scheme)
    identity = (baseline.schema, baseline.subject, baseline.device, baseline.scheme)
    if identity != (SCHEMA, subject, device, scheme):
        raise EdgeproofError(
            f"is a baseline of another run: version {baseline.schema}, subject {baseline.subject}, "
            f"device {baseline.device}, scheme {baseline.scheme}",
            file=path,
            remedy=f"Replace it by a baseline for {subject}, {device}, {scheme}: run with "
            "--edge-update-baseline",
        )
    return baseline


def _content(path: Path, scheme: str) -> tuple[Path, bytes]:
    """Return the path and content of a baseline; try the former name of a renamed scheme, too.

    Raises:
        OSError: the file does not exist or cannot be read.
    """
    try:
        return path, read_regular(path, LARGEST_DOCUMENT)
    except FileNotFoundError:
        for old, new in former_names.SCHEMES.items():
            if new == scheme:
                before = path.with_name(f"{old}{path.suffix}")
                return before, read_regular(before, LARGEST_DOCUMENT)
        raise


def _in_todays_words(document: Any) -> Any:
    """Return a baseline of an earlier version with current names; any other content unchanged."""
    if not isinstance(document, dict):
        return document
    schema, identity = document.get("schema"), document.get("taken")
    measurements = document.get("measurements")
    if type(schema) is not int or not FIRST_SCHEMA <= schema < SCHEMA:
        return document
    if isinstance(identity, dict):
        identity = {former_names.TAKEN.get(key, key): value for key, value in identity.items()}
    if isinstance(measurements, list):
        measurements = [_renamed(measurement) for measurement in measurements]
    return document | {"schema": SCHEMA, "taken": identity, "measurements": measurements}


def _renamed(measurement: Any) -> Any:
    """Return a baseline's measurement with the former names of keys and metric replaced."""
    if not isinstance(measurement, dict):
        return measurement
    renamed = {former_names.MEASURED.get(key, key): value for key, value in measurement.items()}
    metric = renamed.get("metric")
    if isinstance(metric, str):
        renamed["metric"] = former_names.METRICS.get(metric, metric)
    return renamed


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline; equal contents give equal bytes.

    Raises:
        EdgeproofError: the folder cannot be written to.
    """
    text = msgspec.json.format(msgspec.json.encode(baseline), indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            file.write(text + b"\n")
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})", file=path, remedy="Make the folder writable"
        ) from None


def convert_measurements(measurements: Iterable[Measurement]) -> tuple[Kept, ...]:
    """Convert measurements for a baseline, sorted by metric and backend.

    If there are several measurements of a metric on a backend, keep the last one.
    """
    chosen = {
        (measurement.metric, measurement.backend): Kept(
            metric=measurement.metric,
            backend=measurement.backend,
            value=measurement.value,
            low=measurement.low,
            high=measurement.high,
            n=measurement.n,
        )
        for measurement in measurements
    }
    return tuple(chosen[key] for key in sorted(chosen, key=lambda key: (key[0], key[1] or "")))


class Noise(NamedTuple):
    """The random fluctuation of a metric.

    Attributes:
        share: fluctuation between any two runs, as a share of the baseline's value.
        training: standard deviation between trainings of the same network, in the metric's unit.
    """

    share: float = 0.0
    training: float = 0.0


def read_noise(path: Path) -> dict[str, Noise]:
    """Read the noise of metrics: `[METRIC] noise = "5 %"`, or `training = "1 points"`, or both.

    Raises:
        UsageMistake: a metric or key is unknown, or a value has the wrong unit.
    """
    noise_of = {}
    for name, table in read_toml(path).items():
        unit = metric_named(name).unit
        if not isinstance(table, dict) or not table or table.keys() - {"noise", "training"}:
            raise UsageMistake(
                "must be a table with the key noise, training, or both",
                file=path,
                key=name,
                remedy='Write noise = "5 %"',
            )
        share = training = 0.0
        if "noise" in table:
            share = parse_quantity(table["noise"], Unit.FRACTION, file=path, key=f"{name}.noise")
        if "training" in table:
            # The standard deviation of a percentage is a difference, so it is written in points.
            in_points = unit is Unit.FRACTION
            training = parse_quantity(
                table["training"], unit, difference=in_points, file=path, key=f"{name}.training"
            )
        noise_of[name] = Noise(share, training)
    return noise_of


def movement(
    measured: Measurement,
    baseline: Baseline,
    identity: RunIdentity,
    noise: Mapping[str, Noise],
    *,
    untimed: str | None = None,
) -> Movement:
    """Compare a measurement with the baseline of its variant on its device.

    Args:
        measured: the measurement of this run.
        baseline: the baseline of the same subject, device and scheme.
        identity: identity of this run.
        noise: noise by metric, see `read_noise`.
        untimed: why times on this device are meaningless; None if they are meaningful.
    """
    metric = metric_named(measured.metric)
    before = baseline.of(measured.metric, measured.backend)
    if before is None:
        return _not_compared(metric, "the baseline has no measurement of this metric and backend")
    if untimed is None and measured.device == HOST and metric.source is Source.CLOCK:
        untimed = "a host runs other programs at the same time, so only ratios are compared"
    reason = _incomparable(metric, baseline.taken, identity, untimed)
    if reason is not None:
        return _not_compared(metric, reason)
    # Usually the baseline was measured on another file. The measurements are compared nevertheless,
    # and the report mentions the other file.
    other_file = _other_file(baseline.taken.file, identity.file)
    also = f" ({other_file})" if other_file else ""
    change = measured.value - before.value
    known = noise.get(metric.name, Noise())
    same_file = identity.file is not None and identity.file == baseline.taken.file
    # The difference between two trainings has sqrt(2) times the standard deviation of one training.
    training = 0.0 if same_file else NORMAL_95 * math.sqrt(2.0) * known.training
    low = change - math.hypot(_below(measured), _above(before), training)
    high = change + math.hypot(_above(measured), _below(before), training)
    allowed = known.share * abs(before.value)
    down, up = high < -allowed, low > allowed
    if not (down or up):
        return Movement(Move.SAME, f"{metric.name}: as before{also}", other_file)
    worse = up if metric.better == "lower" else down
    ends = (low, high) if low < high else None
    difference = human_interval(
        change, ends, metric.unit, difference=_in_points(metric), exact=metric.exact
    )
    difference += " (95 % interval)" if ends else ""
    values = " to ".join(
        human(value, metric.unit, difference=metric.difference, exact=metric.exact)
        for value in (before.value, measured.value)
    )
    return Movement(
        Move.REGRESSION if worse else Move.IMPROVEMENT,
        f"{metric.name} of {measured.scheme} moved by {difference}, from {values}, "
        f"since {_since(baseline)}{also}",
        other_file,
    )


def _not_compared(metric: Metric, because: str) -> Movement:
    return Movement(Move.NOT_COMPARED, f"{metric.name}: {because}", because=because)


def _since(baseline: Baseline) -> str:
    changes = " with changes" if baseline.changed else ""
    return f"commit {baseline.commit[:9]}{changes} ({baseline.recorded})"


def _other_file(before: str | None, now: str | None) -> str:
    """Return a remark if the baseline was measured on another file; "" if not or if unknown."""
    if before is None or now in {None, before}:
        return ""
    return f"on another file: sha256 {before[:12]} then, {str(now)[:12]} now"


def _in_points(metric: Metric) -> bool:
    return metric.unit is Unit.FRACTION


def _below(measurement: Measurement | Kept) -> float:
    return math.inf if measurement.low is None else measurement.value - measurement.low


def _above(measurement: Measurement | Kept) -> float:
    return math.inf if measurement.high is None else measurement.high - measurement.value


def _incomparable(
    metric: Metric, before: RunIdentity, now: RunIdentity, untimed: str | None
) -> str | None:
    """Return why a metric cannot be compared with its value in the baseline; None if it can."""
    if metric.timed and untimed is not None:
        return untimed
    if metric.of_the_machine and before.machine != now.machine:
        return "the baseline was taken on another machine"
    if metric.of_the_texts and before.texts != now.texts:
        return "the baseline was taken on other texts"
    return None
