"""Fails where more mutants of models/verdicts live than pyproject.toml allows.

`python -m suites.meta.mutation`, after `mutmut run` and `mutmut export-cicd-stats`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from models.commands import Parser, answer
from models.errors import EdgeproofError, UsageMistake
from models.tables import read_toml
from models.verdicts.quantities import Unit, parse_quantity

STATS = Path("mutants/mutmut-cicd-stats.json")
CONFIGURATION = Path("pyproject.toml")
KEY = "tool.edgeproof.mutation.survivors"
# How a mutant dies: by a test, by what it does to its process, or by mypy, which lint runs, too.
DEAD = ("killed", "timeout", "segfault", "caught_by_type_check")


def judge(stats: dict[str, int], limit: float) -> dict[str, float]:
    """What became of the mutants, as a document.

    Args:
        stats: how many mutants there are of each kind, as mutmut counts them.
        limit: the largest share that may live.

    Raises:
        EdgeproofError: too many live, or mutmut did not try them all.
    """
    mutants, dead = stats["total"], sum(stats[kind] for kind in DEAD)
    if not mutants or stats["not_checked"] or stats["check_was_interrupted_by_user"]:
        raise EdgeproofError(
            f"{mutants} mutants, {stats['not_checked']} not tried", remedy="Run mutmut to its end"
        )
    alive = mutants - dead
    if alive > limit * mutants:
        raise EdgeproofError(
            f"{alive} of {mutants} mutants live, {alive / mutants:.1%}; at most {limit:.1%} may",
            file=CONFIGURATION,
            key=KEY,
            remedy="Read them with mutmut results and mutmut show NAME, and test what they change",
        )
    return {"mutants": mutants, "dead": dead, "alive": alive, "share": round(alive / mutants, 4)}


def main() -> int:
    """Judge the last run of mutmut in this folder; the exit code."""
    Parser(prog="python -m suites.meta.mutation", description=__doc__).parse_args()
    return answer(lambda: judge(_stats(), _limit()))


def _stats() -> dict[str, int]:
    try:
        counted: dict[str, int] = json.loads(STATS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageMistake(
            "no such file", file=STATS, remedy="Run mutmut run, then mutmut export-cicd-stats"
        ) from None
    return counted


def _limit() -> float:
    written = read_toml(CONFIGURATION)["tool"]["edgeproof"]["mutation"]["survivors"]
    return parse_quantity(written, Unit.FRACTION, file=CONFIGURATION, key=KEY)


if __name__ == "__main__":
    sys.exit(main())
