"""Runners of several uses are started side by side, and the unused ones are ended."""

from __future__ import annotations

import pytest

from fixtures.answering.starts import Starts
from models.runtime.client import Runner, RunnerDied
from models.runtime.transports import LocalTransport


class _Fake:
    """A runner that records when it starts, is ready and ends."""

    def __init__(self, log):
        self.log, self.number = log, sum(event == "new" for event, _ in log)
        self.note("new")

    def note(self, event):
        self.log.append((event, self.number))

    def begin(self):
        self.note("begin")

    def hello(self):
        self.note("hello")

    def close(self):
        self.note("close")


def events(uses, at_once, taken):
    log = []
    with Starts(lambda: _Fake(log), uses=uses, at_once=at_once) as starts:
        numbers = [starts.next().number for _ in range(taken)]
    assert numbers == list(range(taken))
    return [f"{event} {number}" for event, number in log if event != "new"]


def test_runners_start_together_before_the_first_is_used():
    assert events(uses=2, at_once=2, taken=1)[:4] == ["begin 0", "begin 1", "hello 0", "hello 1"]


def test_no_more_runners_start_than_are_needed():
    assert events(uses=3, at_once=2, taken=3) == ["begin 0", "begin 1", "hello 0", "hello 1"]


def test_runners_that_nobody_used_are_ended():
    assert events(uses=2, at_once=2, taken=1)[4:] == ["close 1"]


@pytest.mark.parametrize("uses", [0, 1])
def test_single_runner_is_started_when_it_is_entered(uses):
    assert events(uses=uses, at_once=2, taken=3) == []


def test_runners_answer_and_end():
    with Starts(lambda: Runner(LocalTransport()), uses=2, at_once=2) as starts:
        for _ in range(3):
            with starts.next() as runner:
                assert runner.hello().pid == runner.info.pid


def test_runner_that_does_not_start_is_reported_to_the_gate_that_uses_it(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit(3)")
    transport = LocalTransport(program=program)
    with Starts(lambda: Runner(transport), uses=2, at_once=2) as starts:
        for _ in range(2):
            with pytest.raises(RunnerDied, match="starting"), starts.next():
                pass
