"""Each escaping function neutralizes every payload and leaves ordinary text unchanged."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sys
import unicodedata
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import escaping
from models.escaping import (
    LONGEST,
    as_csv_cell,
    as_markdown,
    as_markup,
    in_json,
    one_line,
    several_lines,
    visible,
)
from suites.meta.foreign_text.parsing import Parsed, rendered
from suites.meta.foreign_text.payloads import COUNT, acting_in_a_log, payloads

PAYLOADS = payloads()
# Letters, marks, numbers, punctuation, symbols (such as emoji) and spaces of every script.
ORDINARY = st.text(
    st.characters(categories=["L", "M", "N", "P", "S", "Zs"], exclude_characters=":#"), max_size=200
).filter(lambda text: not re.search("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe00-\ufe0f"
                                    "\u180b-\u180f\U000e0000-\U000e0fff]", text))  # fmt: skip
WORDS = (
    *("hello, world!", "größer als", "привет", "مرحبا بالعالم", "नमस्ते दुनिया", "今日はいい天気"),
    *("สวัสดี", "می‌خواهم", "PDF‌ها", "க்‌ஷ", "葛󠄀城"),  # noqa: RUF001 - these Persian characters are intended
    *("🙂", "👩‍💻", "👩🏽‍🚀", "❤️‍🔥", "#️⃣ 1️⃣", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪"),
    *("12:30", "a::b", "suites/a.py::test_b[host-float32]", "C:\\Users\\x", "¯\\_(ツ)_/¯", "50 %"),
    *("1.5e-3", "<3", "a|b", "#hashtag", "@name", "https://example.org/?a=b&c#d", "it's \"q\"", ""),
)  # fmt: skip


def test_enough_payloads_are_distinct_and_most_are_effective() -> None:
    assert len(PAYLOADS) == COUNT
    assert len(set(PAYLOADS)) > 0.95 * COUNT
    assert sum(bool(acting_in_a_log(text)) for text in PAYLOADS) > 0.5 * COUNT, (
        "most act as they are"
    )


@pytest.mark.parametrize("safe", [one_line, as_csv_cell, several_lines, as_markup, as_markdown])
def test_escaped_payloads_have_no_effect_in_a_log(safe) -> None:
    for text in PAYLOADS:
        assert acting_in_a_log(safe(text)) == []
        assert safe(text).encode("utf-8") is not None


def test_escaped_payload_is_one_line_of_limited_length() -> None:
    for text in PAYLOADS:
        line = one_line(text)
        assert line.splitlines() in ([], [line])
        assert "\t" not in line
        assert len(line) <= LONGEST
        assert max(map(len, several_lines(text).split("\n"))) <= LONGEST


def test_shortened_text_shows_its_beginning_and_its_end() -> None:
    line = one_line("begin " + "x" * 10_000 + " end", 100)
    assert line.startswith("begin xx")
    assert "…" in line
    assert line.endswith("xx end")
    assert len(line) == 100


@pytest.mark.parametrize("safe", [one_line, several_lines, visible, as_csv_cell])
def test_escaping_twice_equals_escaping_once(safe) -> None:
    for text in PAYLOADS:
        assert safe(safe(text)) == safe(text)


def test_multi_line_escaping_preserves_only_line_ends_and_tabs() -> None:
    assert several_lines("a\tb\nc\r\n::error::d") == "a\tb\nc\\r\n\\x3a:error::d"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello\n::stop-commands::x", "hello\\n::stop-commands::x"),
        ("::error file=README.md::", "\\x3a:error file=README.md::"),
        ("a ##[error]b", "a #\\x23[error]b"),
        ("\x1b[31m\x9b\u202e\u2028\ud83d\x00", "\\x1b[31m\\x9b\\u202e\\u2028\\ud83d\\x00"),
        ("ad\u200dmin", "ad\\u200dmin"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_hidden_characters_are_shown_as_escapes(text, shown) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize("safe", [one_line, several_lines, visible])
@given(text=ORDINARY)
def test_ordinary_text_is_not_changed_by_escaping(safe, text) -> None:
    assert safe(text) == text


@pytest.mark.parametrize("word", WORDS)
def test_words_in_every_script_are_not_changed_by_escaping(word) -> None:
    assert one_line(word) == several_lines(word) == visible(word) == word
    assert html.unescape(as_markup(word)) == word
    assert html.unescape(as_markdown(word).replace("<!-- -->", "")) == word
    assert in_json(json.dumps(word, ensure_ascii=False)) == json.dumps(word, ensure_ascii=False)


@given(text=ORDINARY)
def test_ordinary_text_is_rendered_unchanged_in_markdown(text) -> None:
    paragraph = f"said: {as_markdown(text)}."
    assert Parsed(rendered(paragraph)).text.split() == f"said: {text}.".split()


def test_no_payload_breaks_out_of_its_markdown_cell() -> None:
    """The cell remains one cell, without link, image, heading, code or markup."""
    for text in PAYLOADS:
        escaped = as_markdown(text)
        page = Parsed(
            rendered(
                f"| a | b |\n|---|---|\n| {escaped} | end |\n\n"
                f"## {escaped} end\n\nbegin {escaped}\n"
            )
        )
        assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "h2", "p"}, text[:80]
        assert page.tags.count("td") == 2
        assert set(page.attributes) == set()
        alone = Parsed(rendered(f"{escaped}\n"))
        assert set(alone.tags) <= {"p"}, text[:80]
        plain = one_line(text)
        assert alone.text.split() == plain.split()
        # GitHub turns addresses, mentions and numbers in drawn text into links, unless a comment
        # separates their parts.
        parts = re.sub("<!-- -->", "\0", html.unescape(escaped))
        assert not re.search(r"@\w|://\w|\bwww\.\w|#\d|\w@\w", parts)


def test_no_payload_breaks_out_of_its_html_element() -> None:
    for text in PAYLOADS:
        escaped = as_markup(text)
        page = Parsed(f"<p title=\"{escaped}\">{escaped}</p><i title='{escaped}'></i>")
        assert page.tags == ["p", "i"]
        assert page.attributes == ["title", "title"]
        assert page.text == several_lines(text)


def test_escaped_payloads_are_well_formed_xml() -> None:
    for text in PAYLOADS:
        escaped = as_markup(text)
        element = ET.fromstring(f'<a b="{escaped}">{escaped}</a>')  # noqa: S314 - a trusted file, written by edgeproof
        assert element.text in {several_lines(text), None}


def test_payload_in_a_csv_cell_becomes_neither_a_formula_nor_another_cell() -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([as_csv_cell(text), "end"] for text in PAYLOADS)
    rows = list(csv.reader(io.StringIO(buffer.getvalue())))
    assert len(rows) == len(buffer.getvalue().splitlines()) == COUNT
    assert {len(row) for row in rows} == {2}
    for cell, _ in rows:
        assert not re.match(r"\s*[=+\-@\uff1d]", cell)
        assert not re.search(r";\s*[=+\-@]", cell)


@pytest.mark.parametrize("number", ["-0.2", "+1", "1e-3", "-5", ".5", "3"])
def test_number_in_a_csv_cell_is_not_escaped(number) -> None:
    assert as_csv_cell(number) == number


def test_json_output_preserves_every_text_and_escapes_hidden_characters() -> None:
    for text in PAYLOADS:
        document = in_json(json.dumps({"a": [text], text: 1}, indent=1, ensure_ascii=False))
        assert json.loads(document) == {"a": [text], text: 1}
        assert acting_in_a_log(document) == []
        assert document.encode("utf-8") is not None


def test_every_invisible_unicode_character_is_escaped() -> None:
    """Python's Unicode tables define which characters are invisible."""
    allowed = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in hidden and code not in allowed:
            assert one_line(f"a{character}b") != f"a{character}b", hex(code)


def test_values_that_are_not_strings_are_shown_as_strings() -> None:
    assert escaping.one_line(None) == "None"
    assert escaping.as_markup(3) == "3"
