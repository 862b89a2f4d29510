"""Draw size, accuracy and time of every variant in one picture, with the region within limits.

A size panel and a time panel share the accuracy axis. A variant has the same color and marker in
both panels, so that readers can find it even in a print without color.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from models.verdicts.goals import GOAL
from models.verdicts.metrics import FULL_MODEL
from models.verdicts.sizes import BERT_LARGE_WEIGHTS, CHECKPOINT_OVER_WEIGHTS
from reports.pictures.style import (
    BUDGET,
    GRAY,
    Picture,
    logarithmic,
    look,
    sheet,
    side_by_side,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from models.verdicts.measurement import BudgetRecord, Measurement
    from reports.pictures.views import View

MEGABYTE, MILLISECONDS = 1e6, 1e3
# arXiv 2310.03971: 160 times smaller than BERT-large, 4.1 % less accurate. The paper does not say
# which sizes it compares; a training checkpoint divided by the FlatBuffer gives this ratio.
PAPER_RATIO, PAPER_DROP = 160, 4.1
LEGEND_COLUMNS = 2
# Metrics for the time axis with factor and label; the first one that was measured is drawn.
TIMES = {
    "speed_ratio_paper": (1.0, "times the paper's texts per second (left is faster)"),
    "text_to_label_p50": (MILLISECONDS, "ms from text to label (left is faster)"),
    "latency_p50": (MILLISECONDS, "ms of one answer (left is faster)"),
}
_UNDRAWN = "_"
_HALF_AS_WIDE = 300.0


class Point(NamedTuple):
    """A model's size in megabytes, and its percentage points of accuracy below the full model."""

    megabytes: float
    drop: float


@dataclass(frozen=True)
class _Time:
    """The content of the time panel.

    Attributes:
        metric: name of the metric.
        measured: measurements by scheme.
        factor: factor from the measured to the drawn value.
        said: label of the axis.
    """

    metric: str
    measured: Mapping[str, Measurement]
    factor: float
    said: str

    @property
    def is_speed(self) -> bool:
        """Tell whether a larger value is faster."""
        return self.metric == "speed_ratio_paper"


def front(points: list[Point]) -> list[Point]:
    """Return the points that no other point beats in both size and drop, smallest first."""
    best: list[Point] = []
    for point in sorted(points):
        if not best or point.drop < best[-1].drop:
            best.append(point)
    return best


def three_axes(view: View) -> Picture | None:
    """Draw size and time against accuracy: variants, the full model, the paper's point, limits."""
    sizes, drops = view.of("flatbuffer_bytes"), view.of("accuracy_drop")
    schemes = [scheme for scheme in drops if scheme in sizes]
    if not schemes:
        return None
    time = _time(view, schemes)
    figure = sheet(4.4 + 0.2 * len(schemes) / LEGEND_COLUMNS)
    panels = side_by_side(figure, 1 if time is None else 2)
    _sizes(panels[0], view, schemes, sizes, drops)
    if time is not None:
        _times(panels[1], schemes, drops, time)
    limit = _limit(drops)
    if limit is not None:
        limit_label = f"limit: {-100 * limit.value:+.1f} points"
        for axes in panels:
            axes.axhline(-100 * limit.value, color=BUDGET, linestyle="--", label=limit_label)
            limit_label = _UNDRAWN
    _shade(panels[0], limit, _limit(sizes), 1 / MEGABYTE)
    if time is not None:
        _shade(panels[1], limit, _limit(time.measured), time.factor)
    figure.legend(loc="outside lower left", ncols=LEGEND_COLUMNS, frameon=False, fontsize=9)
    return view.picture(
        "pareto",
        "Size against accuracy" if time is None else "Size, accuracy and time",
        caption="Sizes and times are logarithmic; up and left is better. Bars are 95 % intervals, "
        "dashed lines are limits, and the hatched region is within both limits of its panel. "
        "BERT-large is the paper's full model, so it is drawn at 0. The paper does not publish a "
        "size; the one drawn is 1/160 of BERT-large's training checkpoint.",
        figure=figure,
        tests=view.tests(
            *("accuracy_drop", "flatbuffer_bytes", "size_ratio_bert_large_weights"),
            *(() if time is None else (time.metric,)),
        ),
    )


def _time(view: View, schemes: list[str]) -> _Time | None:
    """Return the content of the time panel, from the first metric in `TIMES` that was measured.

    None if none was measured, or on an emulated core, because its times are invalid.
    """
    for metric, (factor, axis_label) in TIMES.items() if view.core is None else ():
        measured = {
            name: measurement for name, measurement in view.of(metric).items() if name in schemes
        }
        if measured:
            return _Time(metric, measured, factor, axis_label)
    return None


