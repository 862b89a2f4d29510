"""Which place a run is at: what was asked for, if it is there, or what this machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.devices.places import EmulatedPlace, LocalPlace, RemotePlace, SoftwareGpuPlace
from models.devices.profile import HOST, load_device
from models.devices.recognition import recognize, recognize_there, shipped
from models.errors import UsageMistake
from models.runtime.labgrid_places import is_place, lend
from models.runtime.ssh import SshTransport
from models.runtime.sysroot import core_names
from models.runtime.vulkan import driver_manifests

if TYPE_CHECKING:
    from models.devices.places import Place
    from models.devices.profile import Device
    from models.devices.recognition import Found

SEPARATOR = ":"
# What --edge-emulate calls a GPU where there may be none.
GPU = "gpu"
HERE = "this machine"


def find_place(
    *,
    device: str | None = None,
    emulate: str | None = None,
    target: str | None = None,
) -> Place:
    """Find where the variants of a run answer.

    Args:
        device: name or file of the profile that is to judge; by default what is recognized.
        emulate: NAME or NAME:ARCHITECTURE of a board to emulate, or `gpu`.
        target: address of a board, see `Target.parse`, or of a place that labgrid lends.

    Raises:
        UsageMistake: the device that was asked for is not there; says what is.
        EdgeproofError: the board cannot be reached.
    """
    asked = None if device is None else load_device(device)
    if emulate is not None:
        if target is not None:
            raise UsageMistake(
                "a board is either emulated or reached", key="--edge-emulate", remedy="Give one"
            )
        return _with_gpu(asked) if emulate == GPU else _emulated(emulate, asked)
    # A user's own file may be called as a shipped one, and is the one that was asked for.
    others = [one for one in shipped() if asked is None or one.name != asked.name]
    known = others if asked is None else [asked, *others]
    if target is None:
        found = recognize(devices=known)
        return LocalPlace(_judging(asked, found, known, HERE), found)
    connection = SshTransport(lend(target) if is_place(target) else target)
    found = recognize_there(connection.start_program, known)
    judging = _judging(asked, found, known, connection.describe())
    return RemotePlace(judging, found, connection)


def _with_gpu(asked: Device | None) -> Place:
    """Return this machine with its own GPU, or with a software driver where it has none."""
    known = shipped() if asked is None else [asked, *shipped()]
    found = recognize(devices=known)
    device = _judging(asked, found, known, HERE)
    return LocalPlace(device, found) if driver_manifests() else SoftwareGpuPlace(device, found)


def _judging(asked: Device | None, found: Found, known: list[Device], where: str) -> Device:
    """Return the device whose profile judges a machine.

    A profile without `[recognition]` fits every machine that is none of the boards: it is how a
    user gives an own machine its budgets.

    Raises:
        UsageMistake: another device was asked for; says what the machine is.
    """
    if asked is not None and asked.table.recognition is None and found.device == HOST:
        return asked
    if asked is not None and asked.name != found.device:
        raise UsageMistake(
            f"{asked.name} was asked for, but {where} is {found.describe()}",
            remedy=ways_to(asked.name, reached=where != HERE),
        )
    return next(one for one in known if one.name == found.device)


def ways_to(name: str, *, reached: bool) -> str:
    """Say how to judge a device that is not where the run looked."""
    emulated = f"--edge-emulate {name}" if name in _emulated_names() else ""
    there = f"--edge-target ssh://user@{'another-' * reached}{name}"
    return f"Give {there}{f', or {emulated} without a board' if emulated else ''}"


def _emulated_names() -> list[str]:
    return [one.name for one in shipped() if one.table.emulation]


def _emulated(text: str, asked: Device | None) -> EmulatedPlace:
    name, _, architecture = text.partition(SEPARATOR)
    if not name.endswith(".toml") and name not in _emulated_names():
        raise UsageMistake(
            f"{name!r} is no board that can be emulated",
            key="--edge-emulate",
            remedy=f"Give one of {', '.join(_emulated_names())}, or the path of a TOML file",
        )
    board = load_device(name)
    if asked is not None and asked.name != board.name:
        raise UsageMistake(
            f"{asked.name} was asked for, but {board.name} is to be emulated",
            key="--edge-emulate",
            remedy=f"Leave out --edge-device, or give --edge-emulate {asked.name}",
        )
    chosen, core = board.core(architecture or None)
    if core not in core_names():
        raise UsageMistake(
            f"the core {core!r} is not emulated",
            file=board.file,
            key=f"emulation.{chosen}.core",
            remedy=f"Name the core nearest to the board's: {', '.join(core_names())}",
        )
    return EmulatedPlace(board, chosen, core)
