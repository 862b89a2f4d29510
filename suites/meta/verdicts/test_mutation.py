"""Surviving mutants are counted, and too many fail the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from models.errors import EdgeproofError
from suites.meta import mutation

if TYPE_CHECKING:
    from pathlib import Path

# Exit codes of mutants. First those that count as noticed: rejected by mypy, killed by a test,
# killed by an error of pytest, by a time limit or by a crash. Then the survivors: alive, without
# tests, and two unexpected codes.
CODES = [37] * 100 + [1] * 89 + [3, 36, 255, -9, -11] + [0, 0, 33, 5, 35, 99]


def write(folder: Path, name: str, codes: list[int | None]) -> None:
    """Write a source file of a checkout, with mutmut 3.8.1's record of its mutants."""
    for path in (folder / name, folder / mutation.MUTANTS / f"{name}.meta"):
        path.parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    names = [f"models.verdicts.sizes.x_size_ratios__mutmut_{at}" for at in range(len(codes))]
    results = {
        "exit_code_by_key": dict(zip(names, codes, strict=True)),
        "hash_by_function_name": {"x_size_ratios": "4648e41b3b01"},
        "type_check_error_by_key": {},
        "durations_by_key": dict.fromkeys(names, 0.5),
        "estimated_durations_by_key": dict.fromkeys(names, 0.001),
    }
    (folder / mutation.MUTANTS / f"{name}.meta").write_text(json.dumps(results), encoding="utf-8")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Enter and return a folder whose configuration allows 4 % of the mutants to survive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["mutation"])
    (tmp_path / mutation.CONFIGURATION).write_text(
        '[tool.edgeproof.mutation]\nsurvivors = "4 %"', encoding="utf-8"
    )
    return tmp_path


def test_mutants_rejected_by_mypy_are_not_counted() -> None:
    assert mutation.judge(CODES, 0.06) == {
        "mutants": 200,
        "refused_by_mypy": 100,
        "caught_by_tests": 94,
        "alive": 6,
        "share": 0.06,
        "share_of_all": 0.03,
    }


def test_too_many_surviving_mutants_are_an_error() -> None:
    message = (
        r"6 of 100 mutants survive, 6.0% \(3.0% with the 100 that mypy refuses\); at most 5.0% "
        r"may\. Read them with mutmut results"
    )
    with pytest.raises(EdgeproofError, match=message):
        mutation.judge(CODES, 0.05)


@pytest.mark.parametrize("codes", [[], [37, 37], [1, None], [1, 2]])
def test_rejects_unfinished_mutation_run(codes: list[int | None]) -> None:
    with pytest.raises(EdgeproofError, match="Run mutmut to its end"):
        mutation.judge(codes, 0.05)


def test_survival_rate_covers_all_files_with_mutants(checkout, capsys) -> None:
    assert mutation.main() == 4
    assert capsys.readouterr().err == "mutants: contains no results of mutmut. Run mutmut run\n"
    write(checkout, "models/verdicts/sizes.py", CODES)
    assert mutation.main() == 1
    assert "tool.edgeproof.mutation.survivors: 6 of 100 mutants survive" in capsys.readouterr().err
    write(checkout, "models/verdicts/trivial_classifiers.py", [1] * 60)
    assert mutation.main() == 0
    assert json.loads(capsys.readouterr().out)["share"] == round(6 / 160, 4)


def test_mutants_of_a_deleted_file_are_ignored(checkout, capsys) -> None:
    write(checkout, "models/verdicts/gone.py", [0])
    write(checkout, "models/verdicts/sizes.py", [1])
    (checkout / "models/verdicts/gone.py").unlink()
    assert mutation.main() == 0
    assert json.loads(capsys.readouterr().out)["mutants"] == 1
