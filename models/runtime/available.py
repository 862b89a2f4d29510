"""Find the available backends without importing any runtime."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.backends.common.backend import Installed
from models.backends.common.refusals import Refusal
from models.backends.common.registry import backend_names, families, find_backend
from models.errors import UsageMistake
from models.runtime.interpreters import interpreter_for
from models.runtime.vulkan import driver_manifests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.backends.common.backend import Backend

OPTION = "--edge-backend"


@dataclass(frozen=True, slots=True)
class AvailableBackend:
    """A backend that can run here: its name and its package's version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class AbsentBackend:
    """A backend that cannot run here, and why."""

    name: str
    reason: str


def distributions() -> dict[str, str]:
    """Return the distribution of each runtime that a backend needs, by its import name."""
    return {kind.runtime: kind.distribution for kind in families()}


def read_backend(name: str, *, file: str | None = None, key: str = OPTION) -> Backend:
    """Return the backend with a name.

    Args:
        name: name of the backend.
        file: the file that contains the name, for messages.
        key: the key or option that contains the name, for messages.

    Raises:
        UsageMistake: no backend has this name.
    """
    try:
        return find_backend(name)
    except Refusal as refusal:
        raise UsageMistake(
            str(refusal), file=file, key=key, remedy="docs/backends.md describes each backend"
        ) from None


def runtime_of(name: str) -> str:
    """Return the import name of the runtime that a backend needs."""
    return read_backend(name).runtime


def reference_kernels(name: str) -> str | None:
    """Return the name of the backend that runs the reference kernels of a backend's runtime.

    Return None if the runtime has no reference kernels.
    """
    family = type(read_backend(name))
    known = {known for kind in families() for known in kind.names()}
    called = (f"{family.family}-reference", f"{family.runtime}-reference")
    return next((reference for reference in called if reference in known), None)


def installed_here(backend: Backend, drivers: tuple[str, ...] | None = None) -> Installed:
    """Return the packages on this machine that a backend needs, with their versions.

    Args:
        backend: the backend.
        drivers: Vulkan drivers to use instead of the machine's own.
    """
    python = interpreter_for(backend.runtime)
    names = (backend.distribution, "numpy")
    return Installed(
        versions={name: python.version(name) for name in names},
        python=sys.version_info[:2],
        drivers=driver_manifests() if drivers is None else drivers,
        folders=tuple(sys.path) if python.packages is None else python.packages,
    )


def available_backends(
    names: Iterable[str] | None = None, drivers: tuple[str, ...] | None = None
) -> list[AvailableBackend]:
    """Return the backends that a local runner can use, the preferred ones first.

    Args:
        names: names of the backends to look for; by default all that a board may have.
        drivers: see `installed_here`.
    """
    backends = []
    for name in backend_names(boards=True) if names is None else names:
        backend = read_backend(name)
        version = installed_here(backend).versions[backend.distribution]
        if version is not None and why_absent(name, drivers) is None:
            backends.append(AvailableBackend(name, version))
    return backends


def absent_backends(names: Iterable[str] | None = None) -> list[AbsentBackend]:
    """Return the backends that cannot run here, and why; for `names` see `available_backends`."""
    requested = backend_names(boards=True) if names is None else names
    reasons = ((name, why_absent(name)) for name in requested)
    return [AbsentBackend(name, reason) for name, reason in reasons if reason is not None]


def why_absent(name: str, drivers: tuple[str, ...] | None = None) -> str | None:
    """Return why a backend cannot run here; None if it can.

    Args:
        name: name of the backend.
        drivers: see `installed_here`.
    """
    backend = read_backend(name)
    missing = next((file for file in backend.libraries if not Path(file).is_file()), None)
    if missing is not None:
        return f"{missing}: there is no such file"
    reason = backend.why_absent(installed_here(backend, drivers))
    if reason is None or backend.numpy_below is None:
        return reason
    return (
        f"{reason}; `python -m models.runtime.own_python {backend.runtime}` "
        "installs this runtime into a separate Python"
    )
