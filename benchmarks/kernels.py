"""Measure how fast kernels are judged: examples per second of one core."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.limits import judged
from fixtures.backends.kernel_search import search
from models.kernels.asking import AskedBackend
from models.kernels.families.all_families import FAMILIES
from models.kernels.searching import Judge, search_by_seeds
from models.runtime.transports import LocalTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.kernels.case import Family
    from models.kernels.searching import Record

BACKEND = "ai_edge_litert"
# Families whose tensors contain at most a few thousand numbers.
SMALL = ("ADD-int8", "RESHAPE-int32", "SOFTMAX-float32", "TANH-float32")
# A family that is measured without a limit; some of its sums have 66,309 products.
LARGER = ("FULLY_CONNECTED-int8_channel",)
EXAMPLES, ROUNDS = 200, 3


def measure_kernels() -> dict[str, Any]:
    """Return examples per second of CPU time for small operators, drawn by seeds or by hypothesis.

    The CPU time includes this process and the runner.
    """
    with AskedBackend(LocalTransport(), BACKEND) as backend:

        def by_seeds(family: Family) -> Record:
            return search_by_seeds(family, backend, range(EXAMPLES))

        def by_hypothesis(family: Family) -> Record:
            return search(family, Judge(backend), examples=EXAMPLES)

        rates = {
            name: {
                way.__name__: _rate(backend, FAMILIES[name], way)
                for way in (by_seeds, by_hypothesis)
            }
            for name in (*SMALL, *LARGER)
        }
    slowest = min(rate for name in SMALL for rate in rates[name].values())
    details = {"backend": BACKEND, "examples_a_second_of_one_core": rates}
    return judged("kernels", {"slowest_family": slowest}, details)


def _rate(backend: AskedBackend, family: Family, way: Callable[[Family], Record]) -> float:
    """Return the median examples per second of CPU time over several rounds, without imports."""
    way(family)
    rates = []
    for _ in range(ROUNDS):
        started = _cpu(backend)
        rates.append(way(family).examples / (_cpu(backend) - started))
    return round(statistics.median(rates), 1)


def _cpu(backend: AskedBackend) -> float:
    return time.process_time() + backend.cpu_seconds
