"""Documents of earlier versions of results.json, as this version says the same.

A step for each version, from the one before it. Ids of tests stay as they were: they are
those of the commit that the run names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import former

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # Takes a document and returns it as the next version says it.
    Step = Callable[[dict[str, Any]], dict[str, Any]]

# Of a text whose label flipped: how version 1 calls its place and its group.
_FLIPS = {"tweet": "row", "entity": "group"}
# What versions 1 and 2 call the backends of a run.
_CIRCUMSTANCES = {
    "runtime": "backend",
    "runtimes": "backends",
    "absent_runtimes": "absent_backends",
}


def migrated(document: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return a document of an earlier version as a document of a later one.

    Args:
        document: of a version from 1 to `version`; it is left as it is.
        version: of the document that is returned.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it does not keep the contract of its own
            version.
    """
    now = dict(document)
    for step in _STEPS[int(now["schema"]) - 1 : version - 1]:
        now = step(now) | {"schema": int(now["schema"]) + 1}
    return now


def _to_2(old: dict[str, Any]) -> dict[str, Any]:
    """Rename tweets to texts and entities to groups; tell measured tests from skipped ones."""
    judged: dict[str, bool] = {}
    for measurement in old["measurements"]:
        judged[measurement["test"]] = (
            judged.get(measurement["test"], False) or measurement["verdict"] is not None
        )
    return old | {
        "run": _run(old["run"], _localization_to_2),
        "measurements": [_measurement_to_2(measurement) for measurement in old["measurements"]],
        "tests": [
            test | {"outcome": "recorded"}
            if test["outcome"] == "skipped" and judged.get(test["id"]) is False
            else test
            for test in old["tests"]
        ],
    }


def _localization_to_2(one: dict[str, Any]) -> dict[str, Any]:
    renamed = _renamed(one, former.TAKEN)
    return renamed | {"flips": [_renamed(flip, _FLIPS) for flip in one["flips"]]}


def _measurement_to_2(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"metric": former.METRICS.get(one["metric"], one["metric"])}


def _to_3(old: dict[str, Any]) -> dict[str, Any]:
    """Rename runtimes to backends."""
    merged = old["run"].get("merged")
    parts = None if merged is None else [_circumstances_to_3(one) for one in merged]
    run = old["run"] if parts is None else old["run"] | {"merged": parts}
    return _circumstances_to_3(old) | {
        "run": run,
        "measurements": [_measurement_to_3(measurement) for measurement in old["measurements"]],
    }


def _circumstances_to_3(old: dict[str, Any]) -> dict[str, Any]:
    return old | {"circumstances": _renamed(old["circumstances"], _CIRCUMSTANCES)}


def _measurement_to_3(one: dict[str, Any]) -> dict[str, Any]:
    metric = former.METRICS.get(one["metric"], one["metric"])
    return _renamed(one, former.MEASURED) | {"metric": metric}


def _to_4(old: dict[str, Any]) -> dict[str, Any]:
    """Call a test measured that was called recorded, rename schemes and files of limits.

    Nothing was guarded before.
    """
    measured = {"outcome": "measured"}
    tests = [test | measured if test["outcome"] == "recorded" else test for test in old["tests"]]
    return _subject_to_4(old) | {
        "measurements": [
            _with_scheme(measurement, "scheme")
            | {"budget": _budget_to_4(measurement), "guard": None}
            for measurement in old["measurements"]
        ],
        "tests": tests,
    }


def _subject_to_4(old: dict[str, Any]) -> dict[str, Any]:
    """Rename schemes where a document, or a run that is merged in it, lists them."""
    run, subject = dict(old["run"]), old["subject"]
    for part, key in (("localizations", "scheme"), ("backends", "candidate")):
        if part in run:
            run[part] = [_with_scheme(one, key) for one in run[part]]
    if "backends" in run:
        run["backends"] = [_cell_to_4(cell) for cell in run["backends"]]
    if "other_schemes" in run.get("extent", ()):
        asked = run["extent"]
        run["extent"] = asked | {"other_schemes": _schemes_of_today(asked["other_schemes"])}
    if run.get("merged") is not None:
        run["merged"] = [_subject_to_4(one) for one in run["merged"]]
    return old | {
        "circumstances": _circumstances_to_4(old["circumstances"]),
        "run": run,
        "subject": subject | {"schemes": _schemes_of_today(subject["schemes"])},
    }


def _budget_to_4(measurement: dict[str, Any]) -> dict[str, Any] | None:
    """Return the budget of a measurement, its file by the name of today."""
    budget: dict[str, Any] | None = measurement["budget"]
    return None if budget is None else budget | {"source": _file_of_today(budget["source"])}


def _circumstances_to_4(old: dict[str, Any]) -> dict[str, Any]:
    """Name the file of the budgets as today."""
    return old | {"budgets": _file_of_today(old["budgets"])} if old.get("budgets") else old


def _file_of_today(named: str) -> str:
    """Return a text that begins with the path of a limit that ships, with its path of today."""
    for old, new in former.LIMITS.items():
        if named.startswith(old):
            return new + named.removeprefix(old)
    return named


def _cell_to_4(cell: dict[str, Any]) -> dict[str, Any]:
    """Name the signal that ended a backend, and leave out that a failure is one.

    Both stood in the reason alone.
    """
    why = cell.get("why", "").removeprefix("fail: ")
    killed = "was killed by "
    return cell | {"why": why, "signal": why[len(killed) :] if why.startswith(killed) else ""}


def _with_scheme(one: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a table whose key holds the name of a scheme, by its name of today."""
    return one | {key: former.SCHEMES.get(one[key], one[key])}


def _schemes_of_today(schemes: list[str]) -> list[str]:
    return [former.SCHEMES.get(name, name) for name in schemes]


def _run(old: dict[str, Any], localization: Step) -> dict[str, Any]:
    """Return what a document says of its run, and of those that are merged in it."""
    new = dict(old)
    if "localizations" in old:
        new["localizations"] = [localization(one) for one in old["localizations"]]
    if old.get("merged") is not None:
        new["merged"] = [one | {"run": _run(one["run"], localization)} for one in old["merged"]]
    return new


def _renamed(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a table whose keys have their names of today, in their order."""
    return {names.get(key, key): value for key, value in table.items()}


_STEPS: tuple[Step, ...] = (_to_2, _to_3, _to_4)
