"""Measure the load of other programs: times that are measured under load are meaningless."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.limits import judged

STAT = Path("/proc/stat")
# Positions of the fields in the first line of /proc/stat that count no work (idle, and waiting for
# a disk), and number of fields that are read. The time of guests is contained in the first two
# fields.
_WAITING, _FIELDS = (3, 4), 8
_SECONDS = 5.0


def worked_seconds() -> float:
    """Return the sum over all cores of the seconds of work since the machine started.

    Source: proc_stat(5). Time that a hypervisor gave to other machines counts as work, because it
    was missing here.
    """
    fields = [int(field) for field in STAT.read_text(encoding="utf-8").split()[1 : 1 + _FIELDS]]
    ticks = sum(fields) - sum(fields[place] for place in _WAITING)
    return ticks / os.sysconf("SC_CLK_TCK")


def busy_cores(seconds: float = _SECONDS) -> float:
    """Return how many cores other programs keep busy, on average over these seconds."""
    began, before = time.monotonic(), worked_seconds()
    time.sleep(seconds)
    return (worked_seconds() - before) / (time.monotonic() - began)


def why_too_busy(cores: float) -> str:
    """Return why times are not judged under this load; "" if they are judged.

    Args:
        cores: number of cores that other programs keep busy.
    """
    return "; ".join(judged("idle", {"busy_cores": cores})["missed"])
