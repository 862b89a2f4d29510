"""The table of kernels has a column for each backend, version and target."""

from __future__ import annotations

from models.kernels.deviations import known_deviations
from models.kernels.records import Cell
from reports.kernels import deviations_of, table_of


def cell(backend, state, target=""):
    return Cell(
        operator="ADD",
        kind="float32",
        backend=backend,
        version="2.3.0",
        machine="x86_64",
        target=target,
        state=state,
        examples=10,
        refused=0,
        known=[],
    )


def test_column_of_an_emulated_target_is_marked_as_emulated():
    cells = [cell("ai_edge_litert", "proven"), cell("litert-gpu", "deviates", "host-gpu-emulated")]
    summary, _, head, _, row = table_of(cells).splitlines()
    assert summary == "20 examples. 2 cells: 1 deviates, 1 proven."
    assert head.split(" | ")[2:] == [
        "ai_edge_litert 2.3.0",
        "litert-gpu 2.3.0 (host-gpu-emulated) |",
    ]
    assert row == "| ADD | float32 | proven | deviates |"


def test_known_deviations_are_listed_with_links():
    listed = deviations_of()
    for deviation in known_deviations():
        assert f"| {deviation.name} |" in listed
        assert deviation.link in listed or not deviation.link.startswith("https:")
