"""Fail if more mutants of models/verdicts survive than pyproject.toml allows.

Run `python -m suites.meta.mutation` after `mutmut run`. Mutants that mypy rejects are not counted,
because no test has to detect them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from models.command_line import Parser, answer
from models.errors import EdgeproofError, UsageMistake
from models.files.toml_tables import read_toml
from models.verdicts.quantities import Unit, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

# mutmut stores the exit code of every mutant in this folder. Its exported counts do not contain the
# mutants that mypy rejects.
MUTANTS = Path("mutants")
CONFIGURATION = Path("pyproject.toml")
KEY = "tool.edgeproof.mutation.survivors"
# Exit codes of mutmut 3.8.1 (mutmut/stats.py); every other code means that the mutant survived.
REFUSED = 37
KILLED = {1, 3}
TIMED_OUT = {-24, 24, 36, 152, 255}
CRASHED = {-11, -9}
NOT_TRIED = {None, 2}


def judge(codes: Iterable[int | None], limit: float) -> dict[str, float]:
    """Return the numbers and shares of mutants by outcome, if few enough survive.

    Args:
        codes: exit code of each mutant; None if it was not tried.
        limit: largest allowed share of survivors among the mutants that mypy accepts.

    Raises:
        EdgeproofError: too many mutants survive, or mutmut did not try all of them.
    """
    outcomes = Counter(codes)
    mutants, refused = outcomes.total(), outcomes[REFUSED]
    tested, untried = mutants - refused, sum(outcomes[code] for code in NOT_TRIED)
    if not tested or untried:
        raise EdgeproofError(
            f"mutmut did not try {untried} of {mutants} mutants", remedy="Run mutmut to its end"
        )
    alive = tested - sum(outcomes[code] for code in KILLED | TIMED_OUT | CRASHED)
    share, of_all = alive / tested, alive / mutants
    if share > limit:
        raise EdgeproofError(
            f"{alive} of {tested} mutants survive, {share:.1%} ({of_all:.1%} with the {refused} "
            f"that mypy refuses); at most {limit:.1%} may",
            file=CONFIGURATION,
            key=KEY,
            remedy="Read them with mutmut results and mutmut show NAME, and test what they change",
        )
    return {
        "mutants": mutants,
        "refused_by_mypy": refused,
        "caught_by_tests": tested - alive,
        "alive": alive,
        "share": round(share, 4),
        "share_of_all": round(of_all, 4),
    }


def main() -> int:
    """Judge the last run of mutmut in this folder; return the exit code."""
    Parser(prog="python -m suites.meta.mutation", description=__doc__).parse_args()
    return answer(lambda: judge(_codes(), _limit()))


def _codes() -> list[int | None]:
    """Return the exit codes of the mutants of all files that still exist."""
    results = [
        path
        for path in sorted(MUTANTS.rglob("*.meta"))
        if path.relative_to(MUTANTS).with_suffix("").is_file()
    ]
    if not results:
        raise UsageMistake("contains no results of mutmut", file=MUTANTS, remedy="Run mutmut run")
    return [
        code
        for path in results
        for code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
    ]


def _limit() -> float:
    limit = read_toml(CONFIGURATION)["tool"]["edgeproof"]["mutation"]["survivors"]
    return parse_quantity(limit, Unit.FRACTION, file=CONFIGURATION, key=KEY)


if __name__ == "__main__":
    sys.exit(main())
