"""Where answers were recorded: a phone, a microcontroller, a browser; no runner reaches it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from models.backends.common.finding import backend_names
from models.devices.places import LocalPlace
from models.devices.profile import HOST, Device, load_device
from models.devices.recognition import recognize
from models.foreign_text import one_line

# What measurements say of the backend, and of the device that nobody described.
RECORDED = "recorded"
_DESCRIPTION = "A device that recorded its answers"


@dataclass(frozen=True)
class RecordedPlace(LocalPlace):
    """A device that is known by a file of its answers; this machine is what they are compared with.

    Args:
        device: the profile that judges.
        found: what this machine is.
        recording: the file.
    """

    recording: Path = Path()

    def backends(self) -> dict[str, str]:
        """Return the recording, which is all that answers."""
        return {RECORDED: "answers"}

    def absent(self) -> dict[str, str]:
        """Return why no backend answers."""
        return dict.fromkeys(backend_names(boards=True), "the answers were recorded")

    def here(self) -> str:
        """Return the backend of this machine that recorded answers are compared with."""
        return next(iter(super().backends()), backend_names(boards=True)[0])

    def facts(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        description = self.device.table.description
        said = {"name": self.name, "profile": self.device.file, "description": description}
        return {**said, "emulated": False, "recording": str(self.recording)}

    def describe(self) -> str:
        """Say in one line what it is."""
        return one_line(f"{self.name} ({self.device.table.description}): {self.recording}")


def recorded_place(recording: Path, device: str | None) -> RecordedPlace:
    """Return where a recording was made.

    Args:
        recording: the file.
        device: name or file of the profile that judges; without one no time has a limit.

    Raises:
        UsageMistake: there is no such profile.
    """
    return RecordedPlace(_device(device), recognize(), None, recording)


def _device(name: str | None) -> Device:
    if name is not None:
        return load_device(name)
    host = load_device(HOST)
    table = msgspec.structs.replace(host.table, description=_DESCRIPTION)
    return replace(host, name=RECORDED, table=table, budgets={}, paper={})
