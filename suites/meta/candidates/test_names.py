"""Candidates are distinguished by their names and their bytes."""

from __future__ import annotations

import pytest

from models import former_names
from models.candidates.declaration import CandidateTable
from models.candidates.given import take
from models.candidates.handed import Handed
from models.candidates.texts import parse_columns
from models.errors import UsageMistake
from suites.meta.small_classifiers import classifier

TEXTS = "text,label,ids\n" + "".join(f"word {at},{at % 3},{at}\n" for at in range(6))
SAME = "two: its file is identical to that of one, so every comparison of the two passes."


@pytest.fixture
def hand(tmp_path):
    """Return `hand([("one", 0), ("two", 1)])`, which passes classifiers with names and seeds."""
    texts = tmp_path / "texts.csv"
    texts.write_text(TEXTS, encoding="utf-8")

    def handed(seeds):
        tables = []
        for at, (name, seed) in enumerate(seeds):
            file = tmp_path / f"{at}.tflite"
            file.write_bytes(classifier(names=("input_ids",), seed=seed))
            tables.append(CandidateTable(name=name, flatbuffer=str(file)))
        columns = parse_columns(texts, "text=text,label=label,ids=ids")
        return take(Handed(name="given", candidates=tuple(tables), texts=columns))

    return handed


@pytest.mark.parametrize("names", [("Mine", "mine"), ("v1", "v1"), ("a", "b", "A")])
def test_rejects_candidate_names_that_are_equal_apart_from_case(names, hand):
    """Names become names of files, and some file systems ignore case."""
    with pytest.raises(UsageMistake, match="two candidates are called") as refused:
        hand([(name, at) for at, name in enumerate(names)])
    assert refused.value.remedy == "Give each candidate a different name: NAME=PATH"


def test_rejects_candidate_named_like_the_trained_model(hand):
    with pytest.raises(
        UsageMistake, match="a candidate is called 'full_model', a name that is reserved"
    ):
        hand([("full_model", 0)])


def test_candidate_with_the_former_name_of_a_scheme_is_not_checked_by_its_contract(hand):
    (old, new), *_ = former_names.SCHEMES.items()
    subject = hand([(old, 0)])
    assert subject.candidates[old].scheme is None
    assert subject.remarks[0] == (
        f"{old}: no contract is checked, because the scheme with this name is called {new} now. "
        f'Declare contract = "{new}" to check it.'
    )


def test_two_candidates_with_identical_bytes_are_reported(hand):
    """A converter that ignores an option writes two identical files."""
    assert SAME in hand([("one", 0), ("two", 0)]).remarks
    assert SAME not in hand([("one", 0), ("two", 1)]).remarks
