"""Define faults that keep every budget, and that only a comparison with the baseline detects."""

from __future__ import annotations

from suites.meta.gates import edits
from suites.meta.gates.planting import Fault, in_flatbuffer

DYNAMIC = "dynamic_wi8_afp32"
ACCURACY = "suites/accuracy/test_accuracy_floor.py::test_variant_beats_the_majority"
REPUTATION = "suites/accuracy/test_reputation.py::test_variant_beats_the_majority_group_by_group"
LATENCY = "suites/latency/test_latency.py::test_latency_over_float32_is_within_budget"
MEMORY = "suites/memory/test_memory.py::test_peak_memory_is_within_budget"
SIZE = "suites/size/test_size.py::"

FAULTS = {
    "a polarity that is no longer answered": Fault(
        gate=ACCURACY,
        says="regression: ",
        plant=in_flatbuffer("float32", edits.never_the_second),
        compared=True,
    ),
    "a polarity that is no longer answered of any group": Fault(
        gate=REPUTATION,
        says="regression: official_accuracy of float32 moved by -",
        plant=in_flatbuffer("float32", edits.never_the_second),
        compared=True,
    ),
    "a file that has grown by fifty thousand bytes": Fault(
        gate=SIZE + "test_file_is_within_budget",
        says="regression: flatbuffer_bytes of float32 moved by 50,000 bytes, from",
        plant=in_flatbuffer("float32", edits.padded(50_000)),
        compared=True,
    ),
    "ratios that have shrunk with it": Fault(
        gate=SIZE + "test_ratios_are_within_budget",
        says="regression: size_ratio_",
        plant=in_flatbuffer("float32", edits.padded(50_000)),
        compared=True,
    ),
    "a runner that has come to hold 40 MB more": Fault(
        gate=MEMORY,
        says="regression: peak_rss of float32 moved by ",
        runner="40 MB",
        compared=True,
    ),
    "a quantized variant that has come to take twice as long": Fault(
        gate=LATENCY,
        says=f"regression: latency_ratio of {DYNAMIC} moved by",
        schemes=("float32", DYNAMIC),
        runner="quantized twice",
        compared=True,
    ),
}
