"""Draw the error of each operator, to show where in the network a variant deviates."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from models.escaping import one_line
from reports.pictures.style import BUDGET, GRAY, Picture, legend, look, panel, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.documents.localizations import Localization
    from reports.pictures.views import View

LONGEST, LINES = 90, 3  # maximum characters of a line above a panel, maximum lines
LONGEST_NAME = 40


def by_operator(view: View) -> Picture | None:
    """Draw the SQNR of each operator, for every variant whose failed gate was localized."""
    localized = [localization for localization in view.localizations if localization.curve]
    if not localized:
        return None
    figure = sheet(0.2 + 3.0 * len(localized))
    for index, localization in enumerate(localized):
        _curve(panel(figure, len(localized), index + 1), index, localization)
    return view.picture(
        "errors",
        "Error of each operator",
        caption="Operators in execution order, compared with the same tensor of the reference; "
        "higher is better. The line marks the first operator that diverges. Operators without "
        "noise have no point. A cross on the axis marks an operator that gives NaN or Inf.",
        figure=figure,
        tests=frozenset(test for localization in localized for test in localization.tests),
    )


def _curve(axes: Axes, index: int, localization: Localization) -> None:
    style = look(index)
    levels = {
        place: point.sqnr_db
        for place, point in enumerate(localization.curve, start=1)
        if point.sqnr_db is not None
    }
    axes.plot(list(levels), list(levels.values()), style.marker, color=style.color,
              linestyle=style.dash, linewidth=0.8, markersize=3.5)  # fmt: skip
    _broken(axes, localization)
    if localization.diverged_db is not None:
        axes.axhline(localization.diverged_db, color=BUDGET, linestyle="--", linewidth=1,
                     label=f"{localization.diverged_db:g} dB")  # fmt: skip
    if localization.diverges_at is not None and localization.first is not None:
        operator = one_line(localization.diverges_at.operator, LONGEST_NAME)
        divergence = f"first diverges: {localization.first + 1}, {operator}"
        axes.axvline(localization.first + 1, color=BUDGET, linewidth=1.5, label=divergence)
    axes.set_xlim(0, len(localization.curve) + 1)
    axes.set_ylabel("SQNR, dB")
    axes.set_xlabel("operator, in execution order")
    heading = one_line(f"{localization.scheme}: {localization.as_sentence()}", LINES * LONGEST)
    title = "\n".join(textwrap.wrap(heading, LONGEST))
    axes.set_title(title, fontsize=9, color=GRAY, loc="left", pad=26)
    legend(axes, columns=3)


def _broken(axes: Axes, localization: Localization) -> None:
    """Mark the operators that give NaN or Inf with crosses at the bottom of the panel."""
    if not localization.broken:
        return
    nan, inf = localization.counts
    places = [place + 1 for place in localization.broken]
    axes.plot(places, [0.0] * len(places), "x", color=GRAY,
              transform=axes.get_xaxis_transform(), clip_on=False,
              label=f"{nan:,} NaN, {inf:,} Inf")  # fmt: skip
