"""Find targets by URL: every module in the parent folder that defines one is registered."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Any

import models.targets as folder
from models.devices.profile import load_device
from models.errors import UsageMistake
from models.targets.common.target import Target, Wish

if TYPE_CHECKING:
    from collections.abc import Iterator

THIS_MACHINE = "local:"
# Value of --edge-emulate for a GPU, which this machine may not have.
GPU = "gpu"
_ARCHITECTURE = ":"


def kinds() -> dict[str, type[Target[Any]]]:
    """Return the classes of all targets by URL scheme."""
    found: dict[str, type[Target[Any]]] = {}
    for module in pkgutil.iter_modules(folder.__path__):
        if not module.ispkg:
            found |= {kind.scheme: kind for kind in _defined_in(f"{folder.__name__}.{module.name}")}
    return found


def _defined_in(module: str) -> Iterator[type[Target[Any]]]:
    for kind in vars(importlib.import_module(module)).values():
        own = inspect.isclass(kind) and issubclass(kind, Target) and kind.__module__ == module
        if own and not inspect.isabstract(kind):
            yield kind


def forms() -> str:
    """Return the forms of the URLs of all targets, for messages and help."""
    return ", ".join(kind.form for _, kind in sorted(kinds().items()))


def find_target(
    *, device: str | None = None, emulate: str | None = None, target: str | None = None
) -> Target[Any]:
    """Find the target that runs the candidates.

    Args:
        device: name or file of the required device profile; by default the recognized device's.
        emulate: short form of a URL: NAME or NAME:ARCHITECTURE for
            `qemu://NAME?arch=ARCHITECTURE`, `gpu` for `gpu:`.
        target: URL of the target; by default this machine.

    Raises:
        UsageMistake: the URL is not valid, or the target is not the required device.
        EdgeproofError: the target cannot be reached.
    """
    profile = None if device is None else load_device(device)
    if emulate is None:
        return _open(Wish(target or THIS_MACHINE, profile=profile))
    if target is not None:
        raise UsageMistake(
            "a board cannot be both emulated and remote",
            key="--edge-emulate",
            remedy="Give only one of the two options",
        )
    return _open(Wish(_url_of_emulated(emulate), "--edge-emulate", profile))


def _url_of_emulated(short: str) -> str:
    if short == GPU:
        return f"{GPU}:"
    name, _, architecture = short.partition(_ARCHITECTURE)
    return f"qemu:{name}" + (f"?arch={architecture}" if architecture else "")


def _open(wish: Wish) -> Target[Any]:
    kind = kinds().get(wish.scheme)
    if kind is None:
        raise UsageMistake(
            f"{wish.address!r} is not a target's URL",
            key=wish.option,
            remedy=f"Write one of {forms()}",
        )
    return kind.open(wish)
