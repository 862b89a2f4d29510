"""Define faults of a file with several row lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suites.meta.gates import edits
from suites.meta.gates.planting import Fault

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class LengthsFault(Fault):
    """A fault that is planted in some of the row lengths of a file.

    Attributes:
        edits: changes of the files, by length.
    """

    edits: dict[int, Callable[[bytes], bytes]]


FAULTS = {
    "one of several lengths whose classes were permuted": LengthsFault(
        gate="suites/agreement/test_lengths.py::test_labels_agree_at_every_length_that_fits",
        says="fail: agreement_lengths of app",
        edits={6: edits.permuted_classes},
    ),
}
