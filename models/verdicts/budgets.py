"""Read budgets and regression guards, the limits of measurements, from TOML.

The grammar: `[METRIC]` contains `max` or `min` for every scheme; `[METRIC.SCHEME]` contains the
same for one scheme, and takes precedence. SCHEME may be `full_model`. A metric has a `max` if lower
is better, and a `min` if higher is better. `[goal]` limits three metrics together, see
`models.verdicts.goals`.

A budget is what a user needs. A regression guard is an earlier measurement with a margin; guards
have the same grammar, a folder of their own (`limits/guards/`), and a verdict of their own.

Limits in `limits/soundness.toml` apply to every subject whose own budgets do not limit that metric.
An emulated board classifies so few texts that they could not decide a strict limit. So a weaker
limit replaces it: the one in `limits/emulated_budgets.toml`, or for a score the lower end of the
interval that a candidate gets if its score on these texts is exactly the limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models import former_names
from models.errors import UsageMistake
from models.files.toml_tables import ROOT, read_toml, refuse_another_kind, shown_path
from models.verdicts.goals import GOAL, Goal, read_goals
from models.verdicts.intervals import proportion_interval
from models.verdicts.judge import Budget
from models.verdicts.metrics import FULL_MODEL, METRICS, Metric, remedy_for_metric
from models.verdicts.quantities import human, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_LIMITS = Path(__file__).parent / "limits"
FOLDER, GUARDS = _LIMITS / "budgets", _LIMITS / "guards"
EMULATED, SOUNDNESS = _LIMITS / "emulated_budgets.toml", _LIMITS / "soundness.toml"
LIMITS = ("max", "min")
# Scores with limits that depend on the user's task. `lowered` computes their limits for few texts.
SCORES = ("accuracy", "balanced_accuracy", "macro_f1")
# Metrics that an emulated board always measures on few texts, because the host's verdict cannot be
# carried over to the board.
OF_FEW_TEXTS = ("agreement_backends", "agreement_lengths")
# Tolerance for rounding errors: 70 % of 40 texts are 28 texts, even if 0.7 * 40 were slightly less
# in floating point.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Budgets:
    """The budgets of a subject.

    Attributes:
        file: path of the subject's budget file, for messages.
        limits: limits by metric and scheme; the scheme None stands for every scheme.
        few: weaker limits that an emulated board's few texts can decide, by metric and scheme.
        texts: number of texts that an emulated board classifies; None if all are classified.
        goals: joint limits of size, accuracy drop and speed, by scheme; the scheme None stands for
            every scheme.
    """

    file: str
    limits: Mapping[tuple[str, str | None], Budget]
    few: Mapping[tuple[str, str | None], Budget] = field(default_factory=dict)
    texts: int | None = None
    goals: Mapping[str | None, Goal] = field(default_factory=dict)

    def goal(self, scheme: str | None) -> Goal | None:
        """Return the goal of a scheme; None if it has none."""
        return self.goals.get(scheme, self.goals.get(None))

    def limit(self, metric: str, scheme: str) -> Budget | None:
        """Return the limit of a metric for a scheme; None if it has none."""
        own = _of(self.limits, metric, scheme)
        of_few = _of(self.few, metric, scheme)
        if own is not None and of_few is None and self.texts is not None and metric in SCORES:
            return lowered(own, self.texts)
        if own is None or of_few is None:
            return own
        return of_few if of_few.keeps(own.value) else own


def lowered(own: Budget, texts: int) -> Budget:
    """Return a score's limit, lowered so far that few texts can decide it.

    The result is the lower end of the exact interval of a candidate that scores exactly the limit
    on these texts.

    Args:
        own: the limit of the score.
        texts: number of texts that are classified.
    """
    right = math.floor(own.value * texts + _ROUNDING)
    low, _ = proportion_interval(right, texts)
    text = f"{100 * low:.4g} % ({own.text}, lowered for only {texts} texts)"
    return replace(own, value=low, text=text)


def _of(limits: Mapping[tuple[str, str | None], Budget], metric: str, scheme: str) -> Budget | None:
    own = limits.get((metric, scheme))
    return limits.get((metric, None)) if own is None else own


def budget_names() -> list[str]:
    """Return the names of the budgets that ship with edgeproof, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def guard_names() -> list[str]:
    """Return the names of the regression guards that ship with edgeproof, sorted."""
    return sorted(path.stem for path in GUARDS.glob("*.toml"))


