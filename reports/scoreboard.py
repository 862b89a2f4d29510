"""The scoreboard: one row per variant, from results.json alone, as text, Markdown or CSV."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import EdgeproofError
from models.verdicts.judge import Verdict
from models.verdicts.metrics import FULL_MODEL
from reports.results import measurements_of, read_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.verdicts.measurement import Measurement

HEADER = (
    "scheme",
    "MB",
    "ratio",
    "accuracy",
    "drop",
    "agreement",
    "ms",
    "tweets/s",
    "MB resident",
    "verdict",
)
LEGEND = (
    "ratio: the full model's float32 weights over the FlatBuffer; drop: percentage points of "
    "accuracy below the full model, with the 95 % interval; agreement: with the float32 variant; "
    "ms: median of one answer"
)
EMULATED = (
    "emulated: real ARM code without a board. Its times say nothing of the board's, and that the "
    "emulator computes as silicon does is not verified"
)
DEFAULT_RUN = Path(__file__).parent / "out"
UNMEASURED = "-"
KNOWN_FAILURE = "fail (known)"
WORST_FIRST = (
    Verdict.FAIL.value,
    KNOWN_FAILURE,
    Verdict.INVALID.value,
    Verdict.INCONCLUSIVE.value,
    Verdict.PASS.value,
)


def scoreboard_rows(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The cells of the scoreboard, one row under `HEADER` per variant.

    The full model comes first, then the subject's schemes in their order. What another runtime than
    the run's main one answered is a row of its own, named "SCHEME on RUNTIME". The floors
    come last.

    Args:
        document: what `read_results` or `new_document` returns.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    main = _main_runtime(document)
    groups: dict[tuple[str, str | None], list[Measurement]] = {}
    for one in measurements_of(document):
        runtime = None if one.runtime == main else one.runtime
        groups.setdefault((one.scheme, runtime), []).append(one)
    order = [FULL_MODEL, *document["subject"]["schemes"]]

    def place(group: tuple[str, str | None]) -> tuple[int, str, str]:
        scheme, runtime = group
        known = order.index(scheme) if scheme in order else len(order)
        return known, scheme, runtime or ""

    rows = [_row(group, groups[group]) for group in sorted(groups, key=place)]
    return rows + [_floor_row(*each) for each in document["subject"].get("floors", {}).items()]


def as_text(document: Mapping[str, Any]) -> str:
    """The scoreboard for a terminal, columns aligned, the legend below."""
    table = [HEADER, *scoreboard_rows(document)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADER))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, "", *_legend(document)]) + "\n"


def as_markdown(document: Mapping[str, Any]) -> str:
    """The scoreboard as a Markdown table, the legend below."""
    rules = ["---" if column in (0, len(HEADER) - 1) else "---:" for column in range(len(HEADER))]
    lines = [HEADER, rules, *scoreboard_rows(document)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([table, *_legend(document)]) + "\n"


def as_csv(document: Mapping[str, Any]) -> str:
    """The scoreboard as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([HEADER, *scoreboard_rows(document)])
    return buffer.getvalue()


def write_csv(path: Path, document: Mapping[str, Any]) -> None:
    """Write the scoreboard as CSV.

    Raises:
        EdgeproofError: the folder cannot be written to, or a measurement is not valid.
    """
    try:
        path.write_text(as_csv(document), encoding="utf-8")
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})", file=path, remedy="Make the folder writable"
        ) from None


def worst_verdict(measurements: Sequence[Measurement]) -> str:
    """The worst verdict, in the order of `WORST_FIRST`; "-" where nothing is judged."""
    found = {_verdict(one) for one in measurements}
    return next((verdict for verdict in WORST_FIRST if verdict in found), UNMEASURED)


def _legend(document: Mapping[str, Any]) -> list[str]:
    return [LEGEND, EMULATED] if document["device"]["emulated"] else [LEGEND]


def _main_runtime(document: Mapping[str, Any]) -> str | None:
    """The runtime of the main rows: the one the circumstances name, else the most measured."""
    named = document["circumstances"].get("runtime")
    if named is not None:
        return str(named)
    answered = [one["runtime"] for one in document["measurements"] if one["runtime"] is not None]
    return max(sorted(set(answered)), key=answered.count, default=None)


def _row(group: tuple[str, str | None], measurements: Sequence[Measurement]) -> tuple[str, ...]:
    scheme, runtime = group
    by_metric = {one.metric: one for one in measurements}

    def cell(metric: str, factor: float, decimals: int) -> str:
        one = by_metric.get(metric)
        return UNMEASURED if one is None else f"{factor * one.value:,.{decimals}f}"

    size = "flatbuffer_bytes" if "flatbuffer_bytes" in by_metric else "weights_bytes"
    return (
        scheme if runtime is None else f"{scheme} on {runtime}",
        cell(size, 1e-6, 2),
        cell("size_ratio_weights", 1.0, 1),
        cell("accuracy", 1.0, 3),
        _drop(by_metric.get("accuracy_drop")),
        cell("agreement", 1.0, 3),
        cell("latency_p50", 1e3, 2),
        cell("tweets_per_second", 1.0, 1),
        cell("peak_rss", 1e-6, 1),
        worst_verdict(measurements),
    )


def _floor_row(name: str, scores: Mapping[str, float]) -> tuple[str, ...]:
    """What answers that need no model earn: a name and an accuracy."""
    accuracy = f"{scores['accuracy']:.3f}" if "accuracy" in scores else UNMEASURED
    return (name, *[accuracy if column == "accuracy" else UNMEASURED for column in HEADER[1:]])


def _drop(one: Measurement | None) -> str:
    if one is None:
        return UNMEASURED
    ends = ("?" if end is None else f"{100.0 * end:.1f}" for end in (one.low, one.high))
    return f"{100.0 * one.value:.1f} [{', '.join(ends)}]"


def _verdict(one: Measurement) -> str | None:
    if one.verdict is None:
        return None
    known = one.verdict is Verdict.FAIL and one.known_failure
    return KNOWN_FAILURE if known else one.verdict.value


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    last = len(row) - 1
    return [
        cell.ljust(width) if column in (0, last) else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print the scoreboard of a run as the command line asks; return the exit code."""
    forms = {"text": as_text, "markdown": as_markdown, "csv": as_csv}
    parser = argparse.ArgumentParser(
        prog="python -m reports.scoreboard", description="Print the scoreboard of a run."
    )
    parser.add_argument(
        "run",
        type=Path,
        nargs="?",
        default=DEFAULT_RUN,
        help="a run's folder, or its results.json (default: %(default)s)",
    )
    parser.add_argument("--as", dest="form", choices=forms, default="text")
    options = parser.parse_args(arguments)
    file = options.run if options.run.suffix == ".json" else options.run / "results.json"
    try:
        sys.stdout.write(forms[options.form](read_results(file)))
    except EdgeproofError as error:
        sys.stderr.write(f"scoreboard: error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
