"""Pictures drawn from results.json are readable on light and dark pages and without color."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from models.store import PROJECT
from reports.pictures.draw import pictures
from reports.pictures.front import Point, front
from reports.pictures.style import GRAY, LOOKS
from suites.meta.reports.runs import DROP_TEST, document, make_measurement, measurements

pytest.importorskip("matplotlib", reason="the report environment has matplotlib")
RUN = {"id": "1", "started": "2024-05-06T07:08:09+00:00", "version": "0.1.0"}
KINDS = ("pareto", "drop", "latency", "sizes", "confusion", "flips", "errors")


@pytest.fixture(scope="module")
def drawn():
    """Return the pictures of the small run, by kind."""
    return {picture.name.partition("-")[0]: picture for picture in pictures(document())}


def test_every_kind_of_picture_is_drawn(drawn):
    assert tuple(drawn) == KINDS


def test_run_without_measurements_has_no_pictures():
    accuracy = [
        measurement for measurement in measurements() if measurement.metric == "balanced_accuracy"
    ]
    assert pictures(document(run=RUN, measurements=accuracy)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_picture_is_an_svg_with_a_title_and_no_external_resource(drawn, kind):
    picture = drawn[kind]
    root = ET.fromstring(picture.svg)  # noqa: S314 - a trusted picture, drawn above
    assert root.attrib["aria-label"] == picture.title
    assert "mini on host" in picture.title
    assert picture.caption.endswith(".")
    addresses = re.findall(r'(?:href|src)="([^"]+)"', picture.svg)
    assert [address for address in addresses if not address.startswith("#")] == []
    assert "<style" not in picture.svg


@pytest.mark.parametrize("kind", KINDS)
def test_text_in_pictures_is_readable_on_any_background(drawn, kind):
    texts = re.findall(r"<text[^>]*style=\"([^\"]*)\"", drawn[kind].svg)
    assert texts
    assert all(f"fill: {GRAY}" in style for style in texts)
    assert GRAY not in drawn[kind].inline
    assert "currentColor" in drawn[kind].inline


def test_plotted_series_are_distinguishable_without_color():
    assert len({look.marker for look in LOOKS}) == len(LOOKS)
    assert len({look.hatch for look in LOOKS}) == len(LOOKS)
    assert len({str(look.dash) for look in LOOKS}) == len(LOOKS)


def test_picture_contains_its_numbers_as_text(drawn):
    for kind, texts in {
        "pareto": ("float16: 1.00 MB, -5.0", "BERT-large: 1,341 MB", "the paper: 25 MB, -4.1",
                   "limit: -4.1 points", "full model: 8.0 MB"),
        "drop": ("float32", "float16", "budget"),
        "latency": ("p50 1.2 ms", "p90 1.4 ms"),
        "sizes": ("4,021.70 MB = 4,021.7x", "2.00 MB = 2.0x"),
        "confusion": ("full_model: 90.0 %", "75", "SO SO"),
        "flips": ("float16: 98.0 %",),
        "errors": ("float16: first diverges at operator 4 of 5", "first diverges: 4, SOFTMAX",
                   "7 NaN, 2 Inf", "20 dB", "SQNR, dB"),
    }.items():  # fmt: skip
        for text in texts:
            assert text in drawn[kind].svg, (kind, text)


def test_each_picture_is_attached_to_the_tests_of_its_metrics(drawn):
    assert DROP_TEST in drawn["drop"].tests
    assert DROP_TEST in drawn["pareto"].tests
    assert drawn["errors"].tests == {DROP_TEST}
    assert DROP_TEST not in drawn["latency"].tests


def test_emulated_cores_are_drawn_by_instruction_counts():
    counts = [
        make_measurement(metric, scheme, (value, value, value, 3), device="rpi4-emulated")
        for scheme, floats in (("float32", 8_061_000.0), ("float16", 666_100.0))
        for metric, value in (("instructions", 12_660_000.0), ("instructions_fmla", floats))
    ]
    device = {"name": "rpi4-emulated", "emulated": True, "core": "cortex-a72"}
    timed = [m for m in measurements() if m.metric == "latency_p50"]
    (picture,) = pictures(document(device, measurements=[*counts, *timed], run=RUN))
    assert picture.title == "Instructions of one answer: mini on rpi4-emulated"
    assert "an emulated cortex-a72" in picture.caption
    for text in ("12.66", "8.06", "0.67", "million instructions", "Float multiply-adds"):
        assert text in picture.svg
    assert len(picture.tests) == len(counts)


def test_latency_axis_is_logarithmic_if_one_variant_is_far_slower():
    slow = [0.1 + 0.001 * index for index in range(40)]
    late = make_measurement(
        "latency_p50", "int8", (0.12, 0.11, 0.13, 40), details={"seconds": slow}
    )
    for more, is_logarithmic in (([], False), ([late], True)):
        drawn_pictures = pictures(document(measurements=[*measurements(), *more], run=RUN))
        (latency,) = [picture for picture in drawn_pictures if picture.name.startswith("latency")]
        assert ("(logarithmic)" in latency.svg) is is_logarithmic


def test_no_error_curve_is_drawn_for_a_failed_localization():
    failed = {"scheme": "float16", "tests": [DROP_TEST], "flips": [], "not_localized": "killed"}
    drawn_pictures = pictures(document(run=RUN | {"localizations": [failed]}))
    assert "errors" not in {picture.name.partition("-")[0] for picture in drawn_pictures}


def test_drawing_pictures_is_deterministic(drawn):
    assert [picture.svg for picture in pictures(document())] == [
        picture.svg for picture in drawn.values()
    ]


def test_pareto_front_excludes_dominated_variants():
    small, beaten, good = Point(1.0, 3.0), Point(2.0, 3.5), Point(4.0, 0.0)
    assert front([good, beaten, small]) == [small, good]


def test_collecting_tests_does_not_import_matplotlib():
    modules = "fixtures.results.writing, reports.html"
    code = f"import sys, {modules}; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
