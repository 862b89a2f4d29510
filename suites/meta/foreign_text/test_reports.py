"""Reports of hostile texts contain these only as text, in unchanged rows and cells."""

from __future__ import annotations

import csv
import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from models.escaping import as_markdown, one_line, several_lines
from reports import merge
from reports.documents.results import read_results, write_results
from reports.page import summary
from reports.pictures.draw import pictures
from reports.texts import github, scoreboard, sizes
from reports.texts.explain import accounts
from suites.meta.foreign_text.forging import forged
from suites.meta.foreign_text.parsing import Parsed, rendered
from suites.meta.foreign_text.payloads import acting_in_a_log, payloads
from suites.meta.reports.documents import changed
from suites.meta.reports.drawn import planted

if TYPE_CHECKING:
    from reports.documents.document import Document

TAGS = {
    *("a", "b", "br", "code", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "h1"),
    *("h2", "h3", "input", "li", "nav", "output", "p", "section", "span", "style", "script"),
    *("summary", "table", "tbody", "td", "th", "thead", "tr", "ul", "html", "body"),
}
PAYLOADS = payloads()
PICTURES = 4


@pytest.fixture(scope="module")
def documents() -> list[tuple[str, Document]]:
    return [(payload, forged(payload)) for payload in PAYLOADS]


def test_results_document_preserves_every_payload(documents, tmp_path) -> None:
    file = tmp_path / "results.json"
    for payload, forged_document in documents[::10]:
        write_results(file, forged_document)
        assert acting_in_a_log(file.read_text(encoding="utf-8")) == []
        assert read_results(file) == forged_document, repr(payload[:80])


def test_payloads_have_no_effect_in_the_terminal(documents) -> None:
    for payload, forged_document in documents:
        texts = [
            scoreboard.as_text(forged_document),
            sizes.as_text(forged_document),
            merge.as_table(forged_document),
        ]
        texts += [account.as_text() for account in accounts(forged_document)]
        assert [acting_in_a_log(text) for text in texts] == [[]] * len(texts), repr(payload[:80])
        assert one_line(payload, 60)[:20] in "".join(texts), "it is shown"


def test_wrapped_line_never_begins_with_a_github_workflow_command() -> None:
    """Breaking a long word must not place "::error" at the beginning of a line."""
    for length in range(60, 110, 2):
        forged_document = forged("x" * length + "::error::e ::stop-commands::x")
        assert [acting_in_a_log(account.as_text()) for account in accounts(forged_document)].count(
            []
        ) > 0
        assert all(not acting_in_a_log(account.as_text()) for account in accounts(forged_document))


def test_each_annotation_is_exactly_one_github_command(documents) -> None:
    expected = github.annotations_of(forged("word"))
    for payload, forged_document in documents:
        lines = github.annotations_of(forged_document)
        assert len(lines) == len(expected), repr(payload[:80])
        for line in lines:
            assert "\n" not in line
            command, properties, message = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()
            assert command in {"error", "warning"}
            names = [property_.partition("=")[0] for property_ in properties.split(",")]
            assert set(names) <= {"file", "line", "title"}
            assert acting_in_a_log(message.replace("%0A", "\n")) == []


def test_job_summary_shows_payloads_only_as_text(documents) -> None:
    allowed = {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "code"}
    plain = Parsed(rendered(github.step_summary(forged("word"))))
    for payload, forged_document in documents[::5]:
        text = github.step_summary(forged_document)
        assert acting_in_a_log(text) == []
        page = Parsed(rendered(text))
        assert set(page.tags) - {"br", "strong"} <= allowed, repr(payload[:80])
        for tag in ("td", "tr", "details", "table", "h2", "strong"):
            assert page.tags.count(tag) == plain.tags.count(tag), (tag, payload[:80])
        assert set(page.attributes) <= {"style"}, "of a table's cells"
        assert as_markdown(payload, 60)[:12] in text


def test_payload_in_the_csv_scoreboard_adds_no_cell_and_no_formula(documents) -> None:
    plain = list(csv.reader(io.StringIO(scoreboard.as_csv(forged("word")))))
    for payload, forged_document in documents:
        text = scoreboard.as_csv(forged_document)
        rows = list(csv.reader(io.StringIO(text)))
        assert acting_in_a_log(text) == []
        assert [len(row) for row in rows] == [len(row) for row in plain], repr(payload[:80])
        for row in rows[1:]:
            for cell in row[:4]:
                assert not re.match(r"\s*[=+\-@]", cell)


def test_first_page_shows_payloads_only_as_text(documents) -> None:
    def drawn(forged_document: dict[str, Any], message: str) -> str:
        run = summary.Shown(forged_document, [], {})
        gate = [{"rule": "r", "success": False, "message": message}]
        return summary.put_first("<html><body></body></html>", [run], gate=gate, faults=planted())

    plain = Parsed(drawn(forged("word"), ""))
    for payload, forged_document in documents[2::5]:
        text = drawn(forged_document, payload)
        assert text.encode("utf-8") is not None
        page = Parsed(text)
        assert set(page.tags) <= TAGS, repr(payload[:80])
        for tag in {*TAGS} - {"br", "ul", "li", "code"}:  # these four list gates without a fault
            assert page.tags.count(tag) == plain.tags.count(tag), (tag, payload[:80])
        assert set(page.attributes) == set(plain.attributes)
        assert acting_in_a_log(page.text) == []
        assert several_lines(payload)[:40] in page.text


@pytest.mark.parametrize(
    "payload",
    ["$\\frac{$ \x00\x1b\ud83d\u202e|%s{0} <script>&\"']]>", "😀नमस्ते مرحبا " + "x" * 10_000],
    ids=["odd", "long"],
)
def test_picture_is_well_formed_and_contains_no_script(payload) -> None:
    forged_document = changed(forged(payload), subject={"labels": [payload] * 3})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = pictures(forged_document)
    assert len(drawn) >= PICTURES
    for picture in drawn:
        root = ET.fromstring(picture.svg)  # noqa: S314 - a trusted file, written by edgeproof
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "image", "a", "foreignObject", "iframe"}
        assert acting_in_a_log(picture.svg) == []
        assert len(picture.name.encode()) < 200
