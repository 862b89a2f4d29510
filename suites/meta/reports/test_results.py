"""The schema, the reader and the writer of results.json accept the same documents."""

from __future__ import annotations

import copy
import json
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from models.errors import EdgeproofError
from models.files.extensible_tables import as_plain
from models.verdicts.judge import Budget, Estimate
from models.verdicts.measurement import Measurement, measure
from models.verdicts.metrics import METRICS
from models.verdicts.quantities import Unit
from reports.documents.document import Circumstances, Document, Outcome
from reports.documents.results import (
    SCHEMA_FILE,
    TOP_LEVEL,
    as_document,
    read_results,
    write_results,
)
from reports.merge import merge
from suites.meta.reports import runs
from suites.meta.reports.documents import changed, document_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
BUDGET = Budget("accuracy_drop", "max", 0.041, "4.1 points", "mine.toml", "accuracy_drop.max")


def measurements() -> list[Measurement]:
    """Return a judged measurement, an unjudged one, and one without a backend or upper end."""
    place = {"scheme": "float16", "device": "host", "test": "test_it[float16]"}
    return [
        measure(
            Estimate(0.012, 0.004, 0.021, 2000),
            metric="accuracy_drop",
            budget=BUDGET,
            backend="ai_edge_litert",
            **place,
        ),
        measure(
            Estimate(0.02, 0.01, math.inf, 50),
            metric="latency_p99",
            backend="ai_edge_litert",
            details={"samples": [0.01, 0.02]},
            **place,
        ),
        measure(Estimate(1e6, 1e6, 1e6, 1), metric="flatbuffer_bytes", backend=None, **place),
    ]


def document(**changes: Any) -> Document:
    """Return a small valid document."""
    parts: dict[str, Any] = {
        "run": {"id": "1", "started": "2024-05-06T07:08:09+00:00", "version": "0.1.0", "seed": 3},
        "subject": {"name": "embedded", "schemes": ["float32", "float16"], "labels": ["A", "B"]},
        "device": {"name": "host", "emulated": False, "cores": 2},
        "circumstances": {"backend": "ai_edge_litert", "threads": 1},
        "artefacts": [{"name": "float16", "sha256": "0f" * 32, "bytes": 1_000_000}],
        "measurements": measurements(),
        "tests": [Outcome(id="test_it[float16]", outcome="failed", seconds=0.5, message="fail: x")],
    }
    return document_from(**(parts | changes))


@cache
def validator() -> Any:
    """Return a validator for the schema, after checking the schema itself."""
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def schema_errors(candidate: object) -> list[str]:
    """Return the errors of a document according to the JSON schema."""
    return [error.message for error in validator().iter_errors(candidate)]


def test_schema_accepts_a_valid_document() -> None:
    assert schema_errors(as_plain(document())) == []
    assert list(as_plain(document())) == list(TOP_LEVEL) == SCHEMA["required"]


def test_schema_accepts_each_metric_only_in_its_range_and_unit() -> None:
    assert SCHEMA["$defs"]["measurement"]["properties"]["metric"]["enum"] == list(METRICS)
    assert SCHEMA["$defs"]["unit"]["enum"] == [unit.value for unit in Unit]
    place = {"scheme": "float16", "device": "host", "backend": None, "test": "test_it"}
    for metric in METRICS.values():
        measurement = measure(Estimate(0.5, 0.5, 0.5, 1), metric=metric.name, **place)
        candidate = as_plain(document(measurements=[measurement]))
        assert schema_errors(candidate) == []
        row = candidate["measurements"][0]
        for broken in (
            {"unit": "fraction" if metric.unit is not Unit.FRACTION else "ratio"},
            {"value": metric.low - 0.5},
            {"value": metric.high + 0.5} if math.isfinite(metric.high) else {"value": None},
        ):
            assert schema_errors(candidate | {"measurements": [row | broken]}), (metric, broken)


def drop_key(*path: str | int) -> Callable[[Any], None]:
    """Return a function that removes the key at the end of this path from a document."""

    def breakage(broken: Any) -> None:
        for step in path[:-1]:
            broken = broken[step]
        del broken[path[-1]]

    return breakage


def put(value: object, *path: str | int) -> Callable[[Any], None]:
    """Return a function that sets the value at the end of this path in a document."""

    def breakage(broken: Any) -> None:
        for step in path[:-1]:
            broken = broken[step]
        broken[path[-1]] = value

    return breakage


