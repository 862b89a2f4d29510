"""Which device a machine is: from its device tree, from files only its system has, or neither."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from models.devices.profile import HOST, Device, device_names, load_device

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODEL_FILES = ("proc/device-tree/model", "sys/firmware/devicetree/base/model")


@dataclass(frozen=True)
class Found:
    """What a machine is, and by what it was known.

    Attributes:
        device: the profile's name; `host` where no board's fits.
        machine: the kernel's name of the architecture.
        model: what the device tree calls it, None where there is no device tree.
        files: the files that a profile asked for and that are there, with their first line.
    """

    device: str
    machine: str
    model: str | None
    files: Mapping[str, str]

    def describe(self) -> str:
        """Say what was found, for the message that a device asked for is not here."""
        model = f"the device tree says {self.model!r}" if self.model else "there is no device tree"
        files = "".join(f", {path} says {line!r}" for path, line in self.files.items())
        return f"this machine is {self.device}: {self.machine}, {model}{files}"


def recognize(
    root: Path = Path("/"),
    *,
    machine: str | None = None,
    devices: Sequence[Device] | None = None,
) -> Found:
    """Find out which device a machine is.

    Args:
        root: its root folder; another one than / for recorded machines.
        machine: the kernel's name of its architecture; this one's by default.
        devices: the profiles to choose from; the shipped ones by default.
    """
    machine = machine or os.uname().machine
    model = next((text for name in MODEL_FILES if (text := _read(root / name))), None)
    known = [load_device(name) for name in device_names()] if devices is None else devices
    asked = {path for one in known if one.table.recognition for path in one.table.recognition.files}
    contents = {path: _read(root / path.lstrip("/")) for path in sorted(asked)}
    held = {path: text for path, text in contents.items() if text}
    name = next((one.name for one in known if _fits(one, machine, model, held)), HOST)
    return Found(name, machine, model, {path: text.splitlines()[0] for path, text in held.items()})


def _fits(device: Device, machine: str, model: str | None, files: Mapping[str, str]) -> bool:
    table = device.table.recognition
    if table is None or machine not in table.machines:
        return False
    if model is not None:
        return any(fnmatchcase(model, pattern) for pattern in table.models)
    return any(
        path in files and fnmatchcase(files[path], pattern) for path, pattern in table.files.items()
    )


def _read(path: Path) -> str:
    """The text of a small file without the NUL that ends a device tree's strings."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""
