"""Faults that a board's budgets and sensors detect, judged by the profiles beside this file."""

from __future__ import annotations

from pathlib import Path

from suites.meta.gates.faults_in_runners import AGE, CLASSIFY, INVOKE, LATENCY, LOAD, TEXT
from suites.meta.gates.planting import Fault

PROFILE = Path(__file__).with_name("board.toml")
ON_BOARD = (f"--edge-device={PROFILE}",)
WITH_FIRMWARE = (f"--edge-device={PROFILE.with_name('board_with_firmware.toml')}",)
COLD = "suites/latency/test_cold_start.py::test_cold_start_is_within_budget"
MEMORY = "suites/memory/test_memory.py::test_peak_memory_is_within_budget"
THROUGHPUT = TEXT + "test_texts_per_second_are_within_budget"
PERCENTILES = LATENCY + "test_latency_percentile_is_within_budget"

READ = "    texts = read_texts(patterns, commands, root)\n"
FIRMWARE = "/sys/devices/platform/soc/soc:firmware/get_throttled"
GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
# The first two readings come before a measurement.
COUNTED = "    turn = take_reading.turn = getattr(take_reading, 'turn', 0) + 1\n"


def seen(path: str, text: str) -> dict[str, str]:
    """Replace the watcher's reading of `path` by the expression `text`."""
    return {READ: f"{READ}{COUNTED}    texts[{path!r}] = {text}\n"}


FAULTS = {
    "texts that take longer than a board may": Fault(
        gate=THROUGHPUT,
        says="board.toml: budgets.texts_per_second.min",
        runner={CLASSIFY: "                time.sleep(0.006)\n" + CLASSIFY},
        arguments=ON_BOARD,
    ),
    "answers that take longer than a board may": Fault(
        gate=PERCENTILES,
        only="latency_p90",
        says="board.toml: budgets.latency_p90.max",
        runner={INVOKE: "            time.sleep(0.01)\n" + INVOKE},
        arguments=ON_BOARD,
    ),
    "more memory than a board may take": Fault(
        gate=MEMORY,
        says="board.toml: budgets.peak_rss.max",
        runner={LOAD: LOAD + "        self.ballast = b'x' * 180_000_000\n"},
        arguments=ON_BOARD,
    ),
    "a start that takes longer than a board may": Fault(
        gate=COLD,
        says="board.toml: budgets.cold_start.max",
        runner={AGE: AGE.replace("age if", "age + 16_000_000_000 if")},
        arguments=ON_BOARD,
    ),
    "a processor that is throttled": Fault(
        gate=THROUGHPUT,
        says="not judged, throttled (under-voltage, throttled)",
        watcher=seen(FIRMWARE, "'50005'"),
        arguments=WITH_FIRMWARE,
    ),
    "a processor that was throttled meanwhile": Fault(
        gate=PERCENTILES,
        only="latency_p90",
        says="not judged, it was throttled meanwhile (throttled)",
        watcher=seen(FIRMWARE, "'40000' if turn > 2 else '0'"),
        arguments=WITH_FIRMWARE,
    ),
    "a sensor that says nothing": Fault(
        gate=COLD,
        says="not judged, nothing tells whether it is held back: sensors.firmware",
        arguments=WITH_FIRMWARE,
    ),
    "a governor that saves power": Fault(
        gate=COLD,
        says="not judged, the frequency governor is powersave",
        watcher=seen(GOVERNOR, "'powersave'"),
        arguments=ON_BOARD,
    ),
    "others that keep the cores busy": Fault(
        gate=THROUGHPUT,
        says="cores busy, 1000 are allowed",
        # Ten thousand cores, in the kernel's hundredths of a second.
        watcher=seen("/proc/stat", "'cpu  %d 0 0 0 0 0 0 0 0 0' % (start * 1_000_000)"),
        arguments=ON_BOARD,
    ),
    "a board that swaps": Fault(
        gate=COLD,
        says="pages were swapped",
        watcher=seen("/proc/vmstat", "'pswpin %d\\npswpout 0\\n' % (100 * turn)"),
        arguments=ON_BOARD,
    ),
    "a board whose memory is full": Fault(
        gate=PERCENTILES,
        only="latency_p90",
        says="not judged, 10 MiB of memory were available, 50 are needed",
        watcher=seen("/proc/meminfo", "'MemAvailable:   10240 kB\\n'"),
        arguments=ON_BOARD,
    ),
}