DROP = ("measurements", 0)
BUDGET_KEYS = SCHEMA["$defs"]["measurement"]["properties"]["budget"]["oneOf"][1]["required"]
MEASUREMENT_KEYS = SCHEMA["$defs"]["measurement"]["required"]
BREAKAGES = {
    **{f"no {key}": drop_key(key) for key in TOP_LEVEL},
    **{f"no {key} in a measurement": drop_key(*DROP, key) for key in MEASUREMENT_KEYS},
    **{f"no {key} in a budget": drop_key(*DROP, "budget", key) for key in BUDGET_KEYS},
    "no run id": drop_key("run", "id"),
    "no subject name": drop_key("subject", "name"),
    "no device name": drop_key("device", "name"),
    "no artefact hash": drop_key("artefacts", 0, "sha256"),
    "another version": put(5, "schema"),
    "an unknown key": put({}, "notes"),
    "an unknown key in a measurement": put(1, *DROP, "confidence"),
    "an unknown key in a budget": put(1, *DROP, "budget", "margin"),
    "an unknown metric": put("speed", *DROP, "metric"),
    "an unknown unit": put("points", *DROP, "unit"),
    "a unit of another metric": put("bytes", *DROP, "unit"),
    "an unknown verdict": put("passed", *DROP, "verdict"),
    "a percentage": put(1.2, *DROP, "value"),
    "a value as text": put("0.012", *DROP, "value"),
    "no value": put(None, *DROP, "value"),
    "no samples": put(0, *DROP, "n"),
    "half a sample": put(1.5, *DROP, "n"),
    "a budget without a verdict": put(None, *DROP, "verdict"),
    "a verdict without a budget": put(None, *DROP, "budget"),
    "a limit that is neither": put("most", *DROP, "budget", "limit"),
    "measurements as a table": put({}, "measurements"),
    "a backend as a number": put(1, *DROP, "backend"),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_schema_and_reader_reject_each_broken_document(name: str, tmp_path: Path) -> None:
    broken = copy.deepcopy(as_plain(document()))
    BREAKAGES[name](broken)
    path = tmp_path / "results.json"
    with pytest.raises(EdgeproofError):
        as_document(broken)
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(EdgeproofError) as caught:
        read_results(path)
    assert str(caught.value).startswith(str(path))
    assert schema_errors(broken)


def test_results_document_read_from_a_file_equals_the_written_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    write_results(path, document())
    assert read_results(path) == document()
    assert sorted(
        read_results(path).measurements, key=lambda measurement: measurement.value
    ) == sorted(measurements(), key=lambda measurement: measurement.value)


@pytest.mark.parametrize("name", ["small", "every ending", "several runs", "further keys"])
def test_rewriting_a_results_document_after_reading_gives_identical_bytes(
    name: str, tmp_path: Path
) -> None:
    every = runs.document()
    more = {"weather": [1, 2.5, None, {"rain": True}]}
    plain = {
        "small": document(),
        "every ending": every,
        "several runs": merge([every, changed(every, run={"id": "2"}, device={"name": "rpi4"})]),
        "further keys": changed(every, run=more, subject=more, device=more, circumstances=more),
    }[name]
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_results(first, plain)
    write_results(second, read_results(first))
    assert second.read_bytes() == first.read_bytes()
    assert ("weather" in first.read_text("utf-8")) == (name == "further keys")


def test_optional_key_absent_from_a_results_document_is_not_written() -> None:
    plain = as_plain(document())
    assert plain["run"].keys() == {"id", "seed", "started", "version"}
    moved = replace(as_document(plain), run=replace(as_document(plain).run, finished="2024-05-07"))
    assert as_plain(moved)["run"] == {**plain["run"], "finished": "2024-05-07"}


def test_order_of_measurements_does_not_change_the_results_document(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_results(first, document())
    write_results(
        second,
        document(
            measurements=measurements()[::-1],
            device={
                "emulated": False,
                "cores": 2,
                "name": "host",
            },
        ),
    )
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_nan_and_infinity_are_never_written(number: float, tmp_path: Path) -> None:
    with pytest.raises(EdgeproofError, match="contains a value that JSON cannot"):
        document(circumstances={"load": number})
    path = tmp_path / "results.json"
    with pytest.raises(EdgeproofError, match="contains a value that JSON cannot"):
        write_results(path, replace(document(), circumstances=Circumstances(load_before=number)))
    assert list(tmp_path.iterdir()) == []


def test_failed_write_preserves_the_old_results_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    write_results(path, document())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EdgeproofError, match=r"cannot be written \(No space left on device\)"):
        write_results(path, document(circumstances={}))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file. Run the suite first"),
        (b"", "cannot be read as JSON"),
        (b'{"schema": 4, "run": ', "cannot be read as JSON"),
        (b'{"schema": NaN}', "cannot be read as JSON (NaN is not JSON)"),
        (b"\xff\xfe", "cannot be read as JSON"),
        (b"[]", "schema: has the unknown schema version None"),
        (
            b'{"schema": 7}',
            "has the unknown schema version 7. This edgeproof reads versions 1 to 4: run",
        ),
        (b'{"schema": 1}', "is not a valid document of version 1 (KeyError: 'measurements')"),
        (b'{"schema": 4}', "missing required field `run`"),
    ],
)
def test_error_names_the_results_document_that_cannot_be_read(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EdgeproofError) as caught:
        read_results(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert caught.value.remedy


def test_error_names_the_position_of_a_broken_measurement(tmp_path: Path) -> None:
    broken = as_plain(document())
    broken["measurements"][1]["unit"] = "ms"
    path = tmp_path / "results.json"
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(EdgeproofError) as caught:
        read_results(path)
    assert caught.value.key == "measurements[1]"
