"""The scoreboard is one table, written as text, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from models.verdicts.details import Details, Looked
from models.verdicts.judge import Budget, Estimate
from models.verdicts.measurement import Measurement, measure
from reports.documents.results import write_results
from reports.merge import merge
from reports.scoreboard import main
from reports.texts.scoreboard import (
    HEADER,
    KNOWN,
    LEGEND,
    PARTS,
    as_csv,
    as_markdown,
    as_text,
    legend,
    scoreboard_rows,
    scoreboard_table,
    worst_verdict,
)
from suites.meta.reports.documents import changed, document_from

if TYPE_CHECKING:
    from reports.documents.document import Document

LIMITS = {
    "accuracy_drop": ("max", 0.041),
    "agreement": ("min", 0.97),
    "token_parity": ("min", 1.0),
}


def make_measurement(  # noqa: PLR0913 - a measurement has these parts
    scheme: str,
    metric: str,
    value: float,
    low: float | None = None,
    high: float | None = None,
    *,
    backend: str | None = "ai_edge_litert",
    **more: Any,
) -> Measurement:
    """Return a measurement, judged if `LIMITS` contains its metric."""
    side, bound = LIMITS.get(metric, (None, 0.0))
    budget = side and Budget(metric, side, bound, "?", "mine.toml", f"{metric}.{side}")
    return measure(
        Estimate(value, value if low is None else low, value if high is None else high, 500),
        metric=metric,
        scheme=scheme,
        device="host",
        backend=backend,
        test="test_it",
        budget=budget,
        **more,
    )


def document(*measurements: Measurement, **circumstances: str) -> Document:
    """Return a document with these measurements."""
    return document_from(
        run={"id": "1", "started": "2024-05-06T07:08:09+00:00", "version": "0.1.0"},
        subject={"name": "embedded", "schemes": ["float32", "dynamic_wi8_afp32", "float16"]},
        device={"name": "host", "emulated": False},
        circumstances=circumstances,
        artefacts=[],
        measurements=measurements,
    )


SAMPLE = document(
    make_measurement(
        "float16", "accuracy_drop", 0.05, 0.042, 0.06, known_failure="rounds too much"
    ),
    make_measurement("float16", "agreement", 0.98, 0.96, 0.99),
    make_measurement("dynamic_wi8_afp32", "accuracy", 0.842),
    make_measurement("dynamic_wi8_afp32", "accuracy_drop", 0.012, 0.004, 0.021),
    make_measurement("dynamic_wi8_afp32", "agreement", 0.991, 0.984, 0.995),
    make_measurement("dynamic_wi8_afp32", "agreement", 0.35, 0.3, 0.4, backend="tflite_runtime"),
    make_measurement("dynamic_wi8_afp32", "flatbuffer_bytes", 1_130_000.0, backend=None),
    make_measurement("dynamic_wi8_afp32", "size_ratio_weights", 15.03, backend=None),
    make_measurement("dynamic_wi8_afp32", "latency_p50", 0.00083),
    make_measurement("dynamic_wi8_afp32", "texts_per_second", 1034.5),
    make_measurement("dynamic_wi8_afp32", "peak_rss", 48_500_000.0),
    make_measurement("float32", "accuracy_drop", 0.01, -0.01, math.inf),
    make_measurement("full_model", "accuracy", 0.854),
    make_measurement("full_model", "weights_bytes", 16_987_148.0, backend=None),
)
GOLDEN = """\
scheme                                  MB  ratio  accuracy            drop  agreement    ms  texts/s  MB resident  verdict
-----------------------------------  -----  -----  --------  --------------  ---------  ----  -------  -----------  ------------
full_model                           16.99      -     0.854               -          -     -        -            -  -
float32                                  -      -         -   1.0 [-1.0, ?]          -     -        -            -  inconclusive
dynamic_wi8_afp32                     1.13   15.0     0.842  1.2 [0.4, 2.1]      0.991  0.83  1,034.5         48.5  pass
dynamic_wi8_afp32 on tflite_runtime      -      -         -               -      0.350     -        -            -  fail
float16                                  -      -         -  5.0 [4.2, 6.0]      0.980     -        -            -  fail (known)
"""  # noqa: E501 - a table as it is printed


def test_scoreboard_text_equals_the_stored_example() -> None:
    picture, _, notes = as_text(SAMPLE).partition("\n\n")
    assert f"{picture}\n" == GOLDEN
    assert " ".join(notes.split()) == f"{LEGEND} {KNOWN}"


def test_scoreboard_of_an_emulated_run_states_the_limits_of_emulation() -> None:
    emulated = changed(SAMPLE, device={"name": "rpi4-emulated", "emulated": True})
    for picture in (as_text, as_markdown):
        assert "its results have not been compared with those of a board" in " ".join(
            picture(emulated).split()
        )
        assert "emulated" not in picture(SAMPLE)


def test_columns_of_the_scoreboard_text_are_aligned() -> None:
    header, rule, *rows = as_text(SAMPLE).split("\n\n")[0].splitlines()
    starts = [0] + [place + 2 for place in range(len(rule)) if rule[place : place + 2] == "  "]
    assert len(starts) == len(scoreboard_table(SAMPLE)[0])
    assert all(row[start - 1] == " " for row in (header, *rows) for start in starts[1:])


def test_text_and_markdown_scoreboards_have_equal_cells() -> None:
    table = scoreboard_table(SAMPLE)
    lines = as_markdown(SAMPLE).split("\n\n")[0].splitlines()
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    assert [cells[0], *cells[2:]] == table


def test_csv_scoreboard_contains_plain_numbers_with_subject_and_device() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(SAMPLE))))
    assert [(row["scheme"], row["backend"]) for row in rows] == [
        ("full_model", ""),
        ("float32", "ai_edge_litert"),
        ("dynamic_wi8_afp32", "ai_edge_litert"),
        ("dynamic_wi8_afp32", "tflite_runtime"),
        ("float16", "ai_edge_litert"),
    ]
    assert {(row["subject"], row["device"]) for row in rows} == {("embedded", "host")}
    int8 = rows[2]
    drop = [int8[f"drop_points{end}"] for end in ("", "_low", "_high")]
    assert [float(value) for value in drop] == [1.2, 0.4, 2.1]
    assert float(int8["texts_per_second"]) == 1034.5
    assert rows[1]["drop_points_high"] == "", "an infinite upper end must be an empty cell"
    assert rows[-1]["verdict"] == "fail (known)"


def test_number_decided_by_a_part_of_the_texts_is_shown_with_its_interval() -> None:
    looked = Looked(texts=50, of=4000, because="decided")
    of_a_part = msgspec.structs.replace(
        make_measurement("float32", "accuracy", 0.88, 0.66, 0.98), details=Details(looked=looked)
    )
    run = document(of_a_part, make_measurement("full_model", "accuracy", 0.849))
    accuracy = HEADER.index("accuracy")
    assert [row[accuracy] for row in scoreboard_rows(run)] == ["0.849", "0.880 [0.660, 0.980]"]
    assert PARTS in legend(run)
    assert PARTS not in legend(SAMPLE)
    row = list(csv.DictReader(io.StringIO(as_csv(run))))[1]
    assert [row[f"accuracy{end}"] for end in ("", "_low", "_high")] == ["0.88", "0.66", "0.98"]


def test_scoreboard_shows_agreement_for_other_backends() -> None:
    on_another_backend = make_measurement(
        "float32", "agreement_backends", 0.98, backend="tflite_runtime"
    )
    (row,) = scoreboard_rows(document(on_another_backend, backend="ai_edge_litert"))
    assert row[HEADER.index("agreement")] == "0.980"


def test_each_merged_run_has_its_own_scoreboard() -> None:
    older = changed(SAMPLE, run={"commit": "a" * 40})
    newer = changed(
        document(make_measurement("float32", "accuracy", 0.5)), run={"commit": "b" * 40}
    )
    merged = merge([older, newer])
    text, markdown = as_text(merged), as_markdown(merged)
    for commit in ("aaaaaaaaa", "bbbbbbbbb"):
        assert f"embedded on host, commit {commit}\n\nscheme" in text
        assert f"### embedded on host, commit {commit}\n\n| scheme" in markdown
    assert GOLDEN in text
    rows = csv.DictReader(io.StringIO(as_csv(merged)))
    float32 = [(row["device"], row["accuracy"]) for row in rows if row["scheme"] == "float32"]
    assert float32 == [("host, commit aaaaaaaaa", ""), ("host, commit bbbbbbbbb", "0.5")]


def test_order_of_measurements_does_not_change_the_scoreboard() -> None:
    backwards = changed(SAMPLE, measurements=SAMPLE.measurements[::-1])
    assert as_text(backwards) == as_text(SAMPLE)


def test_scoreboard_takes_the_judged_backend_from_the_circumstances() -> None:
    accuracy = make_measurement("float32", "accuracy", 0.8)
    on_another_backend = make_measurement("float32", "accuracy", 0.7, backend="tflite_runtime")
    run = document(accuracy, accuracy, on_another_backend, backend="tflite_runtime")
    assert [row[0] for row in scoreboard_rows(run)] == ["float32", "float32 on ai_edge_litert"]


def test_a_run_without_measurements_has_an_empty_scoreboard() -> None:
    assert scoreboard_rows(document()) == []
    assert as_text(document()).startswith("scheme  MB")


def test_scoreboard_shows_the_worst_verdict_of_a_candidate() -> None:
    ladder = [
        make_measurement("float32", "accuracy", 0.8),
        make_measurement("float32", "agreement", 1.0),
        make_measurement("float32", "agreement", 0.98, 0.96, 0.99),
        make_measurement("float32", "agreement", 0.98, invalid_because="throttled"),
        make_measurement("float32", "agreement", 0.9, known_failure="seen before"),
        make_measurement("float32", "agreement", 0.9),
    ]
    worst = [worst_verdict(ladder[: count + 1]) for count in range(len(ladder))]
    assert worst == ["-", "pass", "inconclusive", "invalid", "fail (known)", "fail"]


def test_invalid_measurement_without_a_budget_makes_the_candidates_verdict_invalid() -> None:
    assert (
        worst_verdict([make_measurement("float32", "accuracy", 0.8, invalid_because="load")])
        == "invalid"
    )


def test_scoreboard_lists_trivial_classifiers_last() -> None:
    floors = {"always_POSITIVE": {"accuracy": 0.6035}, "other": {"f_rs": 0.0}}
    run = document(make_measurement("float32", "accuracy", 0.9))
    rows = scoreboard_rows(changed(run, subject={"floors": floors}))
    accuracy = HEADER.index("accuracy")
    assert [(row[0], row[accuracy], row[-1]) for row in rows[1:]] == [
        ("always_POSITIVE", "0.604", "-")
    ]


@pytest.mark.parametrize(
    ("form", "expected"), [("text", as_text), ("csv", as_csv), ("markdown", as_markdown)]
)
def test_scoreboard_command_prints_the_scoreboard_of_a_run(
    tmp_path, capsys, form, expected
) -> None:
    write_results(tmp_path / "results.json", SAMPLE)
    assert main([str(tmp_path), f"--as={form}"]) == 0
    assert capsys.readouterr().out == expected(SAMPLE)


def test_scoreboard_command_names_a_missing_file(tmp_path, capsys) -> None:
    assert main([str(tmp_path)]) == 1
    assert f"{tmp_path / 'results.json'}: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outcome", "scheme", "verdict"),
    [
        ("failed", "float16", "fail"),
        ("error", "float16", "fail"),
        ("not_run", "float16", "not run"),
        ("passed", "float16", "pass"),
        ("not_applicable", "float16", "pass"),
        ("failed", "float16_b", "pass"),
    ],
)
def test_failed_or_unrun_test_without_measurements_affects_the_candidates_verdict(
    outcome: str, scheme: str, verdict: str
) -> None:
    """A failed assertion or a gate that was not run must show beside passing measurements."""
    id_ = f"suites/a/test_a.py::test_a[host-{scheme}-x]"
    tests = [{"id": id_, "outcome": outcome, "seconds": 0.1}]
    ran = changed(document(make_measurement("float16", "agreement", 1.0)), tests=tests)
    ((_, *_, worst),) = scoreboard_rows(ran)
    assert worst == verdict
    assert as_csv(ran).splitlines()[1].endswith(f",{verdict}")
