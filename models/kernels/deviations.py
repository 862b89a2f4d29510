"""Read `deviations.toml`, the list of kernels that are known to give wrong answers.

An entry names the operators, kinds of operands, backends, versions and cases that deviate, and the
reason. The smallest deviating case is stored with it. If a backend computes that case correctly,
the entry is out of date, which is an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from models.errors import UsageMistake
from models.files.toml_tables import Table, read_table
from models.flatbuffers.runtimes import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.kernels.case import Family
    from models.runtime.answers import RunnerInfo

FILE = Path(__file__).with_name("deviations.toml")
# Folder of the smallest deviating cases, each named after its entry.
FOLDER = Path(__file__).parent / "deviating"
_RANGE = re.compile(r"(>=|<=|==|<|>)(\d+(?:\.\d+)*)")


class KnownDeviation(Table, frozen=True, kw_only=True):
    """An entry of deviations.toml: kernels that give wrong answers in some cases.

    Attributes:
        name: the name of the entry, and of its smallest case in `deviating/`.
        operators: the operators whose kernels deviate.
        kinds: the kinds of operands; all if empty.
        backends: the backends that deviate.
        versions: versions of the runtime, as ranges such as "==2.3.0" or ">=2.1.6,<2.4".
        machines: types of processors, as printed by `uname -m`; all if empty.
        processors: models of processors as the runner reports them: the model in /proc/cpuinfo, or
            the part number if there is no model; all if empty.
        without: features of processors; the entry applies only to processors with none of them.
        when: by name of a fact, its values in deviating cases; other cases are judged as usual.
        ends: the way in which a case fails: with wrong numbers, or by ending the process.
        reason: a description of the fault.
        link: the address of a page about the fault.
    """

    name: str
    operators: list[str]
    kinds: tuple[str, ...] = ()
    backends: list[str]
    versions: list[str]
    machines: tuple[str, ...] = ()
    processors: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    when: dict[str, list[Any]] = {}  # noqa: RUF012 - msgspec copies the default
    ends: Literal["deviates", "dies", "either"] = "deviates"
    reason: str
    link: str

    def applies_to(self, backend: str, info: RunnerInfo) -> bool:
        """Return whether the entry applies to a backend, in the version that the runner reports."""
        includes_version = any(within(info.runtime_version, versions) for versions in self.versions)
        return includes_version and self.applies_to_some_version(backend, info)

    def applies_to_some_version(self, backend: str, info: RunnerInfo) -> bool:
        """Return whether the entry applies to some version of a backend on the runner's machine."""
        return (
            backend in self.backends
            and (not self.machines or info.machine in self.machines)
            and (not self.processors or info.processor.model in self.processors)
            and not set(self.without) & set(info.processor.features)
        )

    def covers_family(self, operator: str, kind: str) -> bool:
        """Return whether the entry applies to a family."""
        return operator in self.operators and (not self.kinds or kind in self.kinds)

    def explains(self, facts: dict[str, Any], *, died: bool) -> bool:
        """Return whether the entry, which covers the family, explains the deviation in a case."""
        allowed = {"deviates": (False,), "dies": (True,), "either": (False, True)}[self.ends]
        return died in allowed and all(facts.get(key) in some for key, some in self.when.items())


class KnownDeviations(Table, frozen=True, kw_only=True):
    """The content of deviations.toml."""

    deviations: tuple[KnownDeviation, ...] = ()


def known_deviations(file: Path = FILE) -> list[KnownDeviation]:
    """Read the known deviations from a file.

    Raises:
        UsageMistake: an entry is malformed, or two entries have the same name.
    """
    entries = read_table(file, KnownDeviations).deviations
    names = [entry.name for entry in entries]
    for entry in entries:
        if names.count(entry.name) > 1:
            raise UsageMistake(
                f"two entries are called {entry.name!r}",
                file=file,
                remedy="Rename one of the two entries",
            )
        for versions in entry.versions:
            _ranges(versions, file)
    return list(entries)


def within(version: str, ranges: str) -> bool:
    """Return whether a version is within ranges such as ">=2.1.6,<2.4"."""
    own = version_key(version)
    compare = {
        ">=": own.__ge__,
        "<=": own.__le__,
        "==": own.__eq__,
        "<": own.__lt__,
        ">": own.__gt__,
    }
    return all(compare[sign](version_key(limit)) for sign, limit in _RANGE.findall(ranges))


def _ranges(text: str, file: Path) -> None:
    if not all(_RANGE.fullmatch(part) for part in text.split(",")):
        raise UsageMistake(
            f"{text!r} is not a range of versions",
            file=file,
            key="versions",
            remedy='Write one or more ranges, such as ">=2.1.6,<2.4"',
        )


def known_of_other_versions(
    family: Family, info: RunnerInfo, facts: dict[str, Any], *, died: bool
) -> KnownDeviation | None:
    """Return an entry that would explain a case in another version of the runtime, or None."""
    near = [
        deviation
        for deviation in known_deviations()
        if deviation.covers_family(family.operator, family.kind)
        and deviation.applies_to_some_version(info.backend, info)
        and not deviation.applies_to(info.backend, info)
    ]
    return explaining(near, facts, died=died)


def explaining(
    entries: Iterable[KnownDeviation], facts: dict[str, Any], *, died: bool
) -> KnownDeviation | None:
    """Return the first entry that explains a case; None if there is none."""
    return next((entry for entry in entries if entry.explains(facts, died=died)), None)
