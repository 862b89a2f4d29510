"""The size of user files is limited, and a column has only one purpose."""

from __future__ import annotations

import pytest

from models.candidates import given, given_candidate
from models.candidates.declaration import CandidateTable
from models.candidates.given import take
from models.candidates.given_candidate import LONGEST
from models.candidates.handed import Handed
from models.candidates.texts import parse_columns, read_rows
from models.errors import UsageMistake
from suites.meta.small_classifiers import classifier

TEXTS = "text,label,ids\n" + "".join(f"word {at},{at % 3},{at}\n" for at in range(6))


@pytest.fixture
def hand(tmp_path):
    """Return `hand(length, **shape)`, which reads a classifier and texts with ids as a run does."""
    texts = tmp_path / "texts.csv"
    texts.write_text(TEXTS, encoding="utf-8")

    def handed(length=None, **shape):
        file = tmp_path / "given.tflite"
        file.write_bytes(classifier(names=("input_ids",), **shape))
        table = CandidateTable(name="given", flatbuffer=str(file), length=length)
        columns = parse_columns(texts, "text=text,label=label,ids=ids")
        return take(Handed(name="given", candidates=(table,), texts=columns))

    return handed


def test_row_length_and_number_of_texts_within_the_limits_are_accepted(hand):
    assert hand().candidates["given"].length


@pytest.mark.parametrize("length", [LONGEST + 1, 10**9, 2**62])
def test_rejects_declared_length_beyond_the_limit(hand, length):
    with pytest.raises(UsageMistake, match=f"needs {length:,} tokens") as refused:
        hand(length, signature=(1, -1))
    assert refused.value.key == "--edge-length"
    assert refused.value.file.endswith("given.tflite")


@pytest.mark.parametrize("tokens", [LONGEST + 1, 2**31 - 1])
def test_rejects_length_in_the_file_beyond_the_limit(hand, tokens, monkeypatch):
    spec_of = given.bind

    def longer(*arguments):
        spec = spec_of(*arguments)
        monkeypatch.setattr(type(spec), "length", property(lambda _: tokens))
        return spec

    monkeypatch.setattr(given, "bind", longer)
    with pytest.raises(UsageMistake, match=f"needs {tokens:,} tokens"):
        hand()


def test_rejects_more_texts_than_fit_in_memory(hand, monkeypatch):
    monkeypatch.setattr(given_candidate, "MOST_IDS", 6 * 8 - 1)
    with pytest.raises(UsageMistake, match="6 texts of 8 tokens are too many") as refused:
        hand()
    assert refused.value.key == "--edge-corpus"


@pytest.mark.parametrize(
    "columns",
    ["text=text,label=text", "text=text,label=label,id=label", "text=text,label=label,second=text"],
)
def test_rejects_column_used_for_two_purposes(tmp_path, columns):
    file = tmp_path / "texts.csv"
    file.write_text(TEXTS, encoding="utf-8")
    with pytest.raises(UsageMistake, match="is named for 2 different uses") as refused:
        read_rows(parse_columns(file, columns))
    assert refused.value.key == "--edge-columns"
