"""Draw tables of labels: confusion with gold, and flips against float32."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from reports.pictures.style import GRAY, Picture, look, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from models.verdicts.measurement import Measurement
    from reports.pictures.views import View

COLUMNS = 3
LONGEST = 12  # maximum length of a label in characters
KINDS = {
    "confusion": ("accuracy", "gold", "Confusion with gold", 0),
    "flips": ("agreement", "float32", "Label flips against float32", 1),
}


def confusion(view: View) -> Picture | None:
    """Draw the gold label against the predicted label, for the full model and each variant."""
    return _tables(view, "confusion")


def flips(view: View) -> Picture | None:
    """Draw the label of float32 against the label of each variant."""
    return _tables(view, "flips")


def _tables(view: View, kind: str) -> Picture | None:
    metric, rows, title, color = KINDS[kind]
    measured = view.of(metric, holding=kind)
    if not measured:
        return None
    lines = -(-len(measured) // COLUMNS)
    figure = sheet(1.65 * lines)
    for place, (scheme, measurement) in enumerate(measured.items()):
        axes = figure.add_subplot(lines, COLUMNS, place + 1)
        _table(axes, np.asarray(getattr(measurement.details, kind)), view.labels, look(color).color)
        axes.set_title(f"{scheme}: {_said(measurement)}", fontsize=9, color=GRAY)
        axes.set_xlabel("answer", fontsize=8)
        if place % COLUMNS == 0:
            axes.set_ylabel(rows, fontsize=8)
        else:
            axes.set_yticklabels([])
    return view.picture(
        kind,
        title,
        caption=f"Texts by their {rows} label (row) and the variant's label (column); on the "
        "diagonal both are the same.",
        figure=figure,
        tests=view.tests(metric),
    )


def _said(measurement: Measurement) -> str:
    return f"{100 * measurement.value:.1f} %"


def _table(axes: Axes, counts: np.ndarray, labels: tuple[str, ...], color: str) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - only drawing needs it

    size = len(counts)
    for (row, column), count in np.ndenumerate(counts):
        share = 0.5 * count / max(counts[row].sum(), 1)
        cell = Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=color, alpha=share, linewidth=0)
        axes.add_patch(cell)
        weight = "bold" if row == column else "normal"
        axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=9, weight=weight)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    names = [textwrap.shorten(label, LONGEST, placeholder="…") for label in labels]
    axes.set_xticks(range(size), names[:size], fontsize=7)
    axes.set_yticks(range(size), names[:size], fontsize=7)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_edgecolor(GRAY)
    axes.patch.set_alpha(0.0)
