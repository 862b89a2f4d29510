"""Read the limits of emulated boards from measured values and margins.

One TOML file for each subject contains the measured values and their evidence. A limit is a
measured value times the file's margin, so that it changes only with a new measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from models.errors import UsageMistake
from models.files.toml_tables import Table, read_table, shown_path
from models.verdicts.judge import Budget
from models.verdicts.metrics import METRICS
from models.verdicts.quantities import Unit, human, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).parent / "emulated"

Count = Annotated[int, Meta(ge=1)]
Factor = Annotated[float, Meta(ge=1.0)]
Difference = Annotated[float, Meta(ge=0.0)]
# Metric, scheme, backend (None for every backend), core.
LimitKey = tuple[str, str, str | None, str]


class EvidenceTable(Table, frozen=True, kw_only=True):
    """`[evidence]`: the versions of packages and the host's processor during the measurement."""

    emulator: str
    counter: str
    host: str
    wheels: dict[str, str]


class MarginsTable(Table, frozen=True, kw_only=True):
    """`[margins]`: the allowed multiple of the measured values."""

    instructions: Factor
    logit_difference: Factor


class AnswersTable(Table, frozen=True, kw_only=True):
    """`[[answers]]`: a scheme's answers, compared with those of the same backend on the host.

    `agreement` and `logit_difference` were measured on a number of `texts`. `agreement_min` is the
    limit of the agreement on the few texts of an emulated run, as a percentage. `logit_difference`
    is omitted if all bits were equal, because a multiple of 0 would not be a usable limit; in this
    case the limit of the regression guards applies. `reference_difference` was measured on a few
    texts, with reference kernels on both sides; 0 requires equal bits.
    """

    backend: str
    scheme: str
    cores: tuple[str, ...]
    texts: Count
    agreement: Annotated[float, Meta(ge=0.0, le=1.0)]
    agreement_min: str
    reference_difference: Difference
    logit_difference: Difference | None = None


class InstructionsTable(Table, frozen=True, kw_only=True):
    """`[[instructions]]`: the measured instructions of one answer of a scheme, by core."""

    backend: str
    scheme: str
    seen: dict[str, Count]


class SharesTable(Table, frozen=True, kw_only=True):
    """`[[shares]]`: the shares of multiplications that a scheme promises, as percentages.

    These shares are budgets, while measured values with a margin are regression guards.

    `dot_product_cores` are those of `cores` with instructions for dot products.
    """

    scheme: str
    cores: tuple[str, ...]
    integer_multiply_share: str
    dot_product_cores: tuple[str, ...]
    dot_product_share: str


class ExpectedTable(Table, frozen=True, kw_only=True):
    """The content of the file of one subject."""

    evidence: EvidenceTable
    margins: MarginsTable
    answers: tuple[AnswersTable, ...]
    instructions: tuple[InstructionsTable, ...]
    shares: tuple[SharesTable, ...]


@dataclass(frozen=True)
class Expected:
    """The limits of one subject on emulated boards.

    Attributes:
        file: path of the file, for messages.
        table: content of the file.
        limits: limits by metric, scheme, backend and core; None as backend means every backend.
    """

    file: str
    table: ExpectedTable
    limits: Mapping[LimitKey, Budget]

    def limit(self, metric: str, *, scheme: str, backend: str, core: str) -> Budget | None:
        """Return the limit of a metric; None if the metric was not measured."""
        own = self.limits.get((metric, scheme, backend, core))
        return self.limits.get((metric, scheme, None, core)) if own is None else own


def load_expected(subject: str) -> Expected | None:
    """Load the limits of a subject; return None if the subject was not measured.

    Raises:
        UsageMistake: the file is not valid; the message names file and key.
    """
    path = FOLDER / f"{subject}.toml"
    return read_expected(path) if path.is_file() else None


def read_expected(path: Path) -> Expected:
    """Read the file with the limits of one subject.

    Raises:
        UsageMistake: the file is not valid; the message names file and key.
    """
    table = read_table(path, ExpectedTable)
    file = shown_path(path)
    limits: dict[LimitKey, Budget] = {}
    for place, budget in _limits(table, file):
        if place in limits:
            raise UsageMistake(
                f"gives {budget.metric} for {place[1]} on {place[3]} twice",
                file=file,
                key=budget.key,
                remedy="Remove one of the two",
            )
        limits[place] = budget
    return Expected(file, table, limits)


def _limits(table: ExpectedTable, file: str) -> Iterator[tuple[LimitKey, Budget]]:
    """Yield every limit with its metric, scheme, backend and core."""
    for index, answers in enumerate(table.answers):
        for budget in _of_answers(answers, table.margins, file, f"answers[{index}]"):
            for core in answers.cores:
                yield (budget.metric, answers.scheme, answers.backend, core), budget
    for index, counts in enumerate(table.instructions):
        for core, count in counts.seen.items():
            key = f"instructions[{index}].seen.{core}"
            budget = _times("instructions", count, table.margins.instructions, file, key)
            yield (budget.metric, counts.scheme, counts.backend, core), budget
    for index, shares in enumerate(table.shares):
        for metric, cores in (
            ("integer_multiply_share", shares.cores),
            ("dot_product_share", shares.dot_product_cores),
        ):
            budget = _share(metric, getattr(shares, metric), file, f"shares[{index}].{metric}")
            for core in cores:
                yield (metric, shares.scheme, None, core), budget


def _of_answers(table: AnswersTable, margins: MarginsTable, file: str, key: str) -> list[Budget]:
    margin = margins.logit_difference
    return [
        _share("agreement_golden", table.agreement_min, file, f"{key}.agreement_min", guards=True),
        *(
            _times(name, seen, margin, file, f"{key}.{name}")
            for name in ("logit_difference", "reference_difference")
            if (seen := getattr(table, name)) is not None
        ),
    ]


def _share(metric: str, limit: str, file: str, key: str, *, guards: bool = False) -> Budget:
    value = parse_quantity(limit, Unit.FRACTION, file=file, key=key)
    return Budget(metric, "min", value, limit, file, key, guards=guards)


def _times(metric: str, value_seen: float, margin: float, file: str, key: str) -> Budget:
    value, unit = value_seen * margin, METRICS[metric].unit
    text = (
        f"{human(value, unit)} ({margin:g} times the {human(value_seen, unit)} that were measured)"
    )
    return Budget(metric, "max", value, text, file, key, guards=True)
