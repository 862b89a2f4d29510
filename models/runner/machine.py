"""Read facts of the machine and of this process from the kernel."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any, Dict, Optional

# The maximum number of threads is 8, or 4 for each core if this is more. Further threads would only
# wait for each other.
MOST_THREADS, THREADS_PER_CORE = 8, 4


def process_age_ns() -> Optional[int]:
    """Return the nanoseconds since this process was started, to the precision of a clock tick.

    Return None if the kernel does not report the start.
    """
    try:
        # The start time is field 22. Fields are counted after the last ")", because the command's
        # name in parentheses may contain spaces.
        started = int(
            Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        )
        ticks = os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - started * 1_000_000_000 // ticks
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return age if started > 0 and age > 0 else None


def colon_table(path: str) -> Dict[str, str]:
    """Read the lines "key: value" of a file under /proc into a table.

    Keys are in lower case. If a key is repeated, the first value counts.
    """
    table: Dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            table.setdefault(key.strip().lower(), value.strip())
    return table


def memory_bytes() -> Dict[str, int]:
    """Return resident memory of this process in bytes: {"peak": VmHWM, "now": VmRSS}."""
    facts = colon_table("/proc/self/status")
    return {
        key: int(facts[line].split()[0]) * 1024
        for key, line in (("peak", "vmhwm"), ("now", "vmrss"))
    }


def processor() -> Dict[str, Any]:
    """Return the processor as the device reports it: {"model": str, "features": [str]}."""
    facts = colon_table("/proc/cpuinfo")
    model = facts.get("model name") or facts.get("cpu part") or "unknown"
    return {"model": model, "features": (facts.get("flags") or facts.get("features") or "").split()}


def most_threads(cores: int) -> int:
    """Return the maximum number of threads for this many cores."""
    return max(MOST_THREADS, THREADS_PER_CORE * cores)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
