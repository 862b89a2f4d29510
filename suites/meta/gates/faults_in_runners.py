"""Define faults in the runner, by their names in `planted_runner.py`, with their gates."""

from __future__ import annotations

from suites.meta.gates.planting import Fault

BEHAVIOR = "suites/conformance/test_behavior.py::"
LATENCY = "suites/latency/test_latency.py::"
HONESTY = "suites/latency/test_honesty.py::"
TEXT = "suites/latency/test_throughput.py::"
PRIVACY = "suites/privacy/test_privacy.py::"

FAULTS = {
    "a runtime without its fast kernels": Fault(
        gate="suites/conformance/test_contract.py::test_xnnpack_takes_the_operators",
        says="fail: delegated_share of float32",
        runner="without fast kernels",
    ),
    "a kernel of dense layers whose answers are a tenth too large": Fault(
        gate="suites/backends/test_kernel_coverage.py::test_operators_have_proven_kernels",
        says="FULLY_CONNECTED",
        runner="dense layers a tenth too large",
        arguments=("--edge-kernel-coverage",),
    ),
    "answers with noise": Fault(
        gate=BEHAVIOR + "test_answers_are_repeated_bit_for_bit",
        runner="noise",
    ),
    "answers that differ from process to process": Fault(
        gate=BEHAVIOR + "test_fresh_process_repeats_the_answers",
        runner="by process",
    ),
    "a product that several threads compute wrongly": Fault(
        gate=BEHAVIOR + "test_number_of_threads_changes_nothing",
        says="some logits change if threads = 2",
        runner="several threads reverse",
    ),
    "the first answer for every text": Fault(
        gate="suites/accuracy/test_accuracy_floor.py::test_variant_beats_the_majority",
        runner="first answer",
    ),
    "answers that remember the text before": Fault(
        gate=BEHAVIOR + "test_order_of_texts_changes_nothing",
        runner="remembering",
    ),
    "inputs bound by their position": Fault(
        gate=BEHAVIOR + "test_order_of_inputs_changes_nothing",
        runner="inputs by position",
    ),
    "labels in the race that are not those of the accuracy run": Fault(
        gate=HONESTY + "test_answers_while_timed_are_those_of_the_accuracy_run",
        runner="other labels in a race",
    ),
    "a quantized variant that is slower than float32": Fault(
        gate=LATENCY + "test_latency_over_float32_is_within_budget",
        says="fail: latency_ratio of dynamic_wi8_afp32",
        schemes=("float32", "dynamic_wi8_afp32"),
        runner="quantized slower",
    ),
    "a runner that slows down a file that is small and right": Fault(
        gate="suites/goal/test_goal.py::test_bytes_drop_and_speed_keep_the_goal",
        says="its goal on three axes: bytes pass, drop pass, speed fail",
        schemes=("float32", "dynamic_wi8_afp32"),
        runner="quantized labels seem late",
    ),
    "answers that take six milliseconds": Fault(
        gate=LATENCY + "test_latency_percentile_is_within_budget",
        only="latency_p50",
        says="fail: latency_p50 of float32",
        runner="six milliseconds",
    ),
    "answers that take two seconds": Fault(
        gate=LATENCY + "test_latency_percentile_is_within_budget",
        says="fail: latency_p",
        runner="answers seem late",
    ),
    "first seconds that are slower than promised": Fault(
        gate=LATENCY + "test_first_seconds_are_within_budget",
        says="fail: latency_first_p50 of float32",
        runner="six milliseconds",
    ),
    "a runner that answers repeated texts from memory": Fault(
        gate=HONESTY + "test_other_texts_take_as_long_as_repeated_ones",
        says="fail: latency_repeat_ratio of float32",
        runner="repeated texts from memory",
    ),
    "a runner that knows the order of the texts": Fault(
        gate=HONESTY + "test_random_order_takes_as_long_as_fixed_order",
        says="fail: latency_order_ratio of float32",
        runner="known order",
    ),
    "a tokenizer that takes eleven milliseconds": Fault(
        gate=LATENCY + "test_text_to_label_percentile_is_within_budget",
        only="text_to_label_p50",
        says="fail: text_to_label_p50 of float32",
        runner="texts take 11 ms",
    ),
    "labels that take two seconds": Fault(
        gate=LATENCY + "test_text_to_label_percentile_is_within_budget",
        says="fail: text_to_label_p",
        runner="labels seem late",
    ),
    "a tokenizer that takes fifteen milliseconds": Fault(
        gate=TEXT + "test_texts_per_second_are_within_budget",
        says="fail: texts_per_second of float32",
        runner="texts take 15 ms",
    ),
    "rounds that nobody records": Fault(
        gate=TEXT + "test_rounds_are_recorded",
        says="invalid",
        arguments=("--benchmark-disable",),
    ),
    "a runner that starts slowly": Fault(
        gate="suites/latency/test_cold_start.py::test_cold_start_is_within_budget",
        says="fail: cold_start of float32",
        runner="started 30 s ago",
    ),
    "a runner that holds 300 MB": Fault(
        gate="suites/memory/test_memory.py::test_peak_memory_is_within_budget",
        says="fail: peak_rss of float32",
        runner="300 MB",
    ),
    "a runner that opens a socket": Fault(
        gate=PRIVACY + "test_inference_opens_no_socket_and_writes_no_file",
        says="socket.",
        runner="a socket",
    ),
    "a runner that writes the texts down": Fault(
        gate=PRIVACY + "test_inference_opens_no_socket_and_writes_no_file",
        says="texts.log",
        runner="a file",
    ),
    "a runner that starts a process": Fault(
        gate=PRIVACY + "test_inference_opens_no_socket_and_writes_no_file",
        says="os.system",
        runner="a process",
    ),
    "a runner that asks a network": Fault(
        gate=PRIVACY + "test_inference_needs_no_network",
        says="unreachable",
        runner="a network",
    ),
}
