"""Mutants: what lives is counted, and too many of them fail the run that made them."""

from __future__ import annotations

import json

import pytest

from models.errors import EdgeproofError
from suites.meta import mutation

STATS = {
    "total": 100,
    "killed": 60,
    "caught_by_type_check": 30,
    "timeout": 4,
    "segfault": 1,
    "survived": 4,
    "no_tests": 1,
    "not_checked": 0,
    "check_was_interrupted_by_user": 0,
}


def test_what_neither_tests_nor_types_catch_is_alive() -> None:
    found = mutation.judge(STATS, 0.05)
    assert found == {"mutants": 100, "dead": 95, "alive": 5, "share": 0.05}


def test_too_many_are_an_error() -> None:
    with pytest.raises(EdgeproofError, match=r"5 of 100 mutants live, 5.0%; at most 4.0% may"):
        mutation.judge(STATS, 0.04)


@pytest.mark.parametrize("change", [{"not_checked": 3}, {"total": 0}])
def test_a_run_that_has_not_ended_is_no_result(change: dict[str, int]) -> None:
    with pytest.raises(EdgeproofError, match="Run mutmut to its end"):
        mutation.judge(STATS | change, 0.05)


def test_the_limit_is_the_configuration_s(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["mutation"])
    (tmp_path / mutation.CONFIGURATION).write_text(
        '[tool.edgeproof.mutation]\nsurvivors = "4 %"', encoding="utf-8"
    )
    assert mutation.main() == 4
    assert "Run mutmut run" in capsys.readouterr().err
    (tmp_path / mutation.STATS).parent.mkdir()
    (tmp_path / mutation.STATS).write_text(json.dumps(STATS), encoding="utf-8")
    assert mutation.main() == 1
    assert "tool.edgeproof.mutation.survivors: 5 of 100 mutants live" in capsys.readouterr().err
