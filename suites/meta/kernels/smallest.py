"""Find the smallest case of a known deviation: `python -m suites.meta.kernels.smallest NAME`.

A new entry of `models/kernels/deviations.toml` needs such a case. The program tries cases of the
entry on its first available backend, and stores the smallest case in
`models/kernels/deviating/NAME`.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from typing import TYPE_CHECKING

from hypothesis import assume

from fixtures.backends.kernel_search import search
from models.errors import EdgeproofError
from models.kernels.arithmetic import arithmetic_of
from models.kernels.asking import EMULATED_SECONDS, AskedBackend
from models.kernels.case import Case, Family
from models.kernels.counterexamples import FACTS, SCRIPT, keep
from models.kernels.deviations import FOLDER, KnownDeviation, known_deviations
from models.kernels.families.all_families import FAMILIES
from models.kernels.searching import Judge
from models.store import Store, default_root
from models.targets.common.registry import find_target

if TYPE_CHECKING:
    from models.kernels.choices import Choices
    from models.runtime.transports import Transport

_EXAMPLES = 2000


def _say(text: str) -> None:
    sys.stderr.write(text)


def main() -> int:
    """Find the smallest cases of the named entries; return the exit status."""
    parser = argparse.ArgumentParser(description="Store the smallest case of a known deviation.")
    parser.add_argument(
        "names", nargs="*", help="names of entries; by default, all entries without a case"
    )
    parser.add_argument(
        "--numbers",
        type=int,
        default=1,
        help="minimum number of output values, larger if a kernel leaves values unwritten",
    )
    parser.add_argument(
        "--emulate", help="an emulated board whose backends are used, such as rpi3, or gpu"
    )
    options = parser.parse_args()
    target = find_target(device=None, emulate=options.emulate, target=None)
    transport = target.transport(Store(default_root()), offline=False, say=_say)
    names = options.names
    missing = [
        deviation for deviation in known_deviations() if not (FOLDER / deviation.name).exists()
    ]
    entries = (
        [deviation for deviation in known_deviations() if deviation.name in names]
        if names
        else missing
    )
    lost = [
        entry.name
        for entry in entries
        if not _kept(entry, options.numbers, list(target.backends()), transport)
    ]
    for name in lost:
        sys.stderr.write(f"{name}: no case deviates on an available backend\n")
    return 1 if lost else 0


def _kept(entry: KnownDeviation, numbers: int, here: list[str], transport: Transport) -> bool:
    families = [
        family for family in FAMILIES.values() if entry.covers_family(family.operator, family.kind)
    ]
    for name in (backend_name for backend_name in entry.backends if backend_name in here):
        with AskedBackend(transport, name, EMULATED_SECONDS) as backend:
            for family in families if entry.applies_to(name, backend.info) else ():
                record = search(
                    _only(family, entry, numbers),
                    Judge(backend, arithmetic=arithmetic_of(name)),
                    examples=_EXAMPLES,
                )
                if record.deviating is None:
                    continue
                folder = FOLDER / entry.name
                shutil.rmtree(folder, ignore_errors=True)
                keep(folder, family, backend.info, record.deviating)
                # These two files describe the backend on this machine, not the case.
                (folder / FACTS).unlink()
                (folder / SCRIPT).unlink()
                sys.stdout.write(f"{entry.name}: {record.deviating.deviation.what}\n")
                return True
    return False


def _only(family: Family, entry: KnownDeviation, numbers: int) -> Family:
    """Return a family that draws only cases to which the entry applies.

    The outputs of a case contain at least `numbers` numbers.
    """

    def draw(choices: Choices) -> Case:
        case = family.draw(choices)
        assume(sum(math.prod(output.shape) for output in case.outputs) >= numbers)
        assume(all(case.facts.get(key) in some for key, some in entry.when.items()))
        return case

    return Family(family.operator, family.kind, draw)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeproofError as error:
        sys.exit(str(error))
