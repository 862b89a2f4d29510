"""Invalid input ends in one message with file, key and remedy before anything runs."""

from __future__ import annotations

import time

import pytest

from models.errors import UsageMistake
from suites.meta.door.handing import provider_by
from suites.meta.door.refused import EVERYTHING, Refused
from suites.meta.gates.running import run_pytest

GATE = "suites/size/test_size.py::test_file_is_within_budget"
# One mistake of each kind runs in a separate process. All of them run in this process, which takes
# less time.
WHOLE = (
    *("a pointer of Git LFS", "no column of labels", "ids beyond the table"),
    *("answers that miss texts", "labels in two orders"),
)
# Generous limit in seconds of CPU time for reading a file of 3 kB.
SECONDS = 5.0


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_input_mistake_is_reported_in_one_message(name, tmp_path):
    refused = EVERYTHING[name]
    options = refused.make(tmp_path)
    begun = time.process_time()
    with pytest.raises(UsageMistake) as caught:
        provider_by(options)
    assert time.process_time() - begun < SECONDS
    message = str(caught.value)
    assert all(part in message for part in refused.says), message
    assert "\n" not in message
    assert caught.value.file or caught.value.key, "it names a file or a key"
    assert caught.value.remedy


def test_inputs_without_a_mistake_are_accepted(tmp_path):
    """Without the mistake the inputs are accepted, so the mistake causes the rejection."""
    provider = provider_by(Refused(says=()).make(tmp_path))
    assert provider.facts.labels == ("a", "b", "c")


@pytest.mark.parametrize("name", WHOLE)
def test_run_with_an_input_mistake_exits_with_code_4(name, tmp_path):
    options = EVERYTHING[name].make(tmp_path)
    arguments = [
        f"--edge-{option}={value}"
        for option, values in options.items()
        for value in ((values,) if isinstance(values, str) else values)
    ]
    outcome = run_pytest(tmp_path / "reports", [GATE, *arguments])
    assert outcome.code == pytest.ExitCode.USAGE_ERROR, outcome.output
    assert not any(sign in outcome.output for sign in ("Traceback", "INTERNALERROR"))
    lines = [line for line in outcome.output.splitlines() if "ERROR" in line]
    assert len(lines) == 1, outcome.output
    assert all(part in lines[0] for part in EVERYTHING[name].says), outcome.output
