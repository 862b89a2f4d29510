"""An unusable file is rejected with one message that names file, key and remedy."""

from __future__ import annotations

import zipfile

import pytest

from models.corpus.read import read_files
from models.errors import UsageMistake

GOOD = "text,polarity\n" + "".join(f"text {at},{('BAD', 'GOOD')[at % 2]}\n" for at in range(40))
ONLY_BAD = GOOD.replace("GOOD", "BAD")
COUNTS = {"validation": 4, "calibration": 4, "test": 6}

# By case: the name of the file, its content, changes to the table, and a part of the message.
CASES = {
    "empty": ("t.csv", "", {}, "is empty"),
    "blank": ("t.csv", " \n\n", {}, "is empty"),
    "header only": ("t.csv", "text,polarity\n", {}, "a header and no texts"),
    "column not there": (
        "t.csv",
        GOOD,
        {"columns": {"text": "review", "polarity": "polarity"}},
        "corpus.columns.text: there is no column 'review'. Name one of the file's columns: 'te",
    ),
    "key not there": (
        "t.jsonl",
        '{"words": "a", "polarity": "BAD"}',
        {},
        "corpus.columns.text: there is no column 'text'. Name one of the file's columns: 'wo",
    ),
    "no columns": ("t.csv", GOOD, {"columns": None}, "corpus.columns: the subject does not name"),
    "undeclared polarity": (
        "t.csv",
        GOOD + "more,UGLY\n",
        {},
        "corpus.polarities: line 42 has the label 'UGLY', which the subject does not",
    ),
    "one polarity": (
        "t.csv",
        ONLY_BAD,
        {},
        "a classifier has nothing to distinguish. Give texts of at least two",
    ),
    "a label nobody has": (
        "t.csv",
        GOOD,
        {"labels": ["BAD", "SO-SO", "GOOD"]},
        "corpus.labels: no train text has the label SO-SO",
    ),
    "too few": (
        "t.csv",
        GOOD + ",BAD\n",
        {"counts": COUNTS | {"train": 100}},
        "26 remain for train, but 100 are requested (40 usable in all; 1 left out: ",
    ),
    "nothing for train": (
        "t.csv",
        GOOD,
        {"counts": COUNTS | {"test": 32}},
        "corpus.counts.train: too few texts: 0 remain",
    ),
    "a quote not closed": ("t.csv", GOOD + '"open,BAD\n', {}, "begins on line 42 cannot be read"),
    "not JSON": ("t.jsonl", '{"text": "a"}\n{"text": \n', {}, "line 2 is not JSON"),
    "a JSON array": ("t.json", "[1, 2]", {}, "line 1 is not a JSON object"),
    "undecodable": (
        "t.csv",
        GOOD.encode() + b"caf\xe9,BAD\n",
        {},
        "corpus.encoding: line 42 is not utf-8",
    ),
    "undecodable by the fallback": (
        "t.csv",
        GOOD.encode() + b"caf\x81\xe9,BAD\n",
        {"fallback_encoding": "cp1252"},
        "corpus.fallback_encoding: line 42 can be decoded neither",
    ),
    "no zip": ("t.zip", GOOD, {}, "is not a zip"),
    "an undeclared split": (
        "t.csv",
        "text,polarity,part\na,BAD,holdout\n",
        {"columns": {"text": "text", "polarity": "polarity", "split": "part"}},
        "corpus.columns.split: line 2 names the split 'holdout'",
    ),
}


@pytest.mark.parametrize(
    ("written", "changes", "message"),
    [pytest.param(case[:2], *case[2:], id=name) for name, case in CASES.items()],
)
def test_rejects_file_with_a_mistake_and_suggests_a_remedy(
    files_table, tmp_path, written, changes, message
):
    name, content = written
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageMistake) as mistake:
        read_files(files_table(**changes), file)
    assert message in str(mistake.value)
    assert mistake.value.remedy


def test_rejects_missing_corpus_file(files_table, tmp_path):
    with pytest.raises(UsageMistake, match=r"gone\.csv: no such file"):
        read_files(files_table(), tmp_path / "gone.csv")


def test_rejects_folder_in_place_of_a_corpus_file(files_table, tmp_path):
    with pytest.raises(UsageMistake, match="is not a file"):
        read_files(files_table(), tmp_path)


def test_rejects_truncated_zip(files_table, tmp_path):
    file = tmp_path / "t.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", GOOD)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(UsageMistake, match=r"t\.zip: is not a zip"):
        read_files(files_table(), file)


def test_rejects_zip_with_a_damaged_member(files_table, tmp_path):
    file = tmp_path / "t.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", GOOD)
    file.write_bytes(file.read_bytes().replace(b"text 7", b"text 8"))
    with pytest.raises(UsageMistake, match="is damaged"):
        read_files(files_table(), file)


@pytest.mark.parametrize("names", [["a.csv", "b.csv"], ["a.png", "b.png"]])
def test_rejects_zip_that_contains_more_than_one_file(files_table, tmp_path, names):
    file = tmp_path / "t.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, GOOD)
    with pytest.raises(UsageMistake, match=f"{names[0]}, {names[1]}.*Zip only one"):
        read_files(files_table(), file)
