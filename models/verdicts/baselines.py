"""Compare measurements with a baseline: earlier ones of the same variant and device.

A measurement has regressed when the whole 95 % interval of the difference is on the worse side, and
beyond the noise that its metric is known to have. Both intervals are joined by squares (Zou and
Donner 2008), for the two runs are independent. They tell how much other texts would change, not
another training of the same network: where the weights may have been trained again, the known
deviation between trainings is joined as well.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from models import former_names
from models.errors import EdgeproofError, UsageMistake
from models.files import LARGEST_DOCUMENT, read_regular, write_whole
from models.json_documents import parse_json
from models.paths import require_name
from models.toml_tables import Table, read_toml
from models.verdicts.metrics import Source, metric_named
from models.verdicts.quantities import Unit, human, human_interval, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from models.verdicts.measurement import Measurement
    from models.verdicts.metrics import Metric

FIRST_SCHEMA, SCHEMA = 1, 3
# Standard deviations to either side of a normal mean that hold 95 %.
NORMAL_95 = 1.96
HOST = "host"


class Move(StrEnum):
    """The relation of a measurement to its baseline."""

    SAME = "same"
    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NOT_COMPARED = "not compared"


class Kept(Table, frozen=True, kw_only=True):
    """One measurement of a baseline; see `Measurement`."""

    metric: str
    backend: str | None
    value: float
    low: float | None
    high: float | None
    n: int


class RunIdentity(Table, frozen=True, kw_only=True):
    """The identity of a run.

    Attributes:
        machine: what latency and memory depend on: processor, backend, versions.
        texts: hash of the test texts that were answered.
        file: SHA-256 of the FlatBuffer that was measured; None if there was none, or a baseline
            does not say it.
    """

    machine: str
    texts: str
    file: str | None = None


class Baseline(Table, frozen=True, kw_only=True):
    """The measurements of one variant on one device, as a file holds them.

    Attributes:
        schema: version of the file's format.
        subject: name of the subject.
        device: name of the device.
        scheme: the variant's scheme, or `full_model`.
        commit: of edgeproof's checkout; `unknown` where there was none.
        changed: whether the checkout held changes that no commit has.
        recorded: the day, as YYYY-MM-DD.
        taken: what the run is told apart by.
        measurements: one of each metric and backend.
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
        """Return the kept measurement of a metric, or None.

        A file is the same on every backend; baselines of before 0.2 name one of some shares.
        """
        exact = metric_named(metric).exact
        for measurement in self.measurements:
            if measurement.metric == metric and (exact or measurement.backend == backend):
                return measurement
        return None


class Movement(NamedTuple):
    """The change of a measurement since its baseline.

    Attributes:
        move: in a word.
        reason: the sentence that says so.
        other_file: how the file of the baseline differs from the measured one; "" if it is that.
        because: why the two cannot be compared; "" if they can.
    """

    move: Move
    reason: str
    other_file: str = ""
    because: str = ""


def baseline_path(folder: Path, subject: str, device: str, scheme: str) -> Path:
    """Return the path of a variant's baseline on a device.

    Raises:
        UsageMistake: a name would lead out of the folder, or cannot be a file's.
    """
    for key, name in (("subject", subject), ("device", device), ("scheme", scheme)):
        require_name(name, file=folder, key=key)
    return folder / subject / device / f"{scheme}.json"


def read_baseline(path: Path, *, subject: str, device: str, scheme: str) -> Baseline | None:
    """Read a baseline; None if there is none.

    A baseline that was recorded under the former name of its scheme is read under today's.

    Raises:
        EdgeproofError: it cannot be read, or is of another subject, device or scheme.
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
            f"belongs to another run: version {identity[0]}, {', '.join(map(str, identity[1:]))}",
            file=path,
            remedy=f"Replace it by a baseline for {subject}, {device}, {scheme}: run with "
            "--edge-update-baseline",
        )
    return baseline


def _content(path: Path, scheme: str) -> tuple[Path, bytes]:
    """Return a baseline's file and content; of a renamed scheme also that of its former name.

    Raises:
        OSError: it cannot be read, or there is none.
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
    """Return a document of an earlier version in today's form: only names differ."""
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
    """Return a measurement of an earlier version with today's names of its keys and its metric."""
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


def kept(measurements: Iterable[Measurement]) -> tuple[Kept, ...]:
    """Return the measurements of a baseline, in a fixed order."""
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
    """How much a metric fluctuates without a reason.

    Attributes:
        share: of the baseline's value, in any run.
        training: standard deviation between trainings of one network, in the metric's unit.
    """

    share: float = 0.0
    training: float = 0.0


def read_noise(path: Path) -> dict[str, Noise]:
    """Read the noise of metrics: `[METRIC] noise = "5 %"`, or `training = "1 points"`, or both.

    Raises:
        UsageMistake: an unknown metric or key, or a value in another unit.
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
            # A standard deviation of percentages is a difference: it is written in points.
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
        measured: of this run.
        baseline: of the same subject, device and scheme.
        identity: how this run is told apart.
        noise: see `read_noise`.
        untimed: why times on this device say nothing; None if they do.
    """
    metric = metric_named(measured.metric)
    before = baseline.of(measured.metric, measured.backend)
    if before is None:
        return _not_compared(metric, "the baseline has no such measurement")
    if untimed is None and measured.device == HOST and metric.source is Source.CLOCK:
        untimed = "a host runs other programs at the same time, so only ratios are compared"
    reason = _incomparable(metric, baseline.taken, identity, untimed)
    if reason is not None:
        return _not_compared(metric, reason)
    # A newer file is what a baseline is for: it is compared, and said.
    other_file = _other_file(baseline.taken.file, identity.file)
    also = f" ({other_file})" if other_file else ""
    change = measured.value - before.value
    known = noise.get(metric.name, Noise())
    same_file = identity.file is not None and identity.file == baseline.taken.file
    # The difference between two trainings varies by the square root of two.
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
    """Return how a baseline's file differs from the measured one; "" if unknown."""
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
    """Return why two measurements cannot be compared; None if they can."""
    if metric.timed and untimed is not None:
        return untimed
    if metric.of_the_machine and before.machine != now.machine:
        return "the baseline was taken on another machine"
    if metric.of_the_texts and before.texts != now.texts:
        return "the baseline was taken on other texts"
    return None
