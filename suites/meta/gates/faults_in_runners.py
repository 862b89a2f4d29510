"""Faults in the runner: its source with a line or two replaced."""

from __future__ import annotations

from suites.meta.gates.planting import Fault

BEHAVIOR = "suites/conformance/test_behavior.py::"
LATENCY = "suites/latency/test_latency.py::"
HONESTY = "suites/latency/test_honesty.py::"
TEXT = "suites/latency/test_throughput.py::"
PRIVACY = "suites/privacy/test_privacy.py::"

# What faults are planted at.
AGE = "    return age if started > 0 and age > 0 else None\n"
LOAD = '        self.models.pop(header["name"], None)\n'
ANSWER = '        model = self._model(header["name"])\n        count, rows = model.check(arrays)\n'
CLASSIFY = "                one = feed.give(encode(text))\n"
INVOKE = "            invoke()\n"
# Clocks are set forward by what nobody wants to wait for.
TAKEN = "            return end - start, cpu() - cpu_start\n"
LABELED = "                times[row] = time.perf_counter_ns() - start\n"
LOADED = "        model = interpret(backend, source, header)\n"
INPUTS = "        names = {tensor.name for tensor in self.inputs}\n"
LOGITS = "        return self.output.real("
GET_LOGITS = "self.graph.get_tensor(self.output.index)).reshape(-1)\n"
SET_ROW = "        for tensor in self.inputs:\n            cells = arrays["
COMPUTED = 'graph.get_tensor(int(details["index"]))'
SPOILED = (
    "lambda a: a * a.dtype.type(1.1) if 'FULLY_CONNECTED' in "
    "{one['op_name'] for one in loaded.interpreter._get_ops_details()} else a"
)
RACED = "                        predictions[k, turn] = one.label()\n"


def planted_logits(*lines: str) -> dict[str, str]:
    """Insert the statements `lines` after the runner has read its `logits`."""
    made = LOGITS.replace("return", "logits =") + GET_LOGITS
    return {LOGITS + GET_LOGITS: made + "".join(f"        {line}\n" for line in lines)}


