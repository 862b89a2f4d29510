"""What quantization costs: size against accuracy, and the drop of each scheme with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from models.verdicts.metrics import FULL_MODEL
from models.verdicts.sizes import BERT_LARGE_WEIGHTS, CHECKPOINT_OVER_WEIGHTS
from reports.figures.style import (
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

    from models.verdicts.measurement import Measurement
    from reports.figures.views import View

MEGABYTE = 1e6
# arXiv 2310.03971: 160 times smaller than BERT-large, 4.1 % less accurate. Which sizes it divides
# is not published; a training checkpoint over the FlatBuffer is what fits.
PAPER_RATIO, PAPER_DROP = 160, 4.1
LEGEND_COLUMNS = 2
DROPS = {"accuracy_drop": "below the full model", "accuracy_drop_float32": "below float32"}


class Point(NamedTuple):
    """A model: megabytes, and points of accuracy below the full model."""

    megabytes: float
    drop: float


def front(points: list[Point]) -> list[Point]:
    """Return the points that no other beats in both size and drop, smallest first."""
    kept: list[Point] = []
    for point in sorted(points):
        if not kept or point.drop < kept[-1].drop:
            kept.append(point)
    return kept


def pareto(view: View) -> Picture | None:
    """Draw size against accuracy: variants, full model, BERT-large, the paper's point, budgets."""
    sizes, drops = view.of("flatbuffer_bytes"), view.of("accuracy_drop")
    schemes = [scheme for scheme in drops if scheme in sizes]
    if not schemes:
        return None
    figure, axes = canvas(4.2 + 0.2 * len(schemes) / LEGEND_COLUMNS)
    points = [
        _variant(axes, index, scheme, sizes[scheme].value, drops[scheme])
        for index, scheme in enumerate(schemes)
    ]
    full = view.of("weights_bytes").get(FULL_MODEL)
    if full is not None:
        points.append(Point(full.value / MEGABYTE, 0.0))
        said = f"full model: {points[-1].megabytes:.1f} MB"
        axes.plot(*points[-1], "h", color=GRAY, markersize=10, label=said)
    best = front(points)
    axes.step([p.megabytes for p in best], [-p.drop for p in best], where="post", color=GRAY,
              linewidth=1, linestyle=":", label="Pareto front")  # fmt: skip
    _references(axes)
    _limits(axes, drops[schemes[0]], sizes[schemes[0]])
    _axes(axes)
    figure.legend(loc="outside lower left", ncols=LEGEND_COLUMNS, frameon=False, fontsize=9)
    return view.picture(
        "pareto",
        "Size against accuracy",
        caption="Up and left is better. Bars are 95 % intervals; dashed lines are the budgets. "
        "BERT-large is the paper's full model, so it stands at 0. The paper's size is 1/160 of "
        "BERT-large's training checkpoint: inferred, not published.",
        figure=figure,
        tests=view.tests("accuracy_drop", "flatbuffer_bytes", "size_ratio_bert_large_weights"),
    )


def _axes(axes: Axes) -> None:
    """Name the axes; sizes differ by factors of thousands."""
    logarithmic(axes)
    axes.set_xlabel("size, MB (logarithmic; left is smaller)")
    axes.set_ylabel("accuracy against the full model, points")
    axes.grid(visible=True, axis="y", color="#80808033", linewidth=0.6)


def _variant(axes: Axes, index: int, scheme: str, size: float, drop: Measurement) -> Point:
    """Draw a variant with its interval."""
    point, style = Point(size / MEGABYTE, 100 * drop.value), look(index)
    said = f"{scheme}: {point.megabytes:.2f} MB, {0.0 - point.drop:+.1f}"
    axes.errorbar(
        point.megabytes, -point.drop, yerr=_whiskers(drop), fmt=style.marker, color=style.color,
        markersize=8, capsize=3, label=said,
    )  # fmt: skip
    return point


def _whiskers(one: Measurement) -> list[list[float]]:
    """Return the way from a point to its interval's ends, down and up, as accuracy is drawn."""
    low = one.value if one.low is None else one.low
    high = one.value if one.high is None else one.high
    return [[100 * (high - one.value)], [100 * (one.value - low)]]


def _references(axes: Axes) -> None:
    """Return BERT-large, and what the paper reports of its quantized MobileBERT."""
    large = BERT_LARGE_WEIGHTS / MEGABYTE
    axes.plot(
        large, 0.0, "p", color=GRAY, markersize=10, mfc="none", label=f"BERT-large: {large:,.0f} MB"
    )
    size = CHECKPOINT_OVER_WEIGHTS * large / PAPER_RATIO
    axes.plot(size, -PAPER_DROP, "X", color=GRAY, markersize=9, mfc="none",
              label=f"the paper: {size:.0f} MB, {-PAPER_DROP}")  # fmt: skip
    honest = large / PAPER_RATIO
    axes.axvline(
        honest, color=GRAY, linewidth=1, linestyle="-.", label=f"BERT-large / 160: {honest:.2f} MB"
    )


def _limits(axes: Axes, drop: Measurement, size: Measurement) -> None:
    """Draw the budgets as dashed lines."""
    if drop.budget is not None:
        limit = 100 * drop.budget.value
        axes.axhline(-limit, color=BUDGET, linestyle="--", label=f"budget: {-limit:+.1f} points")
    if size.budget is not None:
        limit = size.budget.value / MEGABYTE
        axes.axvline(limit, color=BUDGET, linestyle="--", label=f"budget: {limit:.2f} MB")


def drop_intervals(view: View) -> Picture | None:
    """Draw the points of accuracy lost by each scheme, with the 95 % interval and the budget."""
    measured = {metric: view.of(metric) for metric in DROPS}
    schemes = [s for s in view.schemes if any(s in found for found in measured.values())]
    if not schemes:
        return None
    figure, axes = canvas(1.3 + 0.55 * len(schemes))
    for index, (metric, found) in enumerate(measured.items()):
        style, shift = look(index), 0.32 * index - 0.16
        label = f"accuracy {DROPS[metric]}"
        for scheme, one in found.items():
            row = schemes.index(scheme) + shift
            ends = [100 * (one.value if end is None else end) for end in (one.low, one.high)]
            axes.plot(ends, [row, row], color=style.color, linewidth=2)
            axes.plot(
                100 * one.value, row, style.marker, color=style.color, markersize=7, label=label
            )
            label = "_"
            if one.budget is not None:
                axes.plot(
                    [100 * one.budget.value] * 2,
                    [row - 0.16, row + 0.16],
                    color=BUDGET,
                    linewidth=2.5,
                )
    if any(one.budget for found in measured.values() for one in found.values()):
        axes.plot([], [], color=BUDGET, linewidth=2.5, label="budget")
    axes.axvline(0.0, color=GRAY, linewidth=0.8)
    rows_of(axes, schemes)
    axes.set_xlabel("points of accuracy lost (left is better)")
    legend(axes, columns=3)
    return view.picture(
        "drop",
        "Accuracy lost by each scheme",
        caption="A bar is the 95 % interval, paired over the same texts. Wholly left of its "
        "budget is a pass, wholly right a fail, across it too few texts to tell.",
        figure=figure,
        tests=view.tests(*DROPS),
    )
