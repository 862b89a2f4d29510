"""A backend's answers are stored, unless another run could give other answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fixtures.backends.answers import TEXTS_AT_ONCE, Asking
from models.runtime.transports import LocalTransport
from models.store import Stage, Store
from suites.meta.tiny_models import INPUTS, make_tiny_models, sample_inputs

COUNT = TEXTS_AT_ONCE + 3
ROWS = np.arange(COUNT)


@dataclass(frozen=True, kw_only=True)
class Counted(LocalTransport):
    """A transport to this machine that counts the started runners."""

    started: list[Any] = field(default_factory=list)

    def start(self, arguments, runtime=None):
        """Start a runner, and count it."""
        self.started.append(arguments)
        return super().start(arguments, runtime)


class Here:
    """A target whose answers are stored."""

    def identity(self, transport, backend):  # noqa: ARG002 - the signature of targets
        """Return the key of stored answers."""
        return {"versions": {backend: "1"}}


class Anywhere:
    """A target whose identity is unknown."""

    def identity(self, transport, backend):  # noqa: ARG002 - the signature of targets
        """Return None, so that no answers are stored."""
        return


class Tiny:
    """A minimal candidate with random texts."""

    scheme = "tiny"

    def __init__(self, file):
        self.file, self.fed = file, self
        self.encoded = SimpleNamespace(labels=np.zeros(COUNT, np.int64))
        samples = list(sample_inputs(COUNT))
        self.rows = {name: np.concatenate([row[name] for row in samples]) for name in INPUTS}

    def answers_stage(self, backend, threads, count, place, rows):
        """Return the stage of the candidate's stored answers."""
        recipe = {"file": str(self.file), "backend": backend, "threads": threads, "count": count}
        recipe["rows"] = rows.tolist()
        return Stage("answers", recipe | place)

    def inputs(self, rows):
        """Return the inputs of the texts in these rows."""
        return {name: array[rows] for name, array in self.rows.items()}

    def load_into(self, runner, threads=None):
        """Load the candidate's file."""
        return runner.load(self.scheme, self.file, threads=threads or 1)


@pytest.fixture(scope="module")
def tiny():
    return Tiny(make_tiny_models()["float32"])


def test_backend_classifies_each_candidates_texts_only_once(tiny, tmp_path):
    transport = Counted()
    asking = Asking(transport, Here(), Store(tmp_path), 1)
    first, again = (asking.look(tiny, "ai_edge_litert", ROWS, 2) for _ in range(2))
    assert len(transport.started) == 1
    assert first.logits.shape == (COUNT, 3)
    np.testing.assert_array_equal(first.logits, again.logits)
    np.testing.assert_array_equal(again.logits[:2], again.again)
    assert first.taken == again.taken


def test_answers_of_a_second_process_are_stored_for_each_thread_count(tiny, tmp_path):
    transport = Counted()
    asking = Asking(transport, Here(), Store(tmp_path), 1)
    answers = [
        asking.answer_afresh(tiny, "ai_edge_litert", ROWS[:3], n) for n in (None, 2, None, 2)
    ]
    assert len(transport.started) == 2
    assert all(np.array_equal(answer, answers[0]) for answer in answers)


def test_failed_load_is_stored_and_not_repeated(tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"\0\0\0\0TFL3" + bytes(64))
    transport = Counted()
    asking = Asking(transport, Here(), Store(tmp_path / "store"), 1)
    outcomes = [asking.look(Tiny(broken), "ai_edge_litert", ROWS, 2) for _ in range(2)]
    assert len(transport.started) == 1
    assert outcomes[0].refused
    assert outcomes[0] == outcomes[1]


def test_crash_is_not_stored_and_the_file_is_loaded_again(tiny, tmp_path):
    program = tmp_path / "crash.py"
    program.write_text("import os\nos.abort()\n", encoding="utf-8")
    transport = Counted(program=program)
    asking = Asking(transport, Here(), Store(tmp_path / "store"), 1)
    for _ in range(2):
        outcome = asking.look(tiny, "ai_edge_litert", ROWS, 2)
        assert "was killed by SIGABRT" in str(outcome.error)
        assert not outcome.has_loaded
    assert len(transport.started) == 2


def test_answers_are_not_stored_for_an_unidentified_machine(tiny, tmp_path):
    transport = Counted()
    asking = Asking(transport, Anywhere(), Store(tmp_path), 1)
    for _ in range(2):
        assert asking.look(tiny, "ai_edge_litert", ROWS[:2], 1).has_loaded
    assert len(transport.started) == 2
    assert not list(Path(tmp_path).iterdir())
