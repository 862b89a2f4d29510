"""What pictures are drawn of: one subject on one device, from one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from models.foreign_text import one_line
from models.verdicts.metrics import FULL_MODEL
from reports.naming import slug
from reports.pictures.style import Picture, as_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from models.verdicts.measurement import Measurement
    from reports.document import Document
    from reports.localizations import Localization

# Characters of a name in a picture; a longer one would leave no room for what is drawn.
LONGEST = 40


@dataclass(frozen=True)
class View:
    """The measurements of one device in one run.

    Attributes:
        subject: its name.
        device: where they were taken.
        labels: the subject's, in the order of their indices.
        schemes: measured ones, in the subject's order.
        measurements: all of them.
        main: the backend that is judged.
        localizations: where red variants leave float32.
        core: the emulated one; None where nothing is emulated.
    """

    subject: str
    device: str
    labels: tuple[str, ...]
    schemes: tuple[str, ...]
    measurements: tuple[Measurement, ...]
    main: str | None
    localizations: tuple[Localization, ...]
    core: str | None

    @property
    def slug(self) -> str:
        """For the names of files."""
        return slug(f"{self.subject}-{self.device}")

    def of(self, metric: str, *, holding: str | None = None) -> dict[str, Measurement]:
        """Return a metric's measurements by scheme, in the subject's order, on the judged backend.

        Args:
            metric: its name.
            holding: a field of the details, where only measurements that have it are wanted.
        """
        found = {
            one.scheme: one
            for one in self.measurements
            if one.metric == metric
            and one.backend in {None, self.main}
            and (holding is None or getattr(one.details, holding))
        }
        order = (FULL_MODEL, *self.schemes)
        return {scheme: found[scheme] for scheme in order if scheme in found}

    def picture(
        self, name: str, title: str, *, caption: str, figure: Figure, tests: frozenset[str]
    ) -> Picture:
        """Return a picture of this view, whose subject and device are named with it.

        Args:
            name: of its file, as far as all views have it.
            title: the same.
            caption: see `Picture`.
            figure: what was drawn.
            tests: see `Picture`.
        """
        whole = f"{title}: {self.subject} on {self.device}"
        return Picture(f"{name}-{self.slug}", whole, caption, as_svg(figure, whole), tests)

    def tests(self, *metrics: str) -> frozenset[str]:
        """Return the ids of the tests that took one of these metrics."""
        return frozenset(one.test for one in self.measurements if one.metric in metrics)


def views(document: Document) -> list[View]:
    """Return one view for each device of a run, in the order of their names.

    Names are made safe here: the library that draws takes no control characters.
    """
    measurements = [_drawable(one) for one in document.measurements]
    localized = tuple(map(_drawable, document.run.localizations))
    subject, place = document.subject, document.device
    core = _name(place.core or place.name) if place.emulated else None
    found = []
    for device in sorted({one.device for one in measurements}):
        own = tuple(one for one in measurements if one.device == device)
        named = [
            *map(_name, subject.schemes),
            *sorted({one.scheme for one in own} - {FULL_MODEL}),
        ]
        taken = {one.scheme for one in own}
        schemes = tuple(dict.fromkeys(scheme for scheme in named if scheme in taken))
        labels = tuple(map(_name, subject.labels))
        main = document.circumstances.backend
        whose = _name(subject.name), _name(device)
        found.append(View(*whose, labels, schemes, own, main, localized, core))
    return found


def _drawable(one: Any) -> Any:
    return msgspec.structs.replace(one, scheme=_name(one.scheme))


def _name(text: object) -> str:
    return one_line(text, LONGEST)