def _sizes(
    axes: Axes,
    view: View,
    schemes: list[str],
    sizes: Mapping[str, Measurement],
    drops: Mapping[str, Measurement],
) -> None:
    """Draw the size panel, and label every series for the legend of both panels."""
    points = [
        _variant(axes, index, scheme, sizes[scheme].value, drops[scheme])
        for index, scheme in enumerate(schemes)
    ]
    full = view.of("weights_bytes").get(FULL_MODEL)
    if full is not None:
        points.append(Point(full.value / MEGABYTE, 0.0))
        label = f"full model: {points[-1].megabytes:.1f} MB"
        axes.plot(*points[-1], "h", color=GRAY, markersize=10, label=label)
    best = front(points)
    axes.step([p.megabytes for p in best], [-p.drop for p in best], where="post", color=GRAY,
              linewidth=1, linestyle=":", label="Pareto front")  # fmt: skip
    _references(axes)
    size = _limit(sizes)
    if size is not None:
        limit = size.value / MEGABYTE
        axes.axvline(limit, color=BUDGET, linestyle="--", label=f"limit: {limit:.2f} MB")
    _dress(axes, "size, MB (left is smaller)")
    axes.set_ylabel("accuracy against the full model, points")


def _times(axes: Axes, schemes: list[str], drops: Mapping[str, Measurement], time: _Time) -> None:
    """Draw the time panel, with the same heights and markers as in the size panel."""
    for index, scheme in enumerate(schemes):
        measurement, style = time.measured.get(scheme), look(index)
        if measurement is None:
            continue
        axes.errorbar(
            time.factor * measurement.value, -100 * drops[scheme].value,
            xerr=_sides(measurement, time.factor), yerr=_sides(drops[scheme], 100, turned=True),
            fmt=style.marker, color=style.color, markersize=8, capsize=3, label=_UNDRAWN,
        )  # fmt: skip
    if time.is_speed:
        axes.plot(1.0, -PAPER_DROP, "X", color=GRAY, markersize=9, mfc="none", label=_UNDRAWN)
    limit = _limit(time.measured)
    if limit is not None:
        limit_text = f"{time.factor * limit.value:g}" + ("x" if time.is_speed else " ms")
        axes.axvline(
            time.factor * limit.value, color=BUDGET, linestyle="--", label=f"limit: {limit_text}"
        )
    _dress(axes, time.said)
    if time.is_speed:
        axes.invert_xaxis()


def _dress(axes: Axes, axis_label: str) -> None:
    """Label the x axis, and make it logarithmic, because values differ by factors of thousands."""
    logarithmic(axes, _HALF_AS_WIDE)
    axes.set_xlabel(axis_label)
    axes.grid(visible=True, axis="y", color="#80808033", linewidth=0.6)


def _variant(axes: Axes, index: int, scheme: str, size: float, drop: Measurement) -> Point:
    """Draw a variant in the size panel with the interval of its drop; return its point."""
    point, style = Point(size / MEGABYTE, 100 * drop.value), look(index)
    label = f"{scheme}: {point.megabytes:.2f} MB, {0.0 - point.drop:+.1f}"
    axes.errorbar(
        point.megabytes, -point.drop, yerr=_sides(drop, 100, turned=True), fmt=style.marker,
        color=style.color, markersize=8, capsize=3, label=label,
    )  # fmt: skip
    return point


def _sides(measurement: Measurement, factor: float, *, turned: bool = False) -> list[list[float]]:
    """Return the distances from a point to the known ends of its interval.

    Args:
        measurement: the measurement.
        factor: factor from the measured to the drawn value.
        turned: whether the axis is reversed, so that a smaller value is drawn farther up.
    """
    low = measurement.value if measurement.low is None else measurement.low
    high = measurement.value if measurement.high is None else measurement.high
    ends = [[factor * (measurement.value - low)], [factor * (high - measurement.value)]]
    return ends[::-1] if turned else ends


def _references(axes: Axes) -> None:
    """Draw BERT-large, and the paper's quantized MobileBERT."""
    large = BERT_LARGE_WEIGHTS / MEGABYTE
    axes.plot(
        large, 0.0, "p", color=GRAY, markersize=10, mfc="none", label=f"BERT-large: {large:,.0f} MB"
    )
    size = CHECKPOINT_OVER_WEIGHTS * large / PAPER_RATIO
    axes.plot(size, -PAPER_DROP, "X", color=GRAY, markersize=9, mfc="none",
              label=f"the paper: {size:.0f} MB, {-PAPER_DROP}")  # fmt: skip
    of_weights = large / PAPER_RATIO
    axes.axvline(
        of_weights,
        color=GRAY,
        linewidth=1,
        linestyle="-.",
        label=f"BERT-large / 160: {of_weights:.2f} MB",
    )


def _limit(measured: Mapping[str, Measurement]) -> BudgetRecord | None:
    """Return the limit to draw: a goal's if a variant has one, else that of the first variant."""
    limits = [measurement.budget for measurement in measured.values()]
    goals = (
        budget for budget in limits if budget is not None and budget.key.startswith(f"{GOAL}.")
    )
    return next(goals, limits[0] if limits else None)


def _shade(
    axes: Axes, drop: BudgetRecord | None, time_limit: BudgetRecord | None, factor: float
) -> None:
    """Hatch the region within both limits of a panel."""
    if drop is None or time_limit is None:
        return
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    # The faster side is on the left, also if the axis is reversed.
    axes.fill_between(
        [left, factor * time_limit.value], -100 * drop.value, top, facecolor="none",
        edgecolor=BUDGET, hatch="///", alpha=0.35, linewidth=0, zorder=0, label=_UNDRAWN,
    )  # fmt: skip
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
