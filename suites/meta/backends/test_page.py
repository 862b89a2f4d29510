"""The matrix of backends from several runs is written between two marks in a page."""

from __future__ import annotations

import pytest

from models.errors import UsageMistake
from models.files.extensible_tables import as_plain
from reports.backends import page_of
from reports.documents.matrix import Cell, Departure, State, as_markdown
from reports.texts.pages import BEGIN, END, replace_between
from suites.meta.reports import runs
from suites.meta.reports.documents import changed

LABELS = "test_backend_gives_the_labels_of_the_judged_one"
FOUND = Departure(
    operator="ADD", how="departs", said="-3 dB", operators=("MUL", "ADD"), bytes=9648, folder="/out"
)


def cell(candidate, backend, **more):
    return Cell(
        candidate=candidate, backend=backend, version="2.3.0", required=True, texts=200, **more
    )


def document(*cells):
    run = runs.document({"name": "host", "emulated": False, "machine": "x86_64"})
    return changed(run, run={"backends": as_plain(cells)})


WRONG = [
    cell("int4", name, state=State.KNOWN, gate=LABELS, why="33 %\nmore", departure=FOUND)
    for name in ("builtin", "reference")
]


def test_page_shows_the_matrix_and_the_smallest_file_for_each_fault():
    page = page_of([document(cell("float32", "builtin", taken=(0, 7)), *WRONG)])
    assert "mini on host, x86_64: 200 texts, builtin 2.3.0, reference 2.3.0." in page
    assert "| float32 | judged | right 0/7 | - |" in page
    assert (
        "| int4 | builtin, reference | other labels (known): 33 % | 9,648 bytes: MUL, ADD" in page
    )
    assert "/out" not in page


def test_rejects_documents_whose_runs_used_only_one_backend():
    with pytest.raises(UsageMistake, match="none of the runs compared several backends"):
        page_of([document()])


def test_job_summary_contains_the_matrix_of_backends():
    summary = as_markdown(document(*WRONG))
    assert "| int4 | judged | other labels (known) | other labels (known) |" in summary
    assert "9,648 bytes: /out" in summary
    assert as_markdown(document()) == ""


def test_replacing_the_matrix_preserves_its_marks_and_the_text_around_them(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    replace_between(page, "\nnew\n")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_rejects_page_without_marks_around_the_matrix(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(UsageMistake, match="lacks the two marks around the table"):
        replace_between(page, "new")
