"""Find problems of operators: runtimes that cannot run them, loops, and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.flatbuffers.findings.finding import Finding, Inspected, limits, several
from models.flatbuffers.runtimes import runtime_needs, unknown_operators, version_key
from models.flatbuffers.variables import LOST, READS, REMEDY, are_lost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.flatbuffers.runtimes import RuntimeNeed

PLACEHOLDER = "FlexPlaceholder"
_LOOPS = frozenset({"CALL", "IF", "STABLEHLO_WHILE", "WHILE"})
# Remedies for an operator that is too new for a runtime.
_OLDER = {
    "FULLY_CONNECTED": "Convert with one scale for each weight tensor, not for each channel "
    "(scheme dynamic_wi8t_afp32), or to float16",
}
_NEWER = "Convert for an older runtime, or run it on ai-edge-litert"


def _flex(inspected: Inspected) -> Iterator[Finding]:
    names = sorted({operator.name for operator in inspected.report.operators if operator.flex})
    if PLACEHOLDER in names:
        yield Finding(
            "flex-placeholder",
            "error",
            "It contains FlexPlaceholder: a table or a variable was lost in conversion, and even a "
            "runtime with TensorFlow's operators cannot run it.",
            (PLACEHOLDER,),
            "Convert only the part after the token ids; keep tables and tokenizer beside it",
        )
    flex = tuple(name for name in names if name != PLACEHOLDER)
    if flex:
        yield Finding(
            "flex-operator",
            "error",
            f"It needs TensorFlow's own operators, which plain runtimes do not have: "
            f"{several(flex)}.",
            flex,
            "Convert with TFLITE_BUILTINS alone; tokenize outside of the graph",
        )


def _custom(inspected: Inspected) -> Iterator[Finding]:
    report = inspected.report
    custom = {
        operator.name for operator in report.operators if not operator.carried and not operator.flex
    }
    names = tuple(sorted(custom))
    if names:
        yield Finding(
            "custom-operator",
            "error",
            f"It needs custom operators, which plain runtimes do not have: {several(names)}.",
            names,
            "Convert the model without them, or build a runtime that registers them",
        )


def _unknown(inspected: Inspected) -> Iterator[Finding]:
    custom = set(inspected.report.custom_operators)
    names = tuple(name for name in unknown_operators(inspected.report) if name not in custom)
    if names:
        yield Finding(
            "unknown-operator",
            "note",
            f"It is unknown which runtime these operators need: {several(names)}.",
            names,
            "Try the file on the oldest runtime that it must support",
        )


def _too_new(inspected: Inspected) -> Iterator[Finding]:
    old = limits().old_runtime
    for need in runtime_needs(inspected.report.operators):
        if need.runtime is None or version_key(need.runtime) <= version_key(old):
            continue
        if need.understated:
            yield _understated(need, old)
        else:
            yield Finding(
                "needs-newer-runtime",
                "warning",
                f"{need.operator} version {need.version} needs TFLite {need.runtime}: "
                f"tflite-runtime {old} refuses the file.",
                (f"{need.operator} v{need.version}",),
                _OLDER.get(need.operator, _NEWER),
            )


def _understated(need: RuntimeNeed, old: str) -> Finding:
    return Finding(
        "understated-version",
        "warning",
        f"{need.operator} declares version {need.declared}, and its operands need version "
        f"{need.version} (TFLite {need.runtime}): tflite-runtime {old} loads the file and may "
        "give wrong answers.",
        (f"{need.operator} v{need.declared}",),
        f"Run it only on TFLite {need.runtime} or newer",
    )


def _declared(inspected: Inspected) -> Iterator[Finding]:
    declared = inspected.report.declared_runtime
    needed = [need.runtime for need in runtime_needs(inspected.report.operators) if need.runtime]
    newest = max(needed, key=version_key, default="")
    if declared and version_key(declared) and version_key(declared) < version_key(newest):
        yield Finding(
            "declared-runtime-too-old",
            "warning",
            f"It declares that TFLite {declared} is enough, but its operators need {newest}.",
            ("min_runtime_version",),
            f"Run it only on TFLite {newest} or newer",
        )


def _loops(inspected: Inspected) -> Iterator[Finding]:
    report = inspected.report
    names = sorted({operator.name for operator in report.operators} & _LOOPS)
    if names:
        yield Finding(
            "several-subgraphs",
            "note",
            f"It has {len(report.subgraphs)} subgraphs with {several(names)}: delegates leave "
            "loops to the processor, and time grows with the number of tokens.",
            tuple(names),
            "Measure latency on the device, and unroll the loop if it is too slow",
        )


def _variables(inspected: Inspected) -> Iterator[Finding]:
    report = inspected.report
    names = {operator.name for operator in report.operators}
    variables = tuple(tensor.name for tensor in report.tensors if tensor.variable)
    if are_lost(report.operators):
        yield Finding(
            "variables-without-values",
            "error",
            f"It {LOST}.",
            (READS,),
            REMEDY,
        )
    elif variables or READS in names:
        yield Finding(
            "variables",
            "warning",
            "It keeps variables from one answer to the next: an answer may depend on the texts "
            "before it.",
            variables or (READS,),
            "Reset the variables before each text, and test whether the order of texts changes "
            "answers",
        )


CHECKS = (*(_flex, _custom, _unknown, _too_new, _declared, _loops, _variables),)
