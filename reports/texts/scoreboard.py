"""Format the scoreboard, one row per variant, from results.json alone, as text, Markdown or CSV."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from models import escaping
from models.errors import EdgeproofError
from models.files.regular_files import write_whole
from models.verdicts.judge import Verdict
from models.verdicts.metrics import FULL_MODEL
from reports.documents.extent import counted
from reports.texts import columns
from reports.texts.explain import is_worse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from models.verdicts.measurement import Measurement
    from reports.documents.document import Document


class Column(NamedTuple):
    """A column of the scoreboard that shows one number for each row.

    Attributes:
        title: heading for people.
        name: heading for programs (CSV).
        metrics: names of metrics; the column shows the first that was measured.
        factor: factor from the measured to the displayed value.
        decimals: number of decimal places.
        interval: whether the 95 % interval is displayed, too. It is always displayed if a part of
            the texts decided the gate.
        sampled: whether a part of the texts can decide the gate. Then CSV contains the interval.
        legend: explanation of the column below the table.
        may_go: whether the column is left out if no row has a number in it.
        given: metrics in place of `metrics` for candidates without a full model; () if the same.
    """

    title: str
    name: str
    metrics: tuple[str, ...]
    factor: float
    decimals: int
    interval: bool = False
    sampled: bool = False
    legend: str = ""
    may_go: bool = False
    given: tuple[str, ...] = ()


COLUMNS = (
    Column("MB", "megabytes", ("flatbuffer_bytes", "weights_bytes"), 1e-6, 2),
    Column("ratio", "ratio", ("size_ratio_weights",), 1.0, 1, given=("size_ratio_reference",)),
    Column("accuracy", "accuracy", ("accuracy",), 1.0, 3, sampled=True),
    Column(
        *("drop", "drop_points", ("accuracy_drop",), 100.0, 1),
        interval=True,
        sampled=True,
        given=("accuracy_drop_float32",),
    ),
    Column("agreement", "agreement", ("agreement", "agreement_backends"), 1.0, 3, sampled=True),
    Column("ms", "milliseconds", ("latency_p50",), 1e3, 2),
    Column("texts/s", "texts_per_second", ("texts_per_second",), 1.0, 1),
    Column("MB resident", "megabytes_resident", ("peak_rss",), 1e-6, 1),
    Column(
        *("same ids", "token_parity", ("token_parity",), 1.0, 3),
        legend="same ids: share of texts for which the app makes the correct ids",
        may_go=True,
    ),
    Column(
        *("as here", "agreement_golden", ("agreement_golden",), 1.0, 3),
        legend="as here: share of texts that the device labels as the host does",
        may_go=True,
    ),
    Column(
        *("logits off", "logit_difference", ("logit_difference",), 1.0, 4),
        legend="logits off: largest difference of a logit from the host's",
        may_go=True,
    ),
)
# Metrics that are displayed with an interval only if a part of the texts decided the gate.
SAMPLED = {name for c in COLUMNS if c.sampled and not c.interval for name in c.metrics}
MAY_GO = {column.title for column in COLUMNS if column.may_go}
HEADER = ("scheme", *(column.title for column in COLUMNS), "verdict")
LEGEND = (
    "ratio: the full model's float32 weights over the FlatBuffer; drop: percentage points of "
    "accuracy below the full model, with the 95 % interval; agreement: with the float32 variant, "
    "or for another backend with the judged one; ms: median of one answer"
)
GIVEN = (
    "ratio: the reference's FlatBuffer over the candidate's; drop: percentage points of accuracy "
    "below the reference, with the 95 % interval; agreement: with the reference, or for another "
    "backend with the judged one; ms: median of one answer"
)
PARTS = "accuracy or agreement with an interval: decided by a part of the texts"
KNOWN = (
    "fail (known): listed with a reason as a known failure, and accepted until that entry expires"
)
FLOORS = "last rows: trivial classifiers, which need no model"
# End of the name of a trivial classifier that uses the majority label of the judged texts.
OF_TEST = "_of_test"
FLOORS_OF_TEST = (
    "majority_of_test: the most frequent label of the test texts, because there are no training "
    "texts; a model must score better"
)
EMULATED = (
    "emulated: ARM code in an emulator, without a board; its times do not apply to the board, and "
    "its results have not been compared with those of a board"
)
UNMEASURED = "-"
# Maximum length of the lines below the table, in characters.
WIDTH = 120
KNOWN_FAILURE = "fail (known)"
REGRESSION = "regression"
NOT_RUN = "not run"
WORST_FIRST = (
    Verdict.FAIL.value,
    REGRESSION,
    KNOWN_FAILURE,
    Verdict.INVALID.value,
    Verdict.INCONCLUSIVE.value,
    NOT_RUN,
    Verdict.PASS.value,
)
FAILED = {"failed", "error", "xpassed"}
# The scheme in the parameters of a test, for example in "host-float32-latency_p50]".
_SCHEME = re.compile(r"(?<=-)(\w+)(?=[-\]])")


def scoreboard_rows(document: Document) -> list[tuple[str, ...]]:
    """Return the cells of a run's scoreboard, one row under `HEADER` per variant.

    The full model comes first, then the subject's schemes in their order. Results on another
    backend than the judged one have a row of their own, named "SCHEME on BACKEND". Trivial
    classifiers come last.

    Args:
        document: the document of one run.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    unmeasured, columns = _unmeasured(document), _columns(document)
    rows = [
        (
            scheme if backend is None else f"{scheme} on {backend}",
            *(_cell(column, measurements) for column in columns),
            _worst(measurements, unmeasured.get(scheme, set()) if backend is None else set()),
        )
        for (scheme, backend), measurements in _groups(document).items()
    ]
    return rows + [
        (name, *(_floor(column, scores) for column in COLUMNS), UNMEASURED)
        for name, scores in _floors(document).items()
    ]


