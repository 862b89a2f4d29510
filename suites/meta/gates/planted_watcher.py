"""Run edgeproof's watcher with invented readings of the sensors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from models.runtime import watcher

if TYPE_CHECKING:
    from collections.abc import Callable

FIRMWARE = "/sys/devices/platform/soc/soc:firmware/get_throttled"
GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"


def busy(_turn: int) -> str:
    """Return the /proc/stat of ten thousand busy cores, in the kernel's hundredths of a second."""
    return f"cpu  {int(time.monotonic() * 1_000_000)} 0 0 0 0 0 0 0 0 0"


# Faults by name: the path of a sensor's file, and a function that returns its text at each reading.
# The first two readings precede the measurement.
FAULTS: dict[str, tuple[str, Callable[[int], str]]] = {
    "throttled": (FIRMWARE, lambda _turn: "50005"),
    "throttled meanwhile": (FIRMWARE, lambda turn: "40000" if turn > 2 else "0"),
    "saving power": (GOVERNOR, lambda _turn: "powersave"),
    "busy": ("/proc/stat", busy),
    "swapping": ("/proc/vmstat", lambda turn: f"pswpin {100 * turn}\npswpout 0\n"),
    "memory full": ("/proc/meminfo", lambda _turn: "MemAvailable:   10240 kB\n"),
}


def main(name: str) -> int:
    """Read the fault's text instead of the sensor's; return the exit status."""
    path, text = FAULTS[name]
    read, turns = watcher.read_texts, iter(range(1, 1_000_000))

    def planted(*arguments: Any) -> dict[str, str]:
        return {**read(*arguments), path: text(next(turns))}

    watcher.read_texts = planted  # type: ignore[assignment]  # it has the same parameters
    return watcher.main()
