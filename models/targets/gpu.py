"""Define the target `gpu:`: this machine's GPU, or a software driver if it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from models.runtime.available import available_backends, why_absent
from models.runtime.software_vulkan import prepare_software_vulkan
from models.runtime.transports import LocalTransport
from models.runtime.vulkan import driver_manifests
from models.targets.local import LocalTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.store import Store
    from models.targets.common.target import Target, Wish

SOFTWARE_CLOCK = "a processor computes in place of the GPU, so its times are not judged"
# Placeholder for the manifest of the software driver, which is downloaded only before the first
# inference.
_SOFTWARE = ("SwiftShader",)


@dataclass(frozen=True)
class SoftwareGpuTarget(LocalTarget):
    """This machine, with a Vulkan driver in software that computes on the processor.

    Args:
        device: the device as which this machine was recognized.
        found: the facts by which it was recognized.
    """

    scheme: ClassVar[str] = "gpu"
    form: ClassVar[str] = "gpu:"
    # The processor computes in place of the GPU, which is slow.
    few_texts: ClassVar[bool] = True
    untimed: ClassVar[str | None] = SOFTWARE_CLOCK

    @classmethod
    def open(cls, wish: Wish) -> Target[LocalTransport]:  # type: ignore[override] # with a GPU, a LocalTarget
        """Return this machine with its own GPU, or with the software driver if it has none.

        Raises:
            UsageMistake: the URL has more than a scheme, or another device was requested.
        """
        emulated = super().open(wish)
        if driver_manifests():
            return LocalTarget(emulated.device, emulated.found)
        return emulated

    @property
    def runners(self) -> int:
        """Return 1, because the driver uses every core."""
        return 1

    @property
    def name(self) -> str:
        """Return the device's name with a suffix, which distinguishes its numbers from a GPU's."""
        return f"{self.device.name}-gpu-emulated"

    def backends(self) -> dict[str, str]:
        """Return the versions of the backends that run here, some only with the software driver."""
        found = available_backends(drivers=_SOFTWARE)
        return {backend.name: backend.version for backend in found}

    def why_absent(self, name: str) -> str | None:
        """Return why this machine cannot run a backend; None if it can."""
        return why_absent(name, drivers=_SOFTWARE)

    def transport(
        self, store: Store, *, offline: bool, say: Callable[[str], None]
    ) -> LocalTransport:
        """Return the transport that starts runners with the software driver; prepare the driver."""
        driver = prepare_software_vulkan(store, offline=offline, say=say)
        return LocalTransport(environment=driver.environment())

    def facts(self) -> dict[str, Any]:
        """Return the facts of the target for results.json."""
        return {**super().facts(), "name": self.name, "emulated": True}

    def describe(self) -> str:
        """Describe the target in one line."""
        return f"{self.name}: this machine, its processor in place of a GPU (SwiftShader)"
