"""LiteRT's CompiledModel on the processor."""

from __future__ import annotations

from typing import Any, ClassVar, Dict

from models.backends.common.compiled import CompiledBackend

KERNELS = {"": "DELEGATE", "ynnpack": "DELEGATE", "builtin": "BUILTIN", "reference": "REFERENCE"}


class LitertCpu(CompiledBackend):
    """The API that replaces the interpreter, without an accelerator beside the processor."""

    family = "litert-cpu"
    modes: ClassVar[Dict[str, str]] = {
        "": "XNNPACK, and optimized kernels for the operators that it leaves",
        "ynnpack": "YNNPACK before XNNPACK; a build without it refuses",
        "builtin": "optimized kernels alone: no delegate",
        "reference": "reference kernels alone",
    }
    needs = "ai-edge-litert 2.1 or later"
    accelerates = "XNNPACK on the processor, or YNNPACK as -ynnpack; nothing as the others"
    preference = 30

    def options(self, api: Any, threads: int) -> Any:
        """Return the kernels of its mode, with so many threads."""
        return api.Options(
            hardware_accelerators=api.HardwareAccelerator.CPU,
            cpu_options=api.CpuOptions(
                num_threads=threads,
                kernel_mode=api.CpuKernelMode[KERNELS[self.mode]],
                enable_ynnpack=self.mode == "ynnpack",
            ),
        )
