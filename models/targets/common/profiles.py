"""Choose the device profile for a machine, and suggest how to reach another device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.devices.profile import HOST
from models.devices.recognition import shipped
from models.errors import UsageMistake

if TYPE_CHECKING:
    from models.devices.profile import Device
    from models.devices.recognition import Found

HERE = "this machine"


def known_profiles(asked: Device | None) -> list[Device]:
    """Return the profiles by which a machine can be recognized, the requested one first.

    A user's profile with the name of a shipped one replaces the shipped one.
    """
    if asked is None:
        return shipped()
    return [asked, *(device for device in shipped() if device.name != asked.name)]


def judging_profile(
    asked: Device | None, found: Found, *, where: str = HERE, reached: bool = False
) -> Device:
    """Return the device whose profile applies to a machine.

    A profile without `[recognition]` applies to every machine that is not recognized as a board, so
    that users can set budgets for a machine of their own.

    Args:
        asked: the requested device; None if none was requested.
        found: the device as which the machine was recognized.
        where: name of the examined machine, for messages.
        reached: whether the machine is reached over a connection.

    Raises:
        UsageMistake: the machine is not the requested device.
    """
    if asked is not None and asked.table.recognition is None and found.device == HOST:
        return asked
    if asked is not None and asked.name != found.device:
        raise UsageMistake(
            f"{asked.name} was requested, but {where} is {found.describe()}",
            remedy=how_to_reach(asked.name, reached=reached),
        )
    return next(device for device in known_profiles(asked) if device.name == found.device)


def how_to_reach(name: str, *, reached: bool) -> str:
    """Return a remedy that explains how to judge a device that is not this run's machine.

    Args:
        name: name of the device.
        reached: whether the run has examined a machine over a connection.
    """
    emulated = f"--edge-emulate {name}" if name in emulated_names() else ""
    there = f"--edge-target ssh://user@{'another-' * reached}{name}"
    return f"Give {there}{f', or {emulated} without a board' if emulated else ''}"


def emulated_names() -> list[str]:
    """Return the names of the shipped devices that can be emulated."""
    return [device.name for device in shipped() if device.table.emulation]
