"""Run files on LiteRT's GPU accelerator: WebGPU on Vulkan."""

from __future__ import annotations

import functools
import operator
import re
from typing import Any, ClassVar, Dict, Optional, Tuple

from models.backends.common.backend import DelegatedOperators, Installed
from models.backends.common.compiled import CompiledBackend, LoadedModel

_SHARE = re.compile(
    r"(\d+) operations will run on the GPU, and the remaining (\d+) operations will run on the CPU"
)
_ALL = re.compile(r"Replacing (\d+) out of (\d+) node")
_LEFT = re.compile(
    r"Following operations are not supported by GPU delegate:\n((?:[A-Z0-9_]+(?::[^\n]*)?\n)+)"
)
_ADAPTER = re.compile(r"Selected adapter: ([^,\n]+)")
_PIECES = re.compile(r"yielding (\d+) partitions")


class LitertGpu(CompiledBackend):
    """LiteRT's CompiledModel on a GPU; the processor executes the operators that the GPU lacks."""

    family = "litert-gpu"
    modes: ClassVar[Dict[str, str]] = {
        "": "the GPU in float32, the processor for the other operators",
        "float16": "the GPU in float16 if it supports that, the processor for the other operators",
        "alone": "the GPU in float32; a file with an operator that it does not support is refused",
    }
    needs = "ai-edge-litert 2.1 or later, libvulkan.so.1 and a Vulkan driver"
    accelerates = "a GPU, by WebGPU on Vulkan"
    preference = 40
    uses_vulkan = True

    def why_absent(self, installed: Installed) -> Optional[str]:
        """Return why the backend cannot run: the package or a driver is missing."""
        reason = super().why_absent(installed)
        if reason is None and installed.drivers == ():
            reason = "no Vulkan driver is installed"
        return reason

    def has_accelerator(self, bits: int) -> bool:  # noqa: ARG002 - independent of the pointer's size
        """Return True, because the GPU executes operators."""
        return True

    @property
    def precision(self) -> str:
        """Return the precision in which the GPU computes."""
        return "float16" if self.mode == "float16" else "float32"

    @property
    def accelerator(self) -> str:
        """Return the name of the accelerator."""
        return "GPU"

    @property
    def hardware(self) -> Tuple[str, ...]:
        """Return the GPU, and the processor unless the mode is `alone`."""
        return ("GPU",) if self.mode == "alone" else ("GPU", "CPU")

    def options(self, api: Any, threads: int, signatures: int) -> Any:  # noqa: ARG002 - overrides a method with it
        """Return the options for GPU and processor, with a number of threads."""
        computing = [api.HardwareAccelerator[name] for name in self.hardware]
        return api.Options(
            hardware_accelerators=functools.reduce(operator.or_, computing),
            cpu_options=api.CpuOptions(num_threads=threads),
            gpu_options=api.GpuOptions(enforce_f32=self.mode != "float16"),
        )

    def loaded(self, compiled: Any, described: Any, log: str) -> LoadedModel:
        """Return the compiled file, with the operators that the GPU runs according to the log."""
        return OnGpu(compiled, described, share_in(log))


class OnGpu(LoadedModel):
    """A loaded file; the GPU executes some of its operators."""

    def __init__(self, compiled: Any, described: Any, share: Optional[DelegatedOperators]) -> None:
        super().__init__(compiled, described)
        self._share = share

    def delegated_operators(self) -> Optional[DelegatedOperators]:
        """Return the operators that the GPU executes, as reported in the library's log."""
        return self._share


def share_in(log: str) -> Optional[DelegatedOperators]:
    """Return the operators that the GPU executes, from a compilation's log; None if unknown."""
    counts = _counts(log)
    if counts is None:
        return None
    listed, pieces, chosen = _LEFT.search(log), _PIECES.search(log), _ADAPTER.search(log)
    kept = [line.strip(" .") for line in listed.group(1).splitlines()] if listed else []
    return DelegatedOperators(
        nodes=sum(counts),
        delegated=counts[0],
        partitions=int(pieces.group(1)) if pieces else int(counts[0] > 0),
        left=tuple(sorted(kept)),
        by=chosen.group(1).strip() if chosen else "",
    )


def _counts(log: str) -> Optional[Tuple[int, int]]:
    """Return the numbers of operators on the GPU and on the processor; None if unknown."""
    share, whole = _SHARE.search(log), _ALL.search(log)
    if share:
        return int(share.group(1)), int(share.group(2))
    if whole:
        return int(whole.group(1)), int(whole.group(2)) - int(whole.group(1))
    return None
