"""Define a view: the measurements of one subject on one device, from one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from models.escaping import one_line
from models.verdicts.metrics import FULL_MODEL
from reports.documents.naming import slug
from reports.pictures.style import Picture, as_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from models.verdicts.measurement import Measurement
    from reports.documents.document import Document
    from reports.documents.localizations import Localization

# Maximum length of a name in a picture, in characters; longer names leave no room for the drawing.
LONGEST = 40


@dataclass(frozen=True)
class View:
    """The measurements of one device in one run.

    Attributes:
        subject: name of the subject.
        device: name of the device.
        labels: the subject's labels, in the order of their indices.
        schemes: the measured schemes, in the subject's order.
        measurements: all measurements.
        main: name of the judged backend.
        localizations: where failed variants deviate from float32.
        core: name of the emulated processor core; None if nothing is emulated.
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
        """Return the names of subject and device in a form that file names can contain."""
        return slug(f"{self.subject}-{self.device}")

    def of(self, metric: str, *, holding: str | None = None) -> dict[str, Measurement]:
        """Return a metric's measurements by scheme, in the subject's order, on the judged backend.

        Args:
            metric: name of the metric.
            holding: name of a field in the details; return only measurements that have this field.
        """
        by_scheme = {
            measurement.scheme: measurement
            for measurement in self.measurements
            if measurement.metric == metric
            and measurement.backend in {None, self.main}
            and (holding is None or getattr(measurement.details, holding))
        }
        order = (FULL_MODEL, *self.schemes)
        return {scheme: by_scheme[scheme] for scheme in order if scheme in by_scheme}

    def picture(
        self, name: str, title: str, *, caption: str, figure: Figure, tests: frozenset[str]
    ) -> Picture:
        """Return a picture with the subject and the device of this view in its title.

        Args:
            name: name of the picture's file, without the name of the view.
            title: title of the picture, without subject and device.
            caption: see `Picture`.
            figure: the drawn figure.
            tests: see `Picture`.
        """
        full_title = f"{title}: {self.subject} on {self.device}"
        return Picture(
            f"{name}-{self.slug}", full_title, caption, as_svg(figure, full_title), tests
        )

    def tests(self, *metrics: str) -> frozenset[str]:
        """Return the ids of the tests that measured one of these metrics."""
        return frozenset(
            measurement.test for measurement in self.measurements if measurement.metric in metrics
        )


def views(document: Document) -> list[View]:
    """Return one view for each device of a run, in the order of their names.

    Control characters in names are escaped, because matplotlib does not accept them.
    """
    measurements = [_drawable(measurement) for measurement in document.measurements]
    localized = tuple(map(_drawable, document.run.localizations))
    subject, place = document.subject, document.device
    core = _name(place.core or place.name) if place.emulated else None
    drawn = []
    for device in sorted({measurement.device for measurement in measurements}):
        own = tuple(measurement for measurement in measurements if measurement.device == device)
        ordered = [
            *map(_name, subject.schemes),
            *sorted({measurement.scheme for measurement in own} - {FULL_MODEL}),
        ]
        measured = {measurement.scheme for measurement in own}
        schemes = tuple(dict.fromkeys(scheme for scheme in ordered if scheme in measured))
        labels = tuple(map(_name, subject.labels))
        main = document.circumstances.backend
        owner = _name(subject.name), _name(device)
        drawn.append(View(*owner, labels, schemes, own, main, localized, core))
    return drawn


def _drawable(record: Any) -> Any:
    return msgspec.structs.replace(record, scheme=_name(record.scheme))


def _name(text: object) -> str:
    return one_line(text, LONGEST)
