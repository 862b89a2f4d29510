"""Draw every picture of a run, in reading order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.pictures import costs, errors, front, tables, trade
from reports.pictures.views import views

if TYPE_CHECKING:
    from reports.documents.document import Document
    from reports.pictures.style import Picture

KINDS = (
    front.three_axes,
    trade.drop_intervals,
    costs.latency,
    costs.instructions,
    costs.sizes,
    tables.confusion,
    tables.flips,
    errors.by_operator,
)


def pictures(document: Document) -> list[Picture]:
    """Draw the pictures for which a run has measurements.

    Args:
        document: the document of a run.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    drawn = (draw(view) for view in views(document) for draw in KINDS)
    return [picture for picture in drawn if picture is not None]
