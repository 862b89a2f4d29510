"""Draw the accuracy drop of each scheme with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.pictures.style import BUDGET, GRAY, Picture, canvas, legend, look, rows_of

if TYPE_CHECKING:
    from reports.pictures.views import View

DROPS = {"accuracy_drop": "below the full model", "accuracy_drop_float32": "below float32"}


def drop_intervals(view: View) -> Picture | None:
    """Draw the points of accuracy lost by each scheme, with the 95 % interval and the budget."""
    measured = {metric: view.of(metric) for metric in DROPS}
    schemes = [s for s in view.schemes if any(s in by_scheme for by_scheme in measured.values())]
    if not schemes:
        return None
    figure, axes = canvas(1.3 + 0.55 * len(schemes))
    for index, (metric, by_scheme) in enumerate(measured.items()):
        style, shift = look(index), 0.32 * index - 0.16
        label = f"accuracy {DROPS[metric]}"
        for scheme, measurement in by_scheme.items():
            row = schemes.index(scheme) + shift
            ends = [
                100 * (measurement.value if end is None else end)
                for end in (measurement.low, measurement.high)
            ]
            axes.plot(ends, [row, row], color=style.color, linewidth=2)
            axes.plot(
                100 * measurement.value,
                row,
                style.marker,
                color=style.color,
                markersize=7,
                label=label,
            )
            label = "_"
            if measurement.budget is not None:
                axes.plot(
                    [100 * measurement.budget.value] * 2,
                    [row - 0.16, row + 0.16],
                    color=BUDGET,
                    linewidth=2.5,
                )
    if any(
        measurement.budget for by_scheme in measured.values() for measurement in by_scheme.values()
    ):
        axes.plot([], [], color=BUDGET, linewidth=2.5, label="budget")
    axes.axvline(0.0, color=GRAY, linewidth=0.8)
    rows_of(axes, schemes)
    axes.set_xlabel("points of accuracy lost (left is better)")
    legend(axes, columns=3)
    return view.picture(
        "drop",
        "Accuracy lost by each scheme",
        caption="A bar is the 95 % interval, paired over the same texts. The verdict is a pass if "
        "the whole bar is left of its budget, and a fail if the whole bar is right of it. If the "
        "bar crosses the budget, there were too few texts for a verdict.",
        figure=figure,
        tests=view.tests(*DROPS),
    )
