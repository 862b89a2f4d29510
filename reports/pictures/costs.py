"""Draw the costs of a variant: time, instructions and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.verdicts.metrics import FULL_MODEL, METRICS
from models.verdicts.sizes import BERT_LARGE_WEIGHTS, CHECKPOINT_OVER_WEIGHTS
from reports.pictures.style import (
    BUDGET,
    GRAY,
    Picture,
    canvas,
    legend,
    logarithmic,
    look,
    rows_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from models.verdicts.measurement import Measurement
    from reports.pictures.views import View

MILLISECONDS = 1e3
MEGABYTE = 1e6
MILLION = 1e6
SHARES = {"latency_p50": "|", "latency_p90": "v", "latency_p99": "x"}
# The time axis ends at BEYOND times the larger of two values: this quantile of the slowest variant,
# and the largest limit. Otherwise outliers of a shared machine would squeeze all other times into
# one bin.
SHOWN, BEYOND = 0.95, 1.3
BINS = 120
# Ratio of the ends of the time axis above which the axis is logarithmic.
FAR = 8.0
MARGIN = 1.03
_FACTOR = "Each factor is relative to the smallest FlatBuffer."
_OF_CHECKPOINTS = (
    " A checkpoint has the weights and Adam's two moments; its size fits the paper's 160x."
)


def latency(view: View) -> Picture | None:
    """Draw the distribution of the time of an answer, with percentiles and budgets."""
    raw = {
        scheme: MILLISECONDS * np.asarray(measurement.details.seconds)[_warm(measurement) :]
        for scheme, measurement in view.of("latency_p50", holding="seconds").items()
    }
    # Times under an emulator do not apply to a board.
    if not raw or view.core is not None:
        return None
    figure, axes = canvas(1.3 + 0.6 * len(raw))
    slowest = max(float(np.quantile(samples, SHOWN)) for samples in raw.values())
    last = BEYOND * max(slowest, *_limits(view))
    first = min(float(samples.min()) for samples in raw.values())
    # On a linear axis, one slow variant would reduce each other variant to a line.
    far = last > FAR * first
    edges = np.geomspace(first, last, BINS) if far else np.linspace(first, last, BINS)
    for row, (scheme, samples) in enumerate(raw.items()):
        _ridge(axes, row, samples, edges)
        _percentiles(axes, view, scheme, row, last)
    for metric, marker in SHARES.items():
        axes.plot([], [], marker, color=GRAY, label=metric.removeprefix("latency_"))
    if far:
        logarithmic(axes)
        axes.set_xlim(first / MARGIN, last)
    else:
        axes.set_xlim(first - (MARGIN - 1.0) * (last - first), last)
    if any(_limits(view)):
        axes.plot([], [], color=BUDGET, linestyle="--", label="budget of p90")
    rows_of(axes, raw)
    axes.set_ylim(len(raw) - 0.7, -1.0)
    scale = " (logarithmic)" if far else ""
    axes.set_xlabel(f"ms of one answer, on the device's own clock{scale}")
    legend(axes, columns=4)
    count = int(np.median([len(samples) for samples in raw.values()]))
    return view.picture(
        "latency",
        "Latency",
        caption=f"About {count:,} answers of each variant, one text after the other, warm-up left "
        "out. The few slowest ones are outside of the picture, but count in the percentiles.",
        figure=figure,
        tests=view.tests(*SHARES, "latency_ratio"),
    )


def _warm(measurement: Measurement) -> int:
    """Return the index of the first latency after warming up, from which percentiles count."""
    return measurement.details.sustained_from


def _limits(view: View) -> list[float]:
    """Return 0 and the budgets of the 90th percentile in ms, which the axis must include."""
    judged = view.of("latency_p90").values()
    return [
        0.0,
        *(
            MILLISECONDS * measurement.budget.value
            for measurement in judged
            if measurement.budget is not None
        ),
    ]


def _ridge(axes: Axes, row: int, samples: NDArray[np.float64], edges: NDArray[np.float64]) -> None:
    counts, _ = np.histogram(samples, edges)
    style, height = look(row), 0.75 * counts / max(counts.max(), 1)
    axes.fill_between(
        edges[:-1], row, row - height, step="post", color=style.color, alpha=0.35,
        hatch=style.hatch, linewidth=0,
    )  # fmt: skip
    axes.step(edges[:-1], row - height, where="post", color=style.color, linewidth=1)


def _percentiles(axes: Axes, view: View, scheme: str, row: int, last: float) -> None:
    labels = []
    for metric, marker in SHARES.items():
        measurement = view.of(metric).get(scheme)
        if measurement is None:
            continue
        place = MILLISECONDS * measurement.value
        labels.append(f"{metric.removeprefix('latency_')} {place:.3g} ms")
        if place <= last:
            axes.plot(place, row + 0.06, marker, color=GRAY, markersize=7, clip_on=False)
        if metric == "latency_p90" and measurement.budget is not None:
            limit = MILLISECONDS * measurement.budget.value
            axes.plot([limit, limit], [row - 0.8, row + 0.1], color=BUDGET, linestyle="--")
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "left", "fontsize": 8}
    axes.text(1.01, row - 0.1, "\n".join(labels), va="center", **beside)


def instructions(view: View) -> Picture | None:
    """Draw the instructions of one answer, counted on an emulated core."""
    metrics = [name for name in METRICS if name.startswith("instructions")]
    measured = {name: by_scheme for name in metrics if (by_scheme := view.of(name))}
    if not measured:
        return None
    schemes = [s for s in view.schemes if any(s in by_scheme for by_scheme in measured.values())]
    figure, axes = canvas(1.2 + 0.4 * len(schemes) * len(measured))
    height = 0.8 / len(measured)
    for index, (name, by_scheme) in enumerate(measured.items()):
        style = look(index)
        rows = [schemes.index(s) + (index + 0.5) * height - 0.4 for s in by_scheme]
        values = [measurement.value / MILLION for measurement in by_scheme.values()]
        bars = axes.barh(rows, values, height, color=style.color, hatch=style.hatch, edgecolor=GRAY,
                         alpha=0.7, label=METRICS[name].description)  # fmt: skip
        axes.bar_label(
            bars, [f"{value:,.2f}" for value in values], padding=4, fontsize=9, color=GRAY
        )
    rows_of(axes, schemes)
    axes.margins(x=0.15)
    axes.set_xlabel("million instructions")
    legend(axes, columns=1)
    return view.picture(
        "instructions",
        "Instructions of one answer",
        caption=f"Counted on an emulated {view.core or view.device}, not timed: the same on every "
        "run, whatever machine emulates the core.",
        figure=figure,
        tests=view.tests(*metrics),
    )


def sizes(view: View) -> Picture | None:
    """Draw the size of each model and FlatBuffer, from BERT-large's training checkpoint on."""
    flatbuffers = view.of("flatbuffer_bytes")
    if not flatbuffers:
        return None
    rows: dict[str, float] = {}
    # Files without a known model are not compared with the paper's.
    if any(map(view.of, ("size_ratio_weights", "size_ratio_bert_large_weights", "weights_bytes"))):
        rows["BERT-large, checkpoint"] = CHECKPOINT_OVER_WEIGHTS * BERT_LARGE_WEIGHTS
        rows["BERT-large, weights"] = float(BERT_LARGE_WEIGHTS)
    full = view.of("weights_bytes").get(FULL_MODEL)
    if full is not None:
        rows["full model, checkpoint"] = CHECKPOINT_OVER_WEIGHTS * full.value
        rows["full model, weights"] = full.value
    caption = _FACTOR + (_OF_CHECKPOINTS if rows else "")
    rows |= {
        f"{scheme}, FlatBuffer": measurement.value for scheme, measurement in flatbuffers.items()
    }
    figure, axes = canvas(0.9 + 0.36 * len(rows))
    smallest = min(measurement.value for measurement in flatbuffers.values())
    for row, (name, size) in enumerate(rows.items()):
        style = look(0 if "checkpoint" in name else 1 if "weights" in name else 2)
        bars = axes.barh(row, size / MEGABYTE, 0.7, alpha=0.7, edgecolor=GRAY, **style.fill)
        megabytes = size / MEGABYTE
        label = f"{megabytes:,.2f}" if megabytes >= 0.01 else f"{megabytes:.2g}"  # noqa: PLR2004 - smaller sizes need significant digits
        label += f" MB = {size / smallest:,.1f}x"
        axes.bar_label(bars, [label], padding=4, fontsize=9, color=GRAY)
    rows_of(axes, rows)
    logarithmic(axes)
    axes.set_xlim(0.3 * smallest / MEGABYTE, 60 * max(rows.values()) / MEGABYTE)
    axes.set_xlabel("MB (logarithmic)")
    return view.picture(
        "sizes",
        "Sizes, and their ratios to the smallest FlatBuffer",
        caption=caption,
        figure=figure,
        tests=view.tests(*(name for name in METRICS if name.startswith("size_ratio"))),
    )