FAULTS = {
    "a runtime without its fast kernels": Fault(
        gate="suites/conformance/test_contract.py::test_xnnpack_takes_the_operators",
        says="fail: delegated_share of float32",
        runner={"RESOLVERS[self.mode]": 'RESOLVERS["builtin"]'},
    ),
    "a kernel of dense layers whose answers are a tenth too large": Fault(
        gate="suites/backends/test_kernel_coverage.py::test_operators_stand_on_proven_kernels",
        says="FULLY_CONNECTED",
        runner={COMPUTED: f"({SPOILED})({COMPUTED})"},
        arguments=("--edge-kernel-coverage",),
    ),
    "answers with noise": Fault(
        gate=BEHAVIOR + "test_answers_are_repeated_bit_for_bit",
        runner=planted_logits("return logits + np.float32(1e-4 * __import__('random').random())"),
    ),
    "answers that differ from process to process": Fault(
        gate=BEHAVIOR + "test_a_fresh_process_repeats_them",
        runner=planted_logits(
            "return logits + np.float32(1e-4 * (1 + __import__('os').getpid() % 97))"
        ),
    ),
    "a product that several threads compute wrongly": Fault(
        gate=BEHAVIOR + "test_number_of_threads_changes_nothing",
        says="number of threads: 2",
        runner={
            LOADED: LOADED + '        model.threads = header["threads"]\n',
            **planted_logits("return logits[::-1] if self.threads > 1 else logits"),
        },
    ),
    "the first answer for every text": Fault(
        gate="suites/accuracy/test_accuracy_floor.py::test_variant_beats_the_majority",
        runner=planted_logits("return self.__dict__.setdefault('first', logits)"),
    ),
    "answers that remember the text before": Fault(
        gate=BEHAVIOR + "test_order_of_texts_changes_nothing",
        runner=planted_logits(
            "before, self.before = getattr(self, 'before', 0.0 * logits), logits",
            "return logits + np.float32(1e-3) * before",
        ),
    ),
    "inputs bound by their position": Fault(
        gate=BEHAVIOR + "test_order_of_inputs_changes_nothing",
        runner={
            INPUTS: "        wanted = ('ids', 'mask', 'segments')\n"
            "        arrays = dict(zip(wanted, arrays.values()))\n" + INPUTS
        },
    ),
    "labels in the race that are not those of the accuracy run": Fault(
        gate=HONESTY + "test_answers_while_timed_are_those_of_the_accuracy_run",
        runner={RACED: RACED.replace("one.label()", "one.logits().argmin()")},
    ),
    "a quantized variant that is slower than float32": Fault(
        gate=LATENCY + "test_latency_over_float32_is_within_budget",
        says="fail: latency_ratio of dynamic_wi8_afp32",
        schemes=("float32", "dynamic_wi8_afp32"),
        runner={
            LOADED: LOADED + '        model.pause = 0.002 * ("dynamic" == header["name"][:7])\n',
            INVOKE: "            time.sleep(self.pause)\n" + INVOKE,
        },
    ),
    "a runner that slows down a file that is small and right": Fault(
        gate="suites/goal/test_goal.py::test_bytes_drop_and_speed_keep_the_goal",
        says="three axes, dynamic_wi8_afp32: bytes pass, drop pass, speed fail",
        schemes=("float32", "dynamic_wi8_afp32"),
        # As if it had taken two seconds longer: nobody has that time.
        runner={
            LABELED: LABELED.replace(
                "- start", '- start + 2_000_000_000 * header["name"].startswith("dynamic")'
            )
        },
    ),
    "answers that take six milliseconds": Fault(
        gate=LATENCY + "test_latency_percentile_is_within_budget",
        only="latency_p50",
        says="fail: latency_p50 of float32",
        runner={INVOKE: "            time.sleep(0.006)\n" + INVOKE},
    ),
    "answers that take two seconds": Fault(
        gate=LATENCY + "test_latency_percentile_is_within_budget",
        says="fail: latency_p",
        runner={TAKEN: TAKEN.replace("end - start", "end - start + 2_000_000_000")},
    ),
    "first seconds that are slower than promised": Fault(
        gate=LATENCY + "test_first_seconds_are_within_budget",
        says="fail: latency_first_p50 of float32",
        runner={INVOKE: "            time.sleep(0.006)\n" + INVOKE},
    ),
    "a runner that answers repeated texts from memory": Fault(
        gate=HONESTY + "test_other_texts_take_as_long_as_repeated_ones",
        says="fail: latency_repeat_ratio of float32",
        runner={
            SET_ROW: "        key = [array[row].tobytes() for array in arrays.values()]\n"
            "        self.kept = key == getattr(self, 'key', None)\n"
            "        self.key = key\n" + SET_ROW,
            INVOKE: INVOKE.replace("invoke()", "self.kept or invoke()"),
        },
    ),
    "a runner that knows the order of the texts": Fault(
        gate=HONESTY + "test_random_order_takes_as_long_as_fixed_order",
        says="fail: latency_order_ratio of float32",
        runner={
            SET_ROW: "        words = arrays['ids'][row].tobytes()\n"
            "        ahead = self.__dict__.setdefault('ahead', {})\n"
            "        self.kept = ahead.get(getattr(self, 'words', None)) == words\n"
            "        ahead.setdefault(getattr(self, 'words', None), words)\n"
            "        self.words = words\n" + SET_ROW,
            INVOKE: INVOKE.replace("invoke()", "self.kept or invoke()"),
        },
    ),
    "a tokenizer that takes eleven milliseconds": Fault(
        gate=LATENCY + "test_text_to_label_percentile_is_within_budget",
        only="text_to_label_p50",
        says="fail: text_to_label_p50 of float32",
        runner={CLASSIFY: "                time.sleep(0.011)\n" + CLASSIFY},
    ),
    "labels that take two seconds": Fault(
        gate=LATENCY + "test_text_to_label_percentile_is_within_budget",
        says="fail: text_to_label_p",
        runner={LABELED: LABELED.replace("- start", "- start + 2_000_000_000")},
    ),
    "a tokenizer that takes fifteen milliseconds": Fault(
        gate=TEXT + "test_texts_per_second_are_within_budget",
        says="fail: texts_per_second of float32",
        runner={CLASSIFY: "                time.sleep(0.015)\n" + CLASSIFY},
    ),
    "rounds that nobody records": Fault(
        gate=TEXT + "test_rounds_are_recorded",
        says="invalid",
        arguments=("--benchmark-disable",),
    ),
    "a runner that starts slowly": Fault(
        gate="suites/latency/test_cold_start.py::test_cold_start_is_within_budget",
        says="fail: cold_start of float32",
        # As if it had waited: nobody has that minute.
        runner={AGE: AGE.replace("age if", "age + 30_000_000_000 if")},
    ),
    "a runner that holds 300 MB": Fault(
        gate="suites/memory/test_memory.py::test_peak_memory_is_within_budget",
        says="fail: peak_rss of float32",
        runner={LOAD: LOAD + "        self.ballast = b'x' * 300_000_000\n"},
    ),
    "a runner that opens a socket": Fault(
        gate=PRIVACY + "test_inference_opens_no_socket_and_writes_no_file",
        says="socket.",
        runner={CLASSIFY: '                __import__("socket").socket().close()\n' + CLASSIFY},
    ),
    "a runner that writes the texts down": Fault(
        gate=PRIVACY + "test_inference_opens_no_socket_and_writes_no_file",
        says="texts.log",
        runner={
            CLASSIFY: "                import sys\n"
            '                open(sys.argv[0] + ".texts.log", "a").write(str(text))\n' + CLASSIFY
        },
    ),
    "a runner that starts a process": Fault(
        gate=PRIVACY + "test_inference_opens_no_socket_and_writes_no_file",
        says="os.system",
        runner={CLASSIFY: '                os.system("true")\n' + CLASSIFY},
    ),
    "a runner that asks a network": Fault(
        gate=PRIVACY + "test_inference_needs_no_network",
        says="unreachable",
        runner={
            ANSWER: '        socket = __import__("socket")\n'
            "        asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            '        asked.connect(("127.0.0.1", 9))\n' + ANSWER
        },
    ),
}
