"""Each key in a TOML of candidates accepts each TOML type, or rejects it in one message."""

from __future__ import annotations

import json

import msgspec
import pytest

from models.candidates.declaration import (
    CandidatesTable,
    CandidateTable,
    InputsTable,
    OutputTable,
    ReferenceTable,
    read_candidates,
)
from models.candidates.texts import TextsTable
from models.errors import UsageMistake
from models.tokenizers.kinds import TokenizerSettings
from suites.meta.door.handing import provider_by
from suites.meta.door.refused import Refused

VALUES = {
    "a word": '"x"',
    "nothing": '""',
    "a zero byte": '"a\\u0000b"',
    "a number": "3",
    "a negative number": "-1",
    "a number beyond 64 bits": "18446744073709551616",
    "a real": "1.5",
    "not a number": "nan",
    "infinity": "inf",
    "a truth": "true",
    "a day": "2020-01-01",
    "a time": "07:00:00",
    "an empty list": "[]",
    "a list of numbers": "[1]",
    "a list of lists": '[["a"]]',
    "a mixed list": '[1, "a"]',
    "a list of tables": "[{ a = 1 }]",
    "an empty table": "{}",
    "a table": "{ zz = 1 }",
}
TABLES = {
    "": CandidatesTable,
    "corpus": TextsTable,
    "tokenizer": TokenizerSettings,
    "reference": ReferenceTable,
    "reference.inputs": InputsTable,
    "reference.output": OutputTable,
    "candidates": CandidateTable,
    "candidates.inputs": InputsTable,
    "candidates.output": OutputTable,
}
PLACES = [
    (table, field.name) for table, kind in TABLES.items() for field in msgspec.structs.fields(kind)
]
# Required keys of each table.
NEEDED = {
    "corpus": {"file": '"reviews.csv"'},
    "tokenizer": {"file": '"words.txt"'},
    "reference": {"file": '"other.tflite"'},
    "reference.inputs": {"ids": "0"},
    "candidates.inputs": {"ids": "0"},
    "candidates": {"name": '"mine"', "flatbuffer": '"mine.tflite"'},
}


def written(table, key, value):
    """Return a TOML in which one key of a table has this value."""
    tables = {"": {}, "candidates": NEEDED["candidates"]}
    above = table.partition(".")[0]
    tables[above] = dict(NEEDED.get(above, {}))
    tables[table] = tables.get(table, NEEDED.get(table, {})) | {key: value}
    if (table, key) == ("", "candidates"):
        del tables["candidates"]
    heads = {"": "", "candidates": "[[candidates]]\n"}
    parts = [
        heads.get(name, f"[{name}]\n") + "".join(f"{k} = {v}\n" for k, v in content.items())
        for name, content in tables.items()
    ]
    return "\n".join(parts)


@pytest.mark.parametrize(("table", "key"), PLACES, ids=[f"{t}.{k}".strip(".") for t, k in PLACES])
def test_each_toml_type_is_accepted_or_rejected_with_an_error_that_names_file_and_key(
    table, key, tmp_path
):
    file = tmp_path / "mine.toml"
    refused: dict[str, UsageMistake] = {}
    for name, value in VALUES.items():
        file.write_text(written(table, key, value), encoding="utf-8")
        try:
            read_candidates(file)
        except UsageMistake as mistake:
            refused[name] = mistake
    for name, mistake in refused.items():
        assert mistake.file == str(file), name
        assert key in f"{mistake.key} {mistake.what}", name
        assert mistake.remedy, name
    # No key accepts a time of day or a list of lists.
    assert {"a time", "a list of lists"} <= refused.keys()


PATHS = [
    *(("", key) for key in ("corpus", "labels", "tokenizer", "reference", "budgets", "device")),
    *(("", "known_failures"), ("", "baseline"), ("corpus", "file"), ("tokenizer", "file")),
    *(("reference", "file"), ("reference", "tokenizer"), ("candidates", "flatbuffer")),
    *(("candidates", key) for key in ("labels", "tokenizer", "reference")),
]


@pytest.mark.parametrize(("table", "key"), PATHS, ids=[f"{t}.{k}".strip(".") for t, k in PATHS])
@pytest.mark.parametrize("value", ["", " ", "a\0b", "a/\0.toml"])
def test_error_on_a_value_that_is_not_a_path_names_file_and_key(table, key, value, tmp_path):
    is_name = key in {"budgets", "device"} and value.strip() and not value.endswith(".toml")
    file = tmp_path / "mine.toml"
    file.write_text(written(table, key, json.dumps(value)), encoding="utf-8")
    if is_name:
        read_candidates(file)  # the value is a name, which is looked up later
        return
    with pytest.raises(
        UsageMistake, match=r"is empty, but a path is needed|cannot be a path"
    ) as caught:
        read_candidates(file)
    assert caught.value.file == str(file)
    assert caught.value.key.endswith(key)


def test_tilde_in_a_path_is_expanded_to_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    file = tmp_path / "mine.toml"
    file.write_text(written("corpus", "file", '"~/reviews.csv"'), encoding="utf-8")
    assert read_candidates(file).corpus.file == str(tmp_path / "home" / "reviews.csv")


CORPUS = {
    "a column without a name": ('text = ""', "`text` = '' is not a column"),
    "a group of blanks": ('group = "  "', "`group` = '  ' is not a column"),
    "no such encoding": ('encoding = "utf-9"', "'utf-9'"),
    "an encoding without a name": ('encoding = ""', "encoding called ''"),
    "an encoding of bytes": ('fallback_encoding = "base64"', "'base64'"),
    "a header without the column": ('header = ["label", "review"]', "occurs 0 times in `header`"),
    "a header with it twice": ('header = ["text", "label", "text"]', "occurs 2 times in `header`"),
}


@pytest.mark.parametrize("name", CORPUS)
def test_error_in_the_corpus_table_names_the_toml(name, tmp_path):
    line, message = CORPUS[name]
    file = "[[candidates]]\nname = 'a'\nflatbuffer = 'ok.tflite'\n"
    toml = f"labels = ['a', 'b', 'c']\n[corpus]\nfile = 'texts.csv'\n{line}\n{file}"
    refused = Refused(says=(), toml=toml, options={})
    with pytest.raises(UsageMistake) as caught:
        provider_by(refused.make(tmp_path))
    assert message in caught.value.what
    assert caught.value.key == "corpus"
    assert str(caught.value.file).endswith(".toml")
