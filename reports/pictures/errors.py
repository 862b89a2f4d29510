"""Where in the network a variant leaves its reference: the error of each operator."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from models.foreign_text import one_line
from reports.pictures.style import BUDGET, GRAY, Picture, legend, look, panel, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reports.localizations import Localization
    from reports.pictures.views import View

LONGEST, LINES = 90, 3  # characters of a line above a panel, and how many lines
LONGEST_NAME = 40


def by_operator(view: View) -> Picture | None:
    """Draw signal over noise of each operator, of every variant whose red gate was localized."""
    found = [one for one in view.localizations if one.curve]
    if not found:
        return None
    figure = sheet(0.2 + 3.0 * len(found))
    for index, one in enumerate(found):
        _curve(panel(figure, len(found), index + 1), index, one)
    return view.picture(
        "errors",
        "Error of each operator",
        caption="Operators in execution order, against the same tensor of the reference; "
        "higher is better. The line marks the first that diverges. One without any noise has no "
        "point, nor has one with NaN or Inf: a cross on the axis stands for it.",
        figure=figure,
        tests=frozenset(test for one in found for test in one.tests),
    )


def _curve(axes: Axes, index: int, one: Localization) -> None:
    style = look(index)
    levels = {
        place: point.sqnr_db
        for place, point in enumerate(one.curve, start=1)
        if point.sqnr_db is not None
    }
    axes.plot(list(levels), list(levels.values()), style.marker, color=style.color,
              linestyle=style.dash, linewidth=0.8, markersize=3.5)  # fmt: skip
    _broken(axes, one)
    if one.diverged_db is not None:
        axes.axhline(one.diverged_db, color=BUDGET, linestyle="--", linewidth=1,
                     label=f"{one.diverged_db:g} dB")  # fmt: skip
    if one.diverges_at is not None and one.first is not None:
        operator = one_line(one.diverges_at.operator, LONGEST_NAME)
        said = f"first diverges: {one.first + 1}, {operator}"
        axes.axvline(one.first + 1, color=BUDGET, linewidth=1.5, label=said)
    axes.set_xlim(0, len(one.curve) + 1)
    axes.set_ylabel("SQNR, dB")
    axes.set_xlabel("operator, in execution order")
    heading = one_line(f"{one.scheme}: {one.as_sentence()}", LINES * LONGEST)
    said = "\n".join(textwrap.wrap(heading, LONGEST))
    axes.set_title(said, fontsize=9, color=GRAY, loc="left", pad=26)
    legend(axes, columns=3)


def _broken(axes: Axes, one: Localization) -> None:
    """Cross the operators that hold NaN or Inf, at the foot of the panel."""
    if not one.broken:
        return
    nan, inf = one.counts
    axes.plot([place + 1 for place in one.broken], [0.0] * len(one.broken), "x", color=GRAY,
              transform=axes.get_xaxis_transform(), clip_on=False,
              label=f"{nan:,} NaN, {inf:,} Inf")  # fmt: skip
