"""Errors, progress and command output neutralize text from outside."""

from __future__ import annotations

import io
import json

import pytest

from models.command_line import answer
from models.errors import EdgeproofError, UsageMistake
from models.files.extensible_tables import as_plain
from models.files.toml_tables import Table, typed
from models.progress import Progress
from models.runtime.failures import ConnectionLost, RunnerDied, RunnerRefused
from models.verdicts.measurement import Measurement
from reports.documents.results import read_results
from suites.meta.foreign_text.payloads import acting_in_a_log, payloads
from suites.meta.reports.runs import document

PAYLOADS = payloads()


class Settings(Table, frozen=True, kw_only=True):
    """A TOML table with one key."""

    rounds: int = 1


@pytest.mark.parametrize("kind", [EdgeproofError, UsageMistake])
def test_error_message_is_one_line_whatever_its_parts_contain(kind) -> None:
    for text in PAYLOADS:
        error = kind(text, file=text, key=text, remedy=text)
        for message in (str(error), *error.describe().values()):
            assert acting_in_a_log(message) == []
            assert message.splitlines() in ([], [message])
        assert str(kind(**error.describe())) == str(error), (
            "told by another process, it is the same"
        )


def test_output_of_a_runner_is_escaped() -> None:
    for text in PAYLOADS:
        errors = [
            RunnerDied(text, text, text, text),
            ConnectionLost(text, text, text, text),
            RunnerRefused(text, text, text),
        ]
        for error in errors:
            assert acting_in_a_log(str(error)) == []
        assert acting_in_a_log(errors[0].stderr) == acting_in_a_log(errors[2].message) == []


def test_key_read_from_a_file_is_escaped_in_the_message(tmp_path) -> None:
    for text in PAYLOADS:
        with pytest.raises(UsageMistake) as caught:
            typed({f"{text}?": 1}, Settings, tmp_path / "settings.toml")
        assert acting_in_a_log(str(caught.value)) == []


def test_unpaired_surrogate_in_json_is_reported_in_one_message(tmp_path) -> None:
    """JSON can contain an unpaired surrogate, and msgspec cannot represent it."""
    file = tmp_path / "results.json"
    for change in ({"\ud83d": 1}, {"tests": [{"id": "a", "outcome": "\ud83d", "seconds": 1}]}):
        file.write_text(json.dumps(as_plain(document()) | change), encoding="utf-8")
        with pytest.raises(EdgeproofError, match=r"results\.json"):
            read_results(file)
    measurement = as_plain(document().measurements[0]) | {"verdict": "\ud83d"}
    with pytest.raises(EdgeproofError, match="measurement"):
        Measurement.from_dict(measurement)


def test_each_progress_message_is_one_line() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    for text in PAYLOADS:
        progress.say(text)
    assert acting_in_a_log(stream.getvalue()) == []
    assert stream.getvalue().count("\n") == len(PAYLOADS)


def test_command_output_is_json_without_terminal_control_characters(capsys) -> None:
    assert answer(lambda: {"labels": PAYLOADS}) == 0
    output = capsys.readouterr().out
    assert json.loads(output) == {"labels": PAYLOADS}
    assert acting_in_a_log(output) == []