def scoreboard_table(document: Document) -> list[tuple[str, ...]]:
    """Return header and rows of the scoreboard, without columns that are empty in this run.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    table = [HEADER, *scoreboard_rows(document)]
    return [tuple(row) for row in columns.without_empty(table, UNMEASURED, may_go=MAY_GO)]


def as_text(document: Document) -> str:
    """Return the scoreboard for a terminal: aligned columns, a legend, one table for each run."""
    return _each(document, _text, escaping.one_line)


def as_markdown(document: Document) -> str:
    """Return the scoreboard as Markdown tables with a legend, one for each run."""
    return _each(document, _markdown, lambda title: f"### {escaping.as_markdown(title)}")


def as_csv(document: Document) -> str:
    """Return the scoreboard as CSV: plain numbers, and columns that identify the row."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    ends = [(f"{c.name}_low", f"{c.name}_high") if c.sampled else () for c in COLUMNS]
    numbers = [name for c, pair in zip(COLUMNS, ends, strict=True) for name in (c.name, *pair)]
    writer.writerow(["subject", "device", "scheme", "backend", *numbers, "verdict"])
    for part in document.parts():
        owner = (part.subject.name, part.device.name)
        unmeasured, columns = _unmeasured(part), _columns(part)
        for (scheme, backend), measurements in _groups(part).items():
            values = [value for column in columns for value in _values(column, measurements)]
            also = unmeasured.get(scheme, set()) if backend is None else set()
            verdict = _worst(measurements, also).replace(UNMEASURED, "")
            answered = "" if scheme == FULL_MODEL else backend or _judged_backend(part)
            writer.writerow(
                [*map(escaping.as_csv_cell, [*owner, scheme, answered]), *values, verdict]
            )
        for name, scores in _floors(part).items():
            earned = [f"{scores['accuracy']:.6g}" if n == "accuracy" else "" for n in numbers]
            writer.writerow([*map(escaping.as_csv_cell, [*owner, name]), "", *earned, ""])
    return buffer.getvalue()


