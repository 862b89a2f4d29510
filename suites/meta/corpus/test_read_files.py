"""Texts in CSV, TSV or JSON lines, plain or zipped, are read unchanged."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.corpus.read import CONFLICTING, DOUBLED, EMPTY, read_files
from models.corpus.split import BEYOND, COPY
from models.corpus.texts import SPLITS


class Shape(NamedTuple):
    """The format of a file of texts."""

    suffix: str
    zipped: bool
    mark: bool
    newline: str


def texts_of(corpus):
    return [row for split in SPLITS for row in corpus.splits[split]]


def write(path, rows, shape):
    """Write rows of (text, polarity) in a file format, and return the file."""
    if shape.suffix == ".jsonl":
        lines = (json.dumps({"text": t, "polarity": p}, ensure_ascii=len(t) % 2) for t, p in rows)
        content = "".join(line + shape.newline for line in lines)
    else:
        out = io.StringIO(newline="")
        delimiter = "\t" if shape.suffix == ".tsv" else ","
        writer = csv.writer(out, delimiter=delimiter, lineterminator=shape.newline)
        writer.writerows([("text", "polarity"), *rows])
        content = out.getvalue()
    data = (b"\xef\xbb\xbf" if shape.mark else b"") + content.encode()
    file = path / f"texts{shape.suffix}"
    if shape.zipped:
        file = path / "texts.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(f"texts{shape.suffix}", data)
            archive.writestr(f"__MACOSX/._texts{shape.suffix}", b"hidden")
    else:
        file.write_bytes(data)
    return file


# A csv file cannot contain NUL or a lone surrogate.
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=60)
SHAPE = st.builds(
    Shape,
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl"]),
    zipped=st.booleans(),
    mark=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(TEXT, min_size=1, max_size=8), shape=SHAPE)
# A carriage return without quotes does not end a line of these files.
@example(texts=["a\rb"], shape=Shape(".csv", zipped=False, mark=False, newline="\n"))
@example(texts=["a\rb", "\r"], shape=Shape(".tsv", zipped=False, mark=True, newline="\r\n"))
def test_texts_read_from_a_file_equal_the_written_ones(files_table, tmp_path, texts, shape):
    # The numbers make all texts different and give enough rows for every split.
    rows = [(f"{at}z {texts[at % len(texts)]} z{at}", ("BAD", "GOOD")[at % 2]) for at in range(100)]
    table = files_table(counts={"validation": 20, "calibration": 20, "test": 20})
    corpus = read_files(table, write(tmp_path, rows, shape))
    assert {(row.text, table.labels[row.label]) for row in texts_of(corpus)} == set(rows)
    assert corpus.left_out == ()


def rows_of(count):
    return [(f"text number {at}", ("BAD", "GOOD")[at % 2]) for at in range(count)]


PLAIN = Shape(".csv", zipped=False, mark=False, newline="\n")


@pytest.fixture
def lines(tmp_path):
    """Return a function that writes a CSV file with a header and rows."""

    def write_lines(header, *rows):
        file = tmp_path / "texts.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header.split(","), *rows])
        return file

    return write_lines


def test_splits_depend_only_on_the_file_and_the_seed(files_table, tmp_path):
    file = write(tmp_path, rows_of(60), PLAIN)
    assert read_files(files_table(), file) == read_files(files_table(), file)
    assert read_files(files_table(), file) != read_files(files_table(seed=4), file)


def test_train_split_gets_all_texts_left_by_the_other_splits(files_table, tmp_path):
    corpus = read_files(files_table(), write(tmp_path, rows_of(60), PLAIN))
    sizes = {split: len(corpus.splits[split]) for split in SPLITS}
    assert sizes == {"train": 46, "validation": 4, "calibration": 4, "test": 6}


def test_texts_beyond_the_requested_sizes_are_omitted_and_counted(files_table, tmp_path):
    table = files_table(counts={"train": 20, "validation": 4, "calibration": 4, "test": 6})
    corpus = read_files(table, write(tmp_path, rows_of(60), PLAIN))
    assert len(corpus.splits["train"]) == 20
    assert [(entry.reason, entry.count) for entry in corpus.left_out] == [(BEYOND, 26)]


def test_rows_with_equal_ids_stay_in_one_split(files_table, lines):
    rows = [(f"t{at // 5}", f"text {at}", ("BAD", "GOOD")[at % 2]) for at in range(200)]
    table = files_table(columns={"text": "text", "polarity": "polarity", "id": "id"})
    corpus = read_files(table, lines("id,text,polarity", *rows))
    splits = [{row.text_id for row in corpus.splits[split]} for split in SPLITS]
    assert sum(map(len, splits)) == len(set.union(*splits))
    assert len(corpus.splits["test"]) == 6


def test_copies_of_a_text_occur_only_in_the_train_split(files_table, lines):
    rows = [
        (f"t{at // 10}", f"text {at}", "AB"[at % 2], ("BAD", "GOOD")[at // 2 % 2])
        for at in range(400)
    ]
    columns = {"text": "text", "polarity": "polarity", "entity": "entity", "id": "id"}
    corpus = read_files(files_table(columns=columns), lines("id,text,entity,polarity", *rows))
    for split in SPLITS:
        texts = corpus.splits[split]
        distinct = {(row.text_id, row.group_id) for row in texts}
        assert (len(distinct) < len(texts)) == (split == "train")
    used = sum(len(texts) for texts in corpus.splits.values())
    copies = sum(entry.count for entry in corpus.left_out if entry.reason == COPY)
    assert used + copies == 400
    # Seven texts with ten copies each are outside of the train split, the only one that keeps
    # copies. Of each, one copy per entity is used, and eight copies are left out.
    assert copies == 7 * 8


def test_rows_with_one_text_for_two_entities_stay_in_one_split(files_table, lines):
    rows = [
        (f"text {at}", entity, ("BAD", "GOOD")[(at + (entity == "B")) % 2])
        for at in range(40)
        for entity in "AB"
    ]
    table = files_table(columns={"text": "text", "polarity": "polarity", "entity": "entity"})
    corpus = read_files(table, lines("text,entity,polarity", *rows))
    splits = [{row.text for row in corpus.splits[split]} for split in SPLITS]
    assert sum(map(len, splits)) == len(set.union(*splits))


def test_split_column_decides_the_split_and_calibration_is_taken_from_train(files_table, lines):
    names = ["train"] * 30 + ["dev"] * 10 + ["test"] * 10
    rows = [(f"text {at}", ("BAD", "GOOD")[at % 2], name) for at, name in enumerate(names)]
    table = files_table(
        columns={"text": "text", "polarity": "polarity", "split": "part"},
        counts={"validation": 10, "calibration": 6, "test": 10},
    )
    corpus = read_files(table, lines("text,polarity,part", *rows))
    numbers = {
        split: {int(row.text.split()[1]) for row in corpus.splits[split]} for split in SPLITS
    }
    assert numbers["test"] == set(range(40, 50))
    assert numbers["validation"] == set(range(30, 40))
    assert len(numbers["calibration"]) == 6
    assert numbers["calibration"] | numbers["train"] == set(range(30))


def test_omitted_rows_are_reported_with_reason_and_line(files_table, lines):
    file = lines(
        "text,polarity",
        *rows_of(40),
        ("line 42 \n and 43", "skip"),
        ("  ", "BAD"),
        ("Text number 0!", "BAD"),
        ("one thing", "BAD"),
        ("ONE thing", "GOOD"),
        ("too", "BAD", "wide"),
    )
    table = files_table(polarities={"BAD": "BAD", "GOOD": "GOOD", "skip": ""})
    corpus = read_files(table, file)
    assert {(entry.where, entry.reason) for entry in corpus.left_out} == {
        ("line 42", "label 'skip' is left out on purpose"),
        ("line 44", EMPTY),
        ("line 45", DOUBLED),
        ("line 46", CONFLICTING),
        ("line 47", CONFLICTING),
        ("line 48", "a row of 3 columns where 2 are expected"),
    }
    assert len(texts_of(corpus)) == 40


def test_equal_texts_about_two_entities_are_not_duplicates(files_table, lines):
    rows = [("so good", "A", "GOOD"), ("so good", "B", "BAD")]
    rows += [(text, "A", polarity) for text, polarity in rows_of(40)]
    table = files_table(columns={"text": "text", "polarity": "polarity", "entity": "entity"})
    assert read_files(table, lines("text,entity,polarity", *rows)).left_out == ()


def test_file_without_a_header_line_is_read_with_declared_column_names(files_table, tmp_path):
    file = tmp_path / "texts.tsv"
    file.write_text("".join(f"{polarity}\t{text}\n" for text, polarity in rows_of(40)))
    table = files_table(header=["polarity", "text"])
    assert len(texts_of(read_files(table, file))) == 40


def test_lines_that_end_in_a_carriage_return_alone_are_read(files_table, tmp_path):
    file = tmp_path / "texts.csv"
    rows = [f"{text},{polarity}" for text, polarity in rows_of(40)]
    rows.append('"two\nlines",BAD')
    file.write_bytes("\r".join(["text,polarity", *rows]).encode())
    assert "two\nlines" in {row.text for row in texts_of(read_files(files_table(), file))}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_or_tabs_are_detected_as_csv_delimiter(files_table, tmp_path, delimiter):
    file = tmp_path / "texts.csv"
    lines = ["text" + delimiter + "polarity", *(f"{t}{delimiter}{p}" for t, p in rows_of(40))]
    file.write_text("\n".join(lines))
    assert len(texts_of(read_files(files_table(), file))) == 40


def test_polarities_may_be_numbers_in_json_lines(files_table, tmp_path):
    file = tmp_path / "texts.jsonl"
    rows = ({"text": text, "polarity": int(p == "GOOD"), "n": None} for text, p in rows_of(40))
    file.write_text("\n".join(map(json.dumps, rows)))
    table = files_table(polarities={"0": "BAD", "1": "GOOD"})
    assert len(texts_of(read_files(table, file))) == 40


def test_lines_that_are_not_utf_8_are_decoded_with_the_fallback_encoding(files_table, tmp_path):
    file = tmp_path / "texts.csv"
    lines = [f"{text},{polarity}".encode() for text, polarity in rows_of(40)]
    lines += ["caf\u00e9 utf,BAD".encode(), "caf\u00e9 cp,BAD".encode("cp1252")]
    file.write_bytes(b"\n".join([b"text,polarity", *lines]))
    corpus = read_files(files_table(fallback_encoding="cp1252"), file)
    assert {"caf\u00e9 utf", "caf\u00e9 cp"} <= {row.text for row in texts_of(corpus)}


def test_file_in_utf_16_is_read_if_the_encoding_is_declared(files_table, tmp_path):
    file = tmp_path / "texts.csv"
    lines = ["text,polarity", *(f"{text} \u00e9,{polarity}" for text, polarity in rows_of(40))]
    file.write_text("\n".join(lines), encoding="utf-16")
    assert len(texts_of(read_files(files_table(encoding="utf-16"), file))) == 40
