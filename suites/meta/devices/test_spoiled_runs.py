"""What the sensors say around a measurement reaches its verdict, in whole runs."""

from __future__ import annotations

import pytest

from models.devices.profile import FOLDER, HOST
from models.devices.recognition import recognize
from suites.meta.gates.running import run

pytestmark = pytest.mark.skipif(recognize().device != HOST, reason="this machine is a board")
TIMED = ("suites/latency/test_throughput.py", "suites/latency/test_cold_start.py")


@pytest.fixture
def judged_by(miniature, tmp_path):
    """A function that judges the miniature by a profile: `judged_by({old text: new text})`."""

    def judged(changes):
        text = (FOLDER / f"{HOST}.toml").read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        arguments = [f"--edge-device={tmp_path / 'mine.toml'}", "--edge-schemes=float32"]
        return run(miniature, tmp_path / "reports", TIMED, arguments)

    return judged


def taken(outcome, metric):
    (one,) = [each for each in outcome.results()["measurements"] if each["metric"] == metric]
    return one


def test_what_is_measured_in_wrong_circumstances_is_invalid_not_slow(judged_by):
    outcome = judged_by({'"500 MiB"': '"500000 GiB"'})
    for metric in ("tweets_per_second", "cold_start"):
        one = taken(outcome, metric)
        assert one["verdict"] == "invalid", outcome.output
        assert "of memory were available" in one["reason"]
    assert outcome.code == pytest.ExitCode.TESTS_FAILED


def test_a_device_has_budgets_of_its_own(judged_by):
    outcome = judged_by({'min = "20 tweets/s"': 'min = "9000000 tweets/s"'})
    one = taken(outcome, "tweets_per_second")
    assert (one["verdict"], one["device"]) == ("fail", "mine")
    assert one["budget"]["source"].endswith("mine.toml: budgets.tweets_per_second.min")


def test_a_time_carries_its_circumstances_and_what_reading_them_cost(judged_by):
    one = taken(judged_by({}), "tweets_per_second")
    (circumstances,) = one["details"]["circumstances"]
    assert circumstances["readings"] >= 2
    assert circumstances["before"]["load"] >= 0
    assert circumstances["after"]["memory_available"] > 0
    assert 0 <= circumstances["cost"] < 1