def legend(document: Document) -> list[str]:
    """Return the lines that explain the scoreboard of a run."""
    has_known_failures = any(
        measurement.known_failure and measurement.verdict for measurement in document.measurements
    )
    head, floors = scoreboard_table(document)[0], _floors(document)
    is_given = _is_given(document)
    notes = {
        LEGEND: not is_given,
        GIVEN: is_given,
        **{column.legend: column.title in head for column in COLUMNS if column.legend},
        PARTS: any(m.is_of_a_part and m.metric in SAMPLED for m in document.measurements),
        FLOORS: bool(floors),
        FLOORS_OF_TEST: any(name.endswith(OF_TEST) for name in floors),
        KNOWN: has_known_failures,
        EMULATED: document.device.emulated,
    }
    return [*(line for line, needed in notes.items() if needed), *counted(document)]


def write_csv(path: Path, document: Document) -> None:
    """Write the scoreboard as CSV.

    Raises:
        EdgeproofError: the folder cannot be written to, or a measurement is not valid.
    """
    try:
        with write_whole(path) as file:
            file.write(as_csv(document).encode())
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})", file=path, remedy="Make the folder writable"
        ) from None


def worst_verdict(measurements: Sequence[Measurement]) -> str:
    """Return the worst verdict, in the order of `WORST_FIRST`; "-" if nothing was judged."""
    return _worst(measurements, set())


def _worst(measurements: Sequence[Measurement], also: set[str]) -> str:
    verdicts = {
        verdict
        for measurement in measurements
        for verdict in (_verdict(measurement), _guard_of(measurement))
    } | also
    return next((verdict for verdict in WORST_FIRST if verdict in verdicts), UNMEASURED)


def _unmeasured(document: Document) -> dict[str, set[str]]:
    """Return, by scheme, "fail" or "not run" for tests whose ending no measurement explains."""
    explained = {measurement.test for measurement in document.measurements if _tells(measurement)}
    unmeasured: dict[str, set[str]] = {}
    for test in document.tests:
        failed = test.outcome in FAILED and test.id not in explained
        ending = Verdict.FAIL.value if failed else NOT_RUN if test.outcome == "not_run" else None
        if ending is not None:
            for scheme in _SCHEME.findall(test.id.partition("[")[2]):
                unmeasured.setdefault(scheme, set()).add(ending)
    return unmeasured


def _each(
    document: Document,
    write: Callable[[Document], str],
    head: Callable[[str], str],
) -> str:
    """Format the scoreboard of each run of a document, with a title if there are several."""
    parts = document.parts()
    if len(parts) == 1:
        return write(parts[0])
    return "\n".join(f"{head(part.title)}\n\n{write(part)}" for part in parts)


def _text(document: Document) -> str:
    table = scoreboard_table(document)
    lines = columns.as_lines(table, left=_names(table))
    notes = [textwrap.fill(line, WIDTH) for line in legend(document)]
    return "\n".join([*lines, "", *notes]) + "\n"


def _markdown(document: Document) -> str:
    cells = scoreboard_table(document)
    table = columns.as_markdown(cells, left=_names(cells))
    return "\n\n".join([table, *map(escaping.as_markdown, legend(document))]) + "\n"


