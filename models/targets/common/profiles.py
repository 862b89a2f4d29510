"""Which device's profile judges a machine, and how to reach a device that is not there."""

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
    """Return the profiles that a machine is recognized by, the asked one first.

    A user's own file may have the name of a shipped profile, and takes its place.
    """
    if asked is None:
        return shipped()
    return [asked, *(device for device in shipped() if device.name != asked.name)]


def judging_profile(
    asked: Device | None, found: Found, *, where: str = HERE, reached: bool = False
) -> Device:
    """Return the device whose profile judges a machine.

    A profile without `[recognition]` fits every machine that no board's profile fits: with it a
    user gives an own machine its budgets.

    Args:
        asked: the device that a run asks for; None for none.
        found: what the machine was recognized as.
        where: the machine, for messages.
        reached: whether the machine was reached over a connection.

    Raises:
        UsageMistake: another device was asked for; says what the machine is.
    """
    if asked is not None and asked.table.recognition is None and found.device == HOST:
        return asked
    if asked is not None and asked.name != found.device:
        raise UsageMistake(
            f"{asked.name} was asked for, but {where} is {found.describe()}",
            remedy=ways_to(asked.name, reached=reached),
        )
    return next(device for device in known_profiles(asked) if device.name == found.device)


def ways_to(name: str, *, reached: bool) -> str:
    """Say how to judge a device that is not where the run looked.

    Args:
        name: the device's.
        reached: whether the run looked at a machine behind a connection.
    """
    emulated = f"--edge-emulate {name}" if name in emulated_names() else ""
    there = f"--edge-target ssh://user@{'another-' * reached}{name}"
    return f"Give {there}{f', or {emulated} without a board' if emulated else ''}"


def emulated_names() -> list[str]:
    """Return the names of the shipped devices that can be emulated."""
    return [device.name for device in shipped() if device.table.emulation]
