"""Run files with LiteRT's CompiledModel on the processor."""

from __future__ import annotations

import functools
import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Optional

from models.backends.common.compiled import CompiledBackend

if TYPE_CHECKING:
    from models.backends.common.backend import Installed

_KERNELS = {"": "DELEGATE", "ynnpack": "DELEGATE", "builtin": "BUILTIN", "reference": "REFERENCE"}

# XNNPACK packs the weights of each graph separately, unless it has a weight cache: then all graphs
# share one packed copy. This path selects a cache in memory, without a file.
_IN_MEMORY = ":memory"

_LIBRARY = "ai_edge_litert/libLiteRt.so"
# A message that only builds without YNNPACK contain.
_WITHOUT_YNNPACK = b"YNNPACK support was not compiled into this build"


class LitertCpu(CompiledBackend):
    """LiteRT's CompiledModel, which computes on the processor alone."""

    family = "litert-cpu"
    modes: ClassVar[Dict[str, str]] = {
        "": "XNNPACK, and optimized kernels for the other operators",
        "ynnpack": "YNNPACK before XNNPACK; a build without it refuses",
        "builtin": "optimized kernels alone: no delegate",
        "reference": "reference kernels alone",
    }
    needs = "ai-edge-litert 2.1 or later"
    accelerates = "XNNPACK on the processor, or YNNPACK as -ynnpack; nothing as the others"
    preference = 30

    def why_absent(self, installed: Installed) -> Optional[str]:
        """Return why the backend cannot run: the package is missing, or lacks YNNPACK."""
        reason = super().why_absent(installed)
        if reason is None and self.mode == "ynnpack":
            libraries = (Path(folder, _LIBRARY) for folder in installed.folders)
            if any(library.is_file() and _lacks_ynnpack(library) for library in libraries):
                reason = "this build of {} has no YNNPACK".format(self.distribution)
        return reason

    @property
    def kernels(self) -> str:
        """Return LiteRT's name of the kernels for this mode."""
        return _KERNELS[self.mode]

    def options(self, api: Any, threads: int, signatures: int) -> Any:
        """Return the options for the kernels of this mode, and for a number of threads."""
        shares = signatures > 1 and self.kernels == "DELEGATE"
        return api.Options(
            hardware_accelerators=api.HardwareAccelerator.CPU,
            cpu_options=api.CpuOptions(
                num_threads=threads,
                kernel_mode=api.CpuKernelMode[self.kernels],
                enable_ynnpack=self.mode == "ynnpack",
                xnnpack_weight_cache_path=_IN_MEMORY if shares else "",
            ),
        )


@functools.lru_cache(maxsize=None)
def _lacks_ynnpack(library: Path) -> bool:
    """Return whether a library of LiteRT was built without YNNPACK."""
    with library.open("rb") as file, mmap.mmap(
        file.fileno(), 0, access=mmap.ACCESS_READ
    ) as content:
        return content.find(_WITHOUT_YNNPACK) >= 0
