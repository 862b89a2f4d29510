"""The table of sizes names every size and every ratio."""

from __future__ import annotations

import pytest

from models.flatbuffers.sizes import FlatBufferSizes, subject_sizes
from models.networks.parameters import counts
from reports.page.summary import Shown, put_first
from reports.texts.sizes import HEADER, as_html, as_markdown, as_text, size_rows
from suites.meta.flatbuffers.test_sizes import BERT_LARGE, EXAMPLE, MOBILEBERT
from suites.meta.reports import runs
from suites.meta.reports.documents import changed


def document(full, small, flatbuffers):
    """Return a document with these sizes."""
    sizes = subject_sizes(counts(full), counts(small), flatbuffers)
    return changed(runs.document(), subject={"name": "paper", "sizes": sizes})


@pytest.fixture
def paper():
    """Return a document with the sizes of the paper's two networks and an invented FlatBuffer."""
    return document(BERT_LARGE, MOBILEBERT, {"dynamic_wi8_afp32": EXAMPLE})


def test_size_table_shows_the_sizes_and_ratios_of_the_papers_networks(paper):
    rows = {row[0]: dict(zip(HEADER, row, strict=True)) for row in size_rows(paper)}
    assert list(rows) == ["full_model", "small_model", "dynamic_wi8_afp32"]
    full, variant = rows["full_model"], rows["dynamic_wi8_afp32"]
    assert full["parameters"] == f"{335_141_888 + 3_075:,}"
    assert (full["weights"], full["checkpoint"]) == ("1,340.58", "4,021.74")
    assert (variant["flatbuffer"], variant["zipped"], variant["resident"]) == (
        *("25.00", "22.00"),
        "60.00",
    )
    assert variant["BERT-large checkpoint / fb"] == "160.9"
    assert variant["BERT-large weights / fb"] == "53.6"


def test_published_ratio_is_shown_below_the_size_table(paper):
    for text in (as_text(paper), as_markdown(paper), as_html(paper)):
        assert "160x" in text
        assert "FlatBuffer has 25,135,641 bytes, if its weights are meant 8,378,547" in text


def test_first_page_shows_the_table_of_sizes(paper):
    page = put_first("<body></body>", [Shown(paper, [], {})], gate=[])
    assert as_html(paper) in page
    assert as_html(paper).count("<tr>") == 1 + len(size_rows(paper))


def test_full_model_that_is_itself_converted_has_one_row_in_the_size_table():
    alone = document(BERT_LARGE, BERT_LARGE, {"float32": FlatBufferSizes(10, 9)})
    rows = size_rows(alone)
    assert [row[0] for row in rows] == ["full_model", "float32"]
    assert rows[1][HEADER.index("resident")] == "-"


def test_columns_of_the_size_table_are_aligned(paper):
    lines = as_text(paper).splitlines()
    assert {len(line) for line in lines[:5]} == {len(lines[0])}


def test_old_document_without_sizes_has_no_size_table():
    old = runs.document()
    assert size_rows(old) == []
    assert {as_text(old), as_markdown(old), as_html(old)} == {""}
