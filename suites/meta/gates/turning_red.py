"""Check that a planted fault turns its gate red."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from models.runtime.available import why_absent
from reports.documents.faults import SAID

if TYPE_CHECKING:
    from collections.abc import Callable

    from suites.meta.gates.planting import Fault
    from suites.meta.gates.running import PytestRun


# Maximum length of a gate's message in the report, in characters.
LONGEST = 400
_FOLDERS = re.compile(r"(?<![\w./])/(?:[\w.~+-]+/)+")


def first_words(message: str, says: str = "") -> str:
    """Return the first informative line of a gate's message.

    The type of the exception and the paths of folders, which depend on the machine, are removed.
    """
    lines = [line.removeprefix("E ").strip() for line in message.splitlines() if line.strip()]
    line = next((line for line in lines if says in line), "")
    shortened = line.removeprefix("Failed: ").removeprefix("AssertionError: ")
    shortened = _FOLDERS.sub("", shortened)
    return shortened if len(shortened) <= LONGEST else f"{shortened[:LONGEST]}..."


def assert_its_gate_turns_red(
    fault: Fault,
    run_with: Callable[[Fault], PytestRun],
    record_property: Callable[[str, object], None],
) -> PytestRun:
    """Plant the fault, run its gate, and check the reason of the failure.

    Args:
        fault: what to plant.
        run_with: plants a fault and runs its gate.
        record_property: pytest's fixture, which gets the gate's message for the report.
    """
    if fault.needs is not None and why_absent(fault.needs):
        pytest.skip(str(why_absent(fault.needs)))
    outcome = run_with(fault)
    outcomes = {name: end for name, end in outcome.tests.items() if fault.only in name}
    assert outcomes, outcome.output
    for name, (ended, message) in outcomes.items():
        if ended == "skipped" and "no network namespace" in message:
            pytest.skip(message)
        assert ended == "failed", f"{name} {ended}: {message}\n{outcome.output}"
        assert fault.says in message, f"{name}: {message}"
    assert outcome.code == pytest.ExitCode.TESTS_FAILED
    message = next(message for _, message in outcomes.values())
    record_property(SAID, first_words(message, fault.says))
    return outcome