def guards_beside(budgets: str) -> str | None:
    """Return the name of the guards that belong to shipped budgets; None if there are none.

    Args:
        budgets: path of the budget file, as in messages.
    """
    path = ROOT / budgets
    return path.stem if path.parent == FOLDER and path.stem in guard_names() else None


def load_guards(
    name_or_path: str,
    *,
    schemes: Collection[str],
    classes: int,
    key: str = "--edge-guards",
    emulated: int | None = None,
) -> Budgets:
    """Load shipped regression guards by name, or any TOML file by its path.

    Args:
        name_or_path: "embedded", or the path of a file that ends in .toml.
        schemes: all known names of schemes; other names are errors.
        classes: number of the subject's labels.
        key: the option or key that contains the name, for messages.
        emulated: see `load_budgets`; guards of scores are lowered in the same way.

    Raises:
        UsageMistake: the file does not exist, or something in it is wrong.
    """
    path = _file_of(name_or_path, GUARDS, guard_names(), "guards", key)
    names = [*schemes, FULL_MODEL]
    of_few = _limits(EMULATED, names, classes) if emulated is not None else {}
    return Budgets(
        shown_path(path),
        _as_guards(_limits(path, names, classes)),
        few=_as_guards(of_few),
        texts=emulated,
    )


def _as_guards(
    limits: Mapping[tuple[str, str | None], Budget],
) -> dict[tuple[str, str | None], Budget]:
    return {of: replace(limit, guards=True) for of, limit in limits.items()}


def load_budgets(  # noqa: PLR0913 - callers pass all but the file by name
    name_or_path: str,
    *,
    schemes: Collection[str],
    classes: int,
    key: str = "--edge-budgets",
    emulated: int | None = None,
    carried: bool = False,
) -> Budgets:
    """Load shipped budgets by name, or any TOML file by its path.

    Args:
        name_or_path: "embedded", or the path of a file that ends in .toml.
        schemes: all known names of schemes; other names are errors.
        classes: number of the subject's labels; guessing scores 1 / classes.
        key: the option or key that contains the name, for messages.
        emulated: number of texts that an emulated board classifies; None if none is emulated.
        carried: whether a host's verdicts are carried over to the board. If so, the subject's own
            limits apply to the board, except for the metrics in `OF_FEW_TEXTS`.

    Raises:
        UsageMistake: the file does not exist, something in it is wrong, or it contains no limit, so
            that everything would pass.
    """
    path = _file_of(name_or_path, FOLDER, budget_names(), "budgets", key)
    names = [*schemes, FULL_MODEL]
    own = _limits(path, names, classes)
    goals = _goals(path, names)
    if not (own or goals):
        raise UsageMistake(
            "contains no budget, so almost nothing would be judged",
            file=shown_path(path),
            remedy='Limit at least one metric, such as [accuracy_drop] with max = "2 points"',
        )
    limited = {metric for metric, _ in own}
    common = _limits(SOUNDNESS, names, classes)
    of_few = _limits(EMULATED, names, classes) if emulated is not None else {}
    return Budgets(
        shown_path(path),
        {key: common[key] for key in common if key[0] not in limited} | own,
        few={of: limit for of, limit in of_few.items() if not carried or of[0] in OF_FEW_TEXTS},
        texts=None if carried else emulated,
        goals=goals,
    )


