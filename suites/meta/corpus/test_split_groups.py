"""Texts with equal ids or equal words form one group, which is found in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corpus.groups import link_items
from models.corpus.quoted import read_quoted
from models.corpus.split import Candidate, _groups
from models.corpus.texts import LabelledText

# Number of texts of RepLab's labelled splits, more than most corpora have.
MANY = 58_568
CPU_SECONDS = 2.0

# Functions that give the id and the text of a row by its number.
CROWDS = {
    "one id": lambda at: ("1", f"text {at}"),
    "one text": lambda at: (f"{at}", "the same words"),
    "a chain": lambda at: (f"{at // 2}", f"text {(at + 1) // 2}"),
    "a chain that closes last": lambda at: (f"{(MANY - at) // 2}", f"text {(MANY - at + 1) // 2}"),
    "two large groups that the last one joins": lambda at: (
        f"{at % 2 if at < MANY - 1 else 0}",
        f"text {at if at < MANY - 1 else 1}",
    ),
    "nothing shared": lambda at: (f"{at}", f"text {at}"),
}


def candidates_of(pairs):
    return [
        Candidate(LabelledText(name, "", text, 0), f"line {at}", "") for at, (name, text) in pairs
    ]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_texts_with_equal_ids_or_equal_words_share_a_group(pairs):
    rows = [(f"{text_id}", f"word{word}") for text_id, word in pairs]
    groups = _groups(candidates_of(enumerate(rows)))
    expected = link_items([(("id", name), ("text", text)) for name, text in rows])
    assert sorted(candidate.where for group in groups for candidate in group) == sorted(
        f"line {at}" for at in range(len(rows))
    )
    for group in groups:
        places = [int(candidate.where.removeprefix("line ")) for candidate in group]
        assert places == sorted(places)
        assert len({expected[at] for at in places}) == 1
    assert len(groups) == len(set(expected))


@pytest.mark.parametrize("crowd", CROWDS)
def test_many_texts_are_grouped_in_linear_time(crowd):
    candidates = candidates_of((at, CROWDS[crowd](at)) for at in range(MANY))
    began = time.process_time()
    groups = _groups(candidates)
    assert time.process_time() - began < CPU_SECONDS
    assert len(groups) == (MANY if crowd == "nothing shared" else 1)


def test_quoted_value_over_many_lines_is_read_in_linear_time(tmp_path):
    file = tmp_path / "RL2013D01E001.dat"
    opened = '"234567"\t"an open quote\n' + "a line of it\n" * MANY + 'and its "last"\n'
    file.write_text(f'text_id\ttext\n{opened}"234568"\t"whole"\n', encoding="utf-8")
    began = time.process_time()
    sheet = read_quoted(file, ("text_id", "text"))
    assert time.process_time() - began < CPU_SECONDS
    assert [row.values["text_id"] for row in sheet.rows] == ["234567", "234568"]
    assert sheet.rows[0].values["text"].count("a line of it\n") == MANY