def _names(table: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return the positions of the columns that contain words: the first and the last."""
    return 0, len(table[0]) - 1


def _is_given(document: Document) -> bool:
    """Tell whether the candidates are existing files, for which no full model is known."""
    sizes = document.subject.sizes
    return sizes is not None and sizes.full_model is None


def _columns(document: Document) -> list[Column]:
    """Return the columns, with the metrics for existing files if the run judged such files."""
    is_given = _is_given(document)
    return [
        column._replace(metrics=column.given) if is_given and column.given else column
        for column in COLUMNS
    ]


def _groups(document: Document) -> dict[tuple[str, str | None], list[Measurement]]:
    """Return each row's measurements, by scheme and backend; None is the judged backend."""
    main = _judged_backend(document)
    groups: dict[tuple[str, str | None], list[Measurement]] = {}
    for measurement in document.measurements:
        backend = None if measurement.backend == main else measurement.backend
        groups.setdefault((measurement.scheme, backend), []).append(measurement)
    order = [FULL_MODEL, *document.subject.schemes]

    def place(group: tuple[str, str | None]) -> tuple[int, str, str]:
        scheme, backend = group
        position = order.index(scheme) if scheme in order else len(order)
        return position, scheme, backend or ""

    return {group: groups[group] for group in sorted(groups, key=place)}


def _floors(document: Document) -> dict[str, dict[str, float]]:
    """Return the scores of the trivial classifiers that have an accuracy, by name and metric."""
    floors = document.subject.floors
    return {name: scores for name, scores in floors.items() if "accuracy" in scores}


def _judged_backend(document: Document) -> str | None:
    """Return the judged backend: the recorded one, or else that of most measurements."""
    backend = document.circumstances.backend
    if backend is not None:
        return backend
    answered = [
        measurement.backend
        for measurement in document.measurements
        if measurement.backend is not None
    ]
    return max(sorted(set(answered)), key=answered.count, default=None)


def _shown(column: Column, measurements: Sequence[Measurement]) -> Measurement | None:
    by_metric = {measurement.metric: measurement for measurement in measurements}
    return next((by_metric[metric] for metric in column.metrics if metric in by_metric), None)


def _cell(column: Column, measurements: Sequence[Measurement]) -> str:
    """Return the text of a scoreboard's cell; "-" if its metric was not measured."""
    measurement = _shown(column, measurements)
    if measurement is None:
        return UNMEASURED
    text = _number(column.factor * measurement.value, column)
    if not (column.interval or measurement.is_of_a_part):
        return text
    ends = (
        "?" if end is None else f"{column.factor * end:.{column.decimals}f}"
        for end in (measurement.low, measurement.high)
    )
    return f"{text} [{', '.join(ends)}]"


def _number(value: float, column: Column) -> str:
    """Format a number, with at least two significant digits, so that none looks like 0."""
    text = f"{value:,.{column.decimals}f}"
    is_lost = not column.interval and value and not float(text.replace(",", ""))
    return f"{value:.2g}" if is_lost else text


def _values(column: Column, measurements: Sequence[Measurement]) -> list[str]:
    """Return a number and the ends of its interval for CSV; "" for a missing number."""
    measurement = _shown(column, measurements)
    numbers = (
        (None, None, None)
        if measurement is None
        else (measurement.value, measurement.low, measurement.high)
    )
    written = numbers if column.sampled else numbers[:1]
    return ["" if value is None else f"{column.factor * value:.6g}" for value in written]


def _floor(column: Column, scores: Mapping[str, float]) -> str:
    return f"{scores['accuracy']:.{column.decimals}f}" if column.name == "accuracy" else UNMEASURED


def _verdict(measurement: Measurement) -> str | None:
    if measurement.verdict is None:
        return None
    is_known = measurement.verdict is Verdict.FAIL and measurement.known_failure
    return KNOWN_FAILURE if is_known else measurement.verdict.value


def _guard_of(measurement: Measurement) -> str | None:
    """Return a measurement's verdict by guard or baseline; None if both pass or are missing."""
    if is_worse(measurement):
        return REGRESSION
    if measurement.guard is None or measurement.guard.verdict is Verdict.PASS:
        return None
    return measurement.guard.verdict.value


def _tells(measurement: Measurement) -> bool:
    """Tell whether a measurement already explains why its test failed."""
    return (
        measurement.verdict in {Verdict.INCONCLUSIVE, Verdict.INVALID}
        or _guard_of(measurement) is not None
    )