def _file_of(name_or_path: str, folder: Path, names: list[str], noun: str, key: str) -> Path:
    """Return the path of a budget or guard file that is given by its shipped name or as a path."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return path
    if name_or_path not in names:
        raise UsageMistake(
            f"no {noun} are called {name_or_path!r}",
            key=key,
            remedy=f"Give one of {', '.join(names)}, or the path of a TOML file",
        )
    return folder / f"{name_or_path}.toml"


def sound(metric: str, schemes: Collection[str]) -> Budget:
    """Return the limit of a metric in `limits/soundness.toml`, which applies to every subject.

    Args:
        metric: name of a metric that `limits/soundness.toml` limits for every scheme.
        schemes: all known names of schemes.
    """
    return _limits(SOUNDNESS, schemes, classes=2)[metric, None]


def _limits(
    path: Path, schemes: Collection[str], classes: int
) -> dict[tuple[str, str | None], Budget]:
    """Return the limits in one file, by metric and scheme."""
    reader, tables = _Reader(shown_path(path), schemes, classes), read_toml(path)
    refuse_another_kind(tables, (*METRICS, GOAL), path)
    return {
        (name, scheme): budget
        for name, table in tables.items()
        if name != GOAL
        for scheme, budget in reader.metric(name, table)
    }


def _goals(path: Path, schemes: Collection[str]) -> dict[str | None, Goal]:
    """Return the goals in one file, by scheme."""
    tables = read_toml(path)
    if GOAL not in tables:
        return {}
    return read_goals(tables[GOAL], file=shown_path(path), schemes=schemes)


@dataclass(frozen=True)
class _Reader:
    """The reader of the tables in one file; its error messages name the file."""

    file: str
    schemes: Collection[str]
    classes: int

    def metric(self, name: str, table: object) -> list[tuple[str | None, Budget]]:
        """Return the limits of one `[METRIC]` table, with their schemes."""
        if name not in METRICS:
            raise self._mistake(f"no metric is called {name!r}", name, remedy_for_metric(name))
        metric, entries = METRICS[name], self._table(name, table)
        limits: list[tuple[str | None, Budget]] = []
        general = {key: value for key, value in entries.items() if not isinstance(value, dict)}
        if general or not entries:
            limits.append((None, self._limit(metric, general, name)))
        for scheme, own in entries.items():
            if isinstance(own, dict):
                key = f"{name}.{scheme}"
                if scheme not in self.schemes:
                    raise self._mistake(
                        f"no scheme is called {scheme!r}",
                        key,
                        former_names.remedy_for(
                            scheme,
                            former_names.SCHEMES,
                            f"Known schemes: {', '.join(self.schemes)}",
                        ),
                    )
                limits.append((scheme, self._limit(metric, own, key)))
        return limits

    def _limit(self, metric: Metric, entries: Mapping[str, object], table: str) -> Budget:
        """Return the limit in a metric's TOML table, which contains exactly one."""
        side: Literal["max", "min"] = "max" if metric.better == "lower" else "min"
        for name in entries:
            if name != side:
                problem = (
                    f"is the wrong kind of limit for {metric.name}"
                    if name in LIMITS
                    else "is not a key of a budget"
                )
                raise self._mistake(
                    f"{name!r} {problem}",
                    f"{table}.{name}",
                    f"Give {side!r}, because {metric.better} is better",
                )
        if not entries:
            raise self._mistake("contains no limit", table, f"Give {side!r}, or remove the table")
        text, key = entries[side], f"{table}.{side}"
        value = parse_quantity(
            text, metric.unit, difference=metric.difference, file=self.file, key=key
        )
        self._check(metric, value, str(text), key)
        return Budget(metric.name, side, value, str(text), self.file, key)

    def _check(self, metric: Metric, value: float, text: str, key: str) -> None:
        """Reject a limit that no value keeps, that every value keeps, or that guessing keeps."""
        if not metric.low <= value <= metric.high:
            low, high = (
                human(end, metric.unit, difference=metric.difference) for end in metric[3:5]
            )
            raise self._mistake(
                f"{text!r} is outside the range of {metric.name}",
                key,
                f"Give a limit between {low} and {high}",
            )
        worst = metric.high if metric.better == "lower" else metric.low
        if value == worst:
            raise self._mistake(
                f"{text!r} limits nothing: every possible value of {metric.name} meets this limit",
                key,
                "Give a limit that can be exceeded, or remove the limit",
            )
        if metric.has_chance and value < 1.0 / self.classes:
            raise self._mistake(
                f"{text!r} is below chance, which is {human(1.0 / self.classes, metric.unit)} "
                f"for {self.classes} labels",
                key,
                'Give a limit that guessing cannot reach; write percentages like "98 %"',
            )

    def _table(self, name: str, table: object) -> Mapping[str, object]:
        if not isinstance(table, dict):
            raise self._mistake(
                f"is {table!r}, not a table", name, f"Write a table [{name}] with a limit in it"
            )
        return table

    def _mistake(self, problem: str, key: str, remedy: str) -> UsageMistake:
        return UsageMistake(problem, file=self.file, key=key, remedy=remedy)
