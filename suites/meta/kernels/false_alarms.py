"""Count false alarms: `python -m suites.meta.kernels.false_alarms --examples 100000`."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from typing import TYPE_CHECKING

from models.kernels.arithmetic import PROCESSOR
from models.kernels.choices import RandomChoices
from models.kernels.families.all_families import FAMILIES
from models.kernels.searching import judged
from suites.meta.kernels.right_kernels import ORDERS, RightKernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.kernels.arithmetic import Arithmetic

KERNELS = [RightKernel(order, twice) for order, twice in product(ORDERS, (False, True))]


def false_alarms(
    examples: int,
    start: int = 0,
    *,
    kernels: Sequence[RightKernel] = KERNELS,
    arithmetic: Arithmetic = PROCESSOR,
) -> tuple[int, list[str]]:
    """Judge correct kernels on random cases, where each deviation is a false alarm.

    Args:
        examples: number of cases.
        start: the first seed.
        kernels: the kernels, which are used in turn.
        arithmetic: arithmetic that defines their error bounds.

    Returns:
        The number of judged cases, and a description of each false alarm.
    """
    examples_asked, alarms = 0, []
    for name, seed in _cases(start, kernels[0]):
        case = FAMILIES[name].draw(RandomChoices(seed))
        kernel = kernels[seed % len(kernels)]
        if not kernel.has(case.graph):
            continue
        wrong = judged(case, kernel.answer(case), arithmetic)
        if wrong is not None:
            alarms.append(f"{name}, seed {seed}, {kernel}: {wrong.what}")
        examples_asked += 1
        if examples_asked == examples:
            break
    return examples_asked, alarms


def _cases(start: int, kernel: RightKernel) -> Iterator[tuple[str, int]]:
    # Families that the kernel implements, according to the graphs of five seeds. For other
    # families, the loop below would never find a case.
    answered = [
        name
        for name, family in FAMILIES.items()
        if any(kernel.has(family.draw(RandomChoices(seed)).graph) for seed in range(5))
    ]
    seed = start
    while True:
        for name in answered:
            yield name, seed
        seed += 1


def main() -> int:
    """Count the false alarms; return exit status 1 if there was one."""
    parser = argparse.ArgumentParser(
        description="Judge correct kernels, which must keep every error bound."
    )
    parser.add_argument("--examples", type=int, default=100_000, help="number of cases")
    examples_asked, alarms = false_alarms(parser.parse_args().examples)
    for alarm in alarms[:20]:
        sys.stdout.write(f"{alarm}\n")
    sys.stdout.write(f"{len(alarms)} false alarms in {examples_asked:,} examples\n")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
