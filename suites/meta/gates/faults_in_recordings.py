"""Define faults of an app whose answers are recorded: its tokenizer, kernels and speed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suites.meta.gates.planting import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]

# The profile of a board whose limits apply to the recording.
PROFILE = Path(__file__).with_name("board.toml")


@dataclass(frozen=True, kw_only=True)
class RecordedFault(Fault):
    """A fault of an app, as a change of its recorded answers.

    Attributes:
        change: changes a row of the recording, given its number.
    """

    change: Callable[[int, Row], Row]


def _loses_a_word(at: int, row: Row) -> Row:
    """Remove a word from one text in a hundred, like a port that splits at other blanks."""
    return row | {"ids": [*row["ids"][:1], *row["ids"][2:]]} if at % 100 == 7 else row


def _turned(_at: int, row: Row) -> Row:
    return {**row, "label": {"bad": "fair", "fair": "good", "good": "bad"}[row["label"]]}


def _a_little_off(_at: int, row: Row) -> Row:
    return row | {"logits": [row["logits"][0] + 0.6, *row["logits"][1:]]}


def _two_seconds(_at: int, row: Row) -> Row:
    return row | {"latency_ms": 2000.0}


FAULTS = {
    "an app that splits a text otherwise": RecordedFault(
        gate="suites/tokenization/test_parity.py::test_app_makes_the_same_ids",
        says="6 of 600 texts have different ids; the first is 't7'",
        change=_loses_a_word,
    ),
    "an app that turns the labels around": RecordedFault(
        gate="suites/agreement/test_golden.py::test_labels_agree_with_the_host",
        says="fail: agreement_golden of app",
        change=_turned,
    ),
    "an app whose logits are off": RecordedFault(
        gate="suites/agreement/test_golden.py::test_logits_stay_close_to_the_host",
        says="fail: logit_difference of app",
        change=_a_little_off,
    ),
    "an app that takes two seconds": RecordedFault(
        gate="suites/latency/test_latency.py::test_latency_percentile_is_within_budget",
        only="latency_p90",
        says="board.toml: budgets.latency_p90.max",
        arguments=(f"--edge-device={PROFILE}",),
        change=_two_seconds,
    ),
}
