"""Define the style of all pictures: size, type, and series that differ without color.

Text and axes have a middle gray that is readable on white and on near black; a page with an inline
picture replaces it by the page's text color. Every series has its own marker, hatch and dash
besides its color. Functions import matplotlib, so that collecting tests does not load it.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from models.escaping import as_markup, one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRAY = "#808080"
FAINT = "#80808055"
BUDGET = "#c8553d"
WIDTH = 7.6  # inches
# Ratio of the ends of a logarithmic axis from which only its powers of ten are numbered.
WIDE = 1e4
_GLOBAL_STYLE = re.compile(r"<style[^>]*>\*\{[^}]*\}</style>")
_OPENING = re.compile(r"<svg [^>]*>")
_PROLOG = re.compile(r"^.*?(?=<svg)", re.DOTALL)


class Look(NamedTuple):
    """The style in which a picture draws one series, such as one variant."""

    color: str
    marker: str
    hatch: str
    dash: Any

    @property
    def fill(self) -> dict[str, Any]:
        """Return the color and hatch of an area."""
        return {"color": self.color, "hatch": self.hatch}


LOOKS = (
    Look("#4a86c5", "o", "", "-"),
    Look("#c98a1b", "s", "//", "--"),
    Look("#3f9c68", "^", "xx", "-."),
    Look("#a06bc9", "D", "\\\\", ":"),
    Look("#c25d86", "v", "--", (0, (5, 1))),
    Look("#2a98a0", "P", "++", (0, (3, 1, 1, 1))),
    Look("#8b7d4b", "X", "||", (0, (1, 1))),
    Look("#7a7fd0", "*", "/", (0, (8, 2))),
    Look("#5f8f2f", "<", "..", (0, (2, 2))),
    Look("#b06a4a", ">", "oo", (0, (6, 1, 1, 1, 1, 1))),
    Look("#6f8fa8", "d", "\\\\\\", (0, (4, 4))),
    Look("#d0609c", "8", "+", (0, (1, 3))),
)


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        name: name of the picture's file, without suffix.
        title: title of the picture.
        caption: instructions for reading it, in a sentence or two.
        svg: the picture as SVG.
        tests: ids of the tests whose measurements it shows.
    """

    name: str
    title: str
    caption: str
    svg: str
    tests: frozenset[str]

    @property
    def inline(self) -> str:
        """Return the picture as SVG to insert into a page, with text in the page's color."""
        return _PROLOG.sub("", self.svg).replace(GRAY, "currentColor")


def look(index: int) -> Look:
    """Return the style of the series at `index`; styles repeat after the twelfth."""
    return LOOKS[index % len(LOOKS)]


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return axes on a sheet of this height, in inches."""
    figure = sheet(height)
    return figure, panel(figure, 1, 1)


def panel(figure: Figure, rows: int, row: int) -> Axes:
    """Return the axes of one row of several, the first on top."""
    return _plain(figure.add_subplot(rows, 1, row))


def side_by_side(figure: Figure, columns: int) -> list[Axes]:
    """Return axes beside each other with a common vertical scale."""
    first = figure.add_subplot(1, columns, 1)
    further = [figure.add_subplot(1, columns, n, sharey=first) for n in range(2, columns + 1)]
    for axes in further:
        axes.tick_params(labelleft=False)
    return [_plain(axes) for axes in (first, *further)]


def _plain(axes: Axes) -> Axes:
    axes.patch.set_alpha(0.0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def sheet(height: float) -> Figure:
    """Return a transparent figure of this height, in inches."""
    import matplotlib as mpl  # noqa: PLC0415 - only drawing needs it
    from matplotlib.figure import Figure as MplFigure  # noqa: PLC0415 - likewise

    mpl.rcParams.update(
        {
            "svg.fonttype": "none",  # text stays text: it can be searched and stays sharp
            "svg.hashsalt": "edgeproof",
            "text.parse_math": False,  # a label with dollar signs is not a formula
            "font.size": 10,
            "hatch.linewidth": 0.6,
            **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor"), GRAY),
            **dict.fromkeys(("xtick.color", "ytick.color", "legend.labelcolor"), GRAY),
        }
    )
    figure = MplFigure(figsize=(WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0.0)
    return figure


def legend(axes: Axes, columns: int) -> None:
    """Put a legend above the axes, without a box, because the background is unknown."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, frameon=False, fontsize=9
    )


def logarithmic(axes: Axes, wide: float = WIDE) -> None:
    """Make the x axis logarithmic, with a readable number of ticks.

    Args:
        axes: the axes.
        wide: from this ratio of the last to the first value on, only powers of ten are labelled.
    """
    from matplotlib.ticker import LogLocator  # noqa: PLC0415 - only drawing needs it

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    steps = (1.0,) if high > wide * low else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter("{x:,g}")


def rows_of(axes: Axes, names: Iterable[str]) -> None:
    """Name the rows of a horizontal picture, the first on top."""
    labels = list(names)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def as_svg(figure: Figure, title: str) -> str:
    """Return a figure as SVG with a title; its styles do not affect the page around it."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # SVG contains the text, not its glyphs, so that letters missing in this machine's fonts do
        # no harm.
        warnings.filterwarnings("ignore", message="Glyph ", category=UserWarning)
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = visible(_GLOBAL_STYLE.sub("", buffer.getvalue()))
    name = as_markup(one_line(title))
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
    return _OPENING.sub(lambda tag: f"{tag[0]}<title>{name}</title>", svg, count=1)
