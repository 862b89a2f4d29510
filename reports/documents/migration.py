"""Convert documents of earlier versions of results.json into this version.

For each version there is one step, which converts a document of the version before. Ids of tests
are not changed: they remain the ids at the commit of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import former_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # Converts a document into one of the next version.
    Step = Callable[[dict[str, Any]], dict[str, Any]]

# Current names of keys that version 1 uses for a text with a flipped label.
_FLIPS = {"tweet": "row", "entity": "group"}
# Current names of keys that versions 1 and 2 use for the backends of a run.
_CIRCUMSTANCES = {
    "runtime": "backend",
    "runtimes": "backends",
    "absent_runtimes": "absent_backends",
}


def migrated(document: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return a document of an earlier version as a document of a later one.

    Args:
        document: a document of a version from 1 to `version`; it is not changed.
        version: version of the returned document.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the document is not valid in its version.
    """
    now = dict(document)
    for step in _STEPS[int(now["schema"]) - 1 : version - 1]:
        now = step(now) | {"schema": int(now["schema"]) + 1}
    return now


def _to_2(old: dict[str, Any]) -> dict[str, Any]:
    """Convert a document of version 1 into one of version 2.

    Rename tweets to texts and entities to groups, and mark skipped tests that measured a number as
    `recorded`.
    """
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


def _localization_to_2(localization: dict[str, Any]) -> dict[str, Any]:
    renamed = _renamed(localization, former_names.TAKEN)
    return renamed | {"flips": [_renamed(flip, _FLIPS) for flip in localization["flips"]]}


def _measurement_to_2(measurement: dict[str, Any]) -> dict[str, Any]:
    return measurement | {
        "metric": former_names.METRICS.get(measurement["metric"], measurement["metric"])
    }


def _to_3(old: dict[str, Any]) -> dict[str, Any]:
    """Convert a document of version 2 into one of version 3: rename runtimes to backends."""
    merged = old["run"].get("merged")
    parts = None if merged is None else [_circumstances_to_3(run) for run in merged]
    run = old["run"] if parts is None else old["run"] | {"merged": parts}
    return _circumstances_to_3(old) | {
        "run": run,
        "measurements": [_measurement_to_3(measurement) for measurement in old["measurements"]],
    }


def _circumstances_to_3(old: dict[str, Any]) -> dict[str, Any]:
    return old | {"circumstances": _renamed(old["circumstances"], _CIRCUMSTANCES)}


def _measurement_to_3(measurement: dict[str, Any]) -> dict[str, Any]:
    metric = former_names.METRICS.get(measurement["metric"], measurement["metric"])
    return _renamed(measurement, former_names.MEASURED) | {"metric": metric}


def _to_4(old: dict[str, Any]) -> dict[str, Any]:
    """Convert a document of version 3 into one of version 4.

    Change the outcome `recorded` to `measured`, and rename schemes and budget files. Earlier
    versions had no regression guards.
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
    """Rename schemes in the lists of a document and of the runs merged in it."""
    run, subject = dict(old["run"]), old["subject"]
    for part, key in (("localizations", "scheme"), ("backends", "candidate")):
        if part in run:
            run[part] = [_with_scheme(row, key) for row in run[part]]
    if "backends" in run:
        run["backends"] = [_cell_to_4(cell) for cell in run["backends"]]
    if "other_schemes" in run.get("extent", ()):
        extent = run["extent"]
        run["extent"] = extent | {"other_schemes": _schemes_of_today(extent["other_schemes"])}
    if run.get("merged") is not None:
        run["merged"] = [_subject_to_4(part) for part in run["merged"]]
    return old | {
        "circumstances": _circumstances_to_4(old["circumstances"]),
        "run": run,
        "subject": subject | {"schemes": _schemes_of_today(subject["schemes"])},
    }


def _budget_to_4(measurement: dict[str, Any]) -> dict[str, Any] | None:
    """Return a measurement's budget, with the old name of its file replaced by the current one."""
    budget: dict[str, Any] | None = measurement["budget"]
    return None if budget is None else budget | {"source": _file_of_today(budget["source"])}


def _circumstances_to_4(old: dict[str, Any]) -> dict[str, Any]:
    """Replace the old name of a budget file by its current name."""
    return old | {"budgets": _file_of_today(old["budgets"])} if old.get("budgets") else old


def _file_of_today(path: str) -> str:
    """Return the current path of a shipped budget or guard file; leave other paths unchanged."""
    for old, new in former_names.LIMITS.items():
        if path.startswith(old):
            return new + path.removeprefix(old)
    return path


def _cell_to_4(cell: dict[str, Any]) -> dict[str, Any]:
    """Move a signal's name from the reason into its own key, and remove the prefix "fail: "."""
    reason = cell.get("why", "").removeprefix("fail: ")
    killed = "was killed by "
    return cell | {
        "why": reason,
        "signal": reason[len(killed) :] if reason.startswith(killed) else "",
    }


def _with_scheme(row: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the table with the scheme's name under `key` replaced by its current name."""
    return row | {key: former_names.SCHEMES.get(row[key], row[key])}


def _schemes_of_today(schemes: list[str]) -> list[str]:
    return [former_names.SCHEMES.get(name, name) for name in schemes]


def _run(old: dict[str, Any], localization: Step) -> dict[str, Any]:
    """Return a document's run, and the runs merged in it, with converted localizations."""
    new = dict(old)
    if "localizations" in old:
        new["localizations"] = [localization(entry) for entry in old["localizations"]]
    if old.get("merged") is not None:
        new["merged"] = [part | {"run": _run(part["run"], localization)} for part in old["merged"]]
    return new


def _renamed(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the table with its former keys renamed to the current ones, in the same order.

    Args:
        table: the table; it is not changed.
        names: current name of each former key.
    """
    return {names.get(key, key): value for key, value in table.items()}


_STEPS: tuple[Step, ...] = (_to_2, _to_3, _to_4)
