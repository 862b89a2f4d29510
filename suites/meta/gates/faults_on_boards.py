"""Define faults that a board's budgets and sensors detect, by the profiles beside this file."""

from __future__ import annotations

from pathlib import Path

from suites.meta.gates.faults_in_runners import LATENCY, TEXT
from suites.meta.gates.planting import Fault

PROFILE = Path(__file__).with_name("board.toml")
ON_BOARD = (f"--edge-device={PROFILE}",)
WITH_FIRMWARE = (f"--edge-device={PROFILE.with_name('board_with_firmware.toml')}",)
COLD = "suites/latency/test_cold_start.py::test_cold_start_is_within_budget"
MEMORY = "suites/memory/test_memory.py::test_peak_memory_is_within_budget"
THROUGHPUT = TEXT + "test_texts_per_second_are_within_budget"
PERCENTILES = LATENCY + "test_latency_percentile_is_within_budget"


FAULTS = {
    "texts that take longer than a board may": Fault(
        gate=THROUGHPUT,
        says="board.toml: budgets.texts_per_second.min",
        runner="texts take 6 ms",
        arguments=ON_BOARD,
    ),
    "answers that take longer than a board may": Fault(
        gate=PERCENTILES,
        only="latency_p90",
        says="board.toml: budgets.latency_p90.max",
        runner="ten milliseconds",
        arguments=ON_BOARD,
    ),
    "more memory than a board may take": Fault(
        gate=MEMORY,
        says="board.toml: budgets.peak_rss.max",
        runner="180 MB",
        arguments=ON_BOARD,
    ),
    "a start that takes longer than a board may": Fault(
        gate=COLD,
        says="board.toml: budgets.cold_start.max",
        runner="started 16 s ago",
        arguments=ON_BOARD,
    ),
    "a processor that is throttled": Fault(
        gate=THROUGHPUT,
        says="not judged, throttled (under-voltage, throttled)",
        watcher="throttled",
        arguments=WITH_FIRMWARE,
    ),
    "a processor that was throttled meanwhile": Fault(
        gate=PERCENTILES,
        only="latency_p90",
        says="not judged, the processor was throttled during the measurement (throttled)",
        watcher="throttled meanwhile",
        arguments=WITH_FIRMWARE,
    ),
    "a sensor that says nothing": Fault(
        gate=COLD,
        says="it is unknown whether the processor is throttled: no sensor in sensors.firmware",
        arguments=WITH_FIRMWARE,
    ),
    "a governor that saves power": Fault(
        gate=COLD,
        says="not judged, the frequency governor is powersave",
        watcher="saving power",
        arguments=ON_BOARD,
    ),
    "others that keep the cores busy": Fault(
        gate=THROUGHPUT,
        says="cores busy, but only 1000 are allowed",
        watcher="busy",
        arguments=ON_BOARD,
    ),
    "a board that swaps": Fault(
        gate=COLD,
        says="pages were swapped",
        watcher="swapping",
        arguments=ON_BOARD,
    ),
    "a board whose memory is full": Fault(
        gate=PERCENTILES,
        only="latency_p90",
        says="not judged, 10 MiB of memory were available, but 50 are needed",
        watcher="memory full",
        arguments=ON_BOARD,
    ),
}
