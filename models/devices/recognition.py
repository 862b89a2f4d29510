"""Recognize a machine by its device tree, or by files that only its system has."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.devices.profile import HOST, Device, device_names, load_device
from models.devices.readings import read_reading
from models.errors import EdgeproofError
from models.runtime import watcher
from models.runtime.remote_shell import NAME_PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.runtime.transports import Channel

WATCHER_FILE = Path(watcher.__file__)
_SECONDS_TO_ANSWER = 30.0
MODEL_FILES = ("/proc/device-tree/model", "/sys/firmware/devicetree/base/model")


@dataclass(frozen=True)
class Found:
    """The recognized device, and the facts by which it was recognized.

    Attributes:
        device: the profile's name; `host` if no board's profile fits.
        machine: the kernel's name of the architecture.
        model: the model in the device tree; None if there is no device tree.
        files: the first lines of existing files that a profile names, by path.
    """

    device: str
    machine: str
    model: str | None
    files: Mapping[str, str]

    def describe(self) -> str:
        """Describe the recognized machine, for the message that another device was requested."""
        model = f"the device tree says {self.model!r}" if self.model else "no device tree was found"
        files = "".join(f", {path} says {line!r}" for path, line in self.files.items())
        return f"{self.device}: {self.machine}, {model}{files}"


def recognize(
    root: Path = Path("/"),
    *,
    machine: str | None = None,
    devices: Sequence[Device] | None = None,
) -> Found:
    """Find the device profile that fits this machine.

    Args:
        root: root folder; for a recorded machine, the folder with copies of its files.
        machine: the kernel's name of the architecture; by default this machine's.
        devices: the profiles to choose from; by default the shipped ones.
    """
    profiles = shipped() if devices is None else devices
    reading = watcher.take_reading(identifying_files(profiles), root=str(root))
    return recognize_texts(reading["texts"], machine or os.uname().machine, profiles)


def recognize_there(start: Callable[[Path], Channel], devices: Sequence[Device]) -> Found:
    """Find the device profile that fits another machine.

    Args:
        start: starts a Python program on that machine.
        devices: the profiles to choose from.

    Raises:
        EdgeproofError: Python on that machine sends no valid reading.
    """
    channel = start(WATCHER_FILE)
    options: dict[str, Any] = {
        "patterns": identifying_files(devices),
        "commands": [],
        "every": None,
    }
    try:
        with suppress(OSError):
            channel.requests.write(json.dumps(options).encode() + b"\n\n")
            channel.requests.flush()
        reading = read_reading(channel, _SECONDS_TO_ANSWER)
    finally:
        with suppress(OSError):
            channel.requests.close()
        channel.wait(1.0)
        message = channel.last_lines(1)
        channel.close()
    if reading is None:
        raise EdgeproofError(
            f"the board's Python does not answer ({message or 'no message'})",
            file=channel.where,
            remedy=NAME_PYTHON,
        )
    return recognize_texts(reading.texts, reading.machine, devices)


def shipped() -> list[Device]:
    """Return the devices that ship with edgeproof."""
    return [load_device(name) for name in device_names()]


def identifying_files(devices: Sequence[Device]) -> tuple[str, ...]:
    """Return the files that identify a machine."""
    tables = [device.table.recognition for device in devices]
    return (*MODEL_FILES, *sorted({path for table in tables if table for path in table.files}))


def recognize_texts(texts: Mapping[str, str], machine: str, devices: Sequence[Device]) -> Found:
    """Find the device profile that fits the contents of a machine's `identifying_files`.

    Args:
        texts: contents of the existing files, by path.
        machine: the kernel's name of its architecture.
        devices: the profiles to choose from.
    """
    # Strings in a device tree end with NUL.
    contents = {path: clean for path, text in texts.items() if (clean := text.strip("\0\n "))}
    model = next((contents[name] for name in MODEL_FILES if name in contents), None)
    files = {path: text for path, text in contents.items() if path not in MODEL_FILES}
    name = next((device.name for device in devices if _fits(device, machine, model, files)), HOST)
    return Found(name, machine, model, {path: text.splitlines()[0] for path, text in files.items()})


def _fits(device: Device, machine: str, model: str | None, files: Mapping[str, str]) -> bool:
    table = device.table.recognition
    if table is None or machine not in table.machines:
        return False
    if model is not None:
        return any(fnmatchcase(model, pattern) for pattern in table.models)
    return any(
        path in files and fnmatchcase(files[path], pattern) for path, pattern in table.files.items()
    )
