"""The report lists the proven and unproven kernels of each candidate."""

from __future__ import annotations

import pytest

from models.errors import EdgeproofError
from reports.texts.kernel_coverage import as_html, as_text
from suites.meta.reports import runs
from suites.meta.reports.documents import changed, document_from

WRONG = "FULLY_CONNECTED (42): deviates; it is <0.6>, must be 0"
KERNELS = {
    "multiply_accumulates": 0.7377,
    "operators": 155,
    "states": {"deviates": 9, "proven": 146},
    "texts": 2,
    "not_proven": [WRONG] * 14,
}


def document(kernels):
    """Return a document of one candidate whose kernels were tested."""
    measurement = runs.make_measurement(
        "kernel_coverage", "float16", (0.942, 0.942, 0.942, 155), details={"kernels": kernels}
    )
    return document_from(
        run={"id": "1", "started": "2024-05-06T07:08:09+00:00", "version": "1"},
        subject={"name": "mine", "schemes": ["float16"]},
        device={"name": "host", "emulated": False},
        circumstances={},
        artefacts=[],
        measurements=[measurement],
    )


def test_kernel_report_shows_the_proven_share_and_unproven_operators():
    text = as_text(document(KERNELS))
    assert (
        "float16 on ai_edge_litert: 94.2% of 155 operators and 73.8% of multiply-accumulates "
        "(9 deviates, 146 proven; tested with random values and the activations of 2 texts)"
    ) in text
    assert text.count(WRONG) == 12
    assert "and 2 more" in text


def test_kernel_report_names_graphs_without_recorded_activations():
    alone = "graph 2 (<other>): only random values were fed; no recorded operator calls it"
    kernels = KERNELS | {"graphs": 3, "asked_graphs": 3, "drawn_alone": [alone]}
    text = as_text(document(kernels))
    assert "(9 deviates, 146 proven; in its 3 graphs; tested with" in text
    assert alone in text
    assert "&lt;other&gt;" in as_html(document(kernels))


def test_kernel_report_counts_only_graphs_that_are_called():
    text = as_text(document(KERNELS | {"graphs": 3, "asked_graphs": 2}))
    assert "; in 2 of its 3 graphs; " in text


def test_kernel_report_on_the_page_is_escaped():
    page = as_html(document(KERNELS))
    assert "94.2% of 155 operators" in page
    assert "&lt;0.6&gt;" in page


def test_kernel_section_is_omitted_without_kernel_measurements():
    without_measurements = changed(document(KERNELS), measurements=[])
    assert as_text(without_measurements) == as_html(without_measurements) == ""


def test_rejects_invalid_details_of_kernel_coverage():
    with pytest.raises(EdgeproofError, match="kernels"):
        document({"multiply_accumulates": "many"})
