"""Define the target `recorded:FILE`: a device without a runner, which has recorded answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import msgspec

from models.backends.common.registry import backend_names
from models.devices.profile import HOST, load_device
from models.devices.recognition import recognize
from models.escaping import one_line
from models.targets.local import LocalTarget

if TYPE_CHECKING:
    from models.devices.profile import Device
    from models.targets.common.target import Wish

# Name of the backend in measurements, and description of a device without a profile.
RECORDED = "recorded"
_DESCRIPTION = "A device that recorded its answers"


@dataclass(frozen=True)
class RecordedTarget(LocalTarget):
    """A phone, a microcontroller or a browser that has recorded its answers in a file.

    The recorded answers are compared with this machine's.

    Args:
        device: the device whose profile applies.
        found: the facts by which this machine was recognized.
        recording: path of the file.
    """

    scheme: ClassVar[str] = RECORDED
    form: ClassVar[str] = "recorded:FILE"
    runs_programs: ClassVar[bool] = False

    recording: Path = Path()

    @classmethod
    def open(cls, wish: Wish) -> Self:
        """Return the device that recorded answers; without a profile, its times have no limits."""
        device = wish.profile or _undescribed()
        return cls(device, recognize(), Path(wish.rest))

    def backends(self) -> dict[str, str]:
        """Return the recording as the only "backend", with "answers" as its version."""
        return {RECORDED: "answers"}

    def absent(self) -> dict[str, str]:
        """Return all backends by name, with the reason why none of them runs."""
        return dict.fromkeys(backend_names(boards=True), "recorded answers are judged instead")

    def compared_with(self, backend: str) -> str:  # noqa: ARG002 - a recording has no backend
        """Return the backend of this machine with which recorded answers are compared."""
        return next(iter(super().backends()), backend_names(boards=True)[0])

    def facts(self) -> dict[str, Any]:
        """Return the facts of the target for results.json."""
        return self._facts(emulated=False, recording=str(self.recording))

    def describe(self) -> str:
        """Describe the target in one line."""
        return one_line(f"{self.name} ({self.device.table.description}): {self.recording}")

    def describe_found(self) -> str:
        """Return a sentence about the device that recorded its answers."""
        return f"this run's device is {self.describe()}"


def _undescribed() -> Device:
    host = load_device(HOST)
    table = msgspec.structs.replace(host.table, description=_DESCRIPTION)
    return replace(host, name=RECORDED, table=table, budgets={}, paper={})
