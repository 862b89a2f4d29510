"""Define the target `local:`: this machine."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from models.devices.profile import HOST
from models.devices.recognition import recognize
from models.errors import UsageMistake
from models.runtime.available import (
    available_backends,
    installed_here,
    read_backend,
    why_absent,
)
from models.runtime.interpreters import interpreter_for
from models.runtime.predictions import processor_features
from models.runtime.transports import LocalTransport
from models.runtime.vulkan import identify_drivers
from models.store import hash_file
from models.targets.common.profiles import HERE, judging_profile, known_profiles
from models.targets.common.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.devices.profile import Device
    from models.devices.recognition import Found
    from models.store import Store
    from models.targets.common.target import Wish


@dataclass(frozen=True)
class LocalTarget(Target[LocalTransport]):
    """The target that is this machine.

    Args:
        device: the device as which this machine was recognized.
        found: the facts by which it was recognized.
    """

    scheme: ClassVar[str] = "local"
    form: ClassVar[str] = "local:"

    device: Device
    found: Found

    @classmethod
    def open(cls, wish: Wish) -> Self:
        """Return this machine as the target.

        Raises:
            UsageMistake: the URL has more than a scheme, or another device was requested.
        """
        if wish.rest:
            raise UsageMistake(
                f"{wish.address!r} contains more than the name of this machine",
                key=wish.option,
                remedy=f"Write {cls.form}",
            )
        found = recognize(devices=known_profiles(wish.profile))
        return cls(judging_profile(wish.profile, found), found)

    @property
    def runners(self) -> int:
        """Return the number of usable cores, or 1 on a board."""
        return len(os.sched_getaffinity(0)) if self.device.name == HOST else 1

    def backends(self) -> dict[str, str]:
        """Return the versions of the backends that this machine can run, by name, best first."""
        return {backend.name: backend.version for backend in available_backends()}

    def version(self, name: str) -> str:
        """Return the installed version of a backend's package; "" if it is not installed."""
        backend = read_backend(name)
        return installed_here(backend).versions[backend.distribution] or ""

    def why_absent(self, name: str) -> str | None:
        """Return why this machine cannot run a backend; None if it can."""
        return why_absent(name)

    def transport(
        self,
        store: Store,  # noqa: ARG002 - no download is needed
        *,
        offline: bool,  # noqa: ARG002 - no download is needed
        say: Callable[[str], None],  # noqa: ARG002 - no step takes long
    ) -> LocalTransport:
        """Return the transport that starts runners as subprocesses."""
        return LocalTransport()

    def identity(self, transport: LocalTransport, backend: str) -> dict[str, Any]:
        """Return everything that can change answers: versions, processor, libraries, drivers."""
        found = read_backend(backend)
        python = interpreter_for(found.runtime)
        identity: dict[str, Any] = {
            "versions": {name: python.version(name) for name in (found.distribution, "numpy")},
            "machine": platform.machine(),
            "processor": processor_features(),
        }
        if found.libraries:
            identity["libraries"] = [hash_file(Path(file)) for file in found.libraries]
        if found.uses_vulkan:
            identity["drivers"] = identify_drivers({**os.environ, **transport.environment})
        return identity

    def facts(self) -> dict[str, Any]:
        """Return the facts of the target for results.json."""
        return self._facts(emulated=False, machine=self.found.machine, model=self.found.model)

    def describe(self) -> str:
        """Describe the target in one line."""
        return f"{self.name} ({self.device.table.description}): {HERE}"

    def describe_found(self) -> str:
        """Return a sentence about the device as which this machine was recognized."""
        return f"{HERE} is {self.found.describe()}"
