"""The table of error messages in docs/my-flatbuffer.md matches the tested mistakes."""

from __future__ import annotations

import re

import pytest

from models.errors import UsageMistake
from models.store import PROJECT
from suites.meta.door.handing import provider_by
from suites.meta.door.refused import EVERYTHING

PAGE = PROJECT / "docs" / "my-flatbuffer.md"
# Names of mistakes in `EVERYTHING`, by the first cell of a row of the page's table.
ROWS = {
    "the file is missing, empty, or cut off": (*("no such file", "an empty file", "half a file"),),
    "it is a file of another kind": (
        *("a pointer of Git LFS", "a placeholder", "a web page", "an archive"),
    ),
    "it was copied in text mode": ("a copy in text mode",),
    "Flex or custom operators": ("an operator of TensorFlow", "an operator of its maker"),
    "its weights are not in the file": ("weights that are not in the file",),
    "it takes text instead of ids, or has no inputs": (
        "a file without inputs",
        "a file that takes text",
    ),
    "its ids were quantized to int8": ("ids that were quantized with the rest",),
    "a role, a signature, or an output that is not certain": (
        *("several signatures", "inputs of no known name", "several outputs"),
    ),
    "a signature that lacks inputs or outputs of its graph": (
        "a signature that names half of another graph",
    ),
    "a name that the file does not have": (
        *("a signature that is not there", "inputs that are not there"),
    ),
    "only some inputs are declared": ("inputs that are not all declared",),
    "a length that the file does not take": ("another length", "other lengths"),
    "an output that is no answer to a text": ("an output for each token",),
    "a meaning or threshold that contradicts the graph": (
        *("a meaning that the graph denies", "a meaning that does not exist"),
        "a threshold of three scores",
    ),
    "two candidates of one name": ("two candidates of one name",),
    "no texts, no file, no rows": (
        *("no texts", "no file of texts", "a header alone", "texts that are all empty"),
    ),
    "a missing column": (
        *("no column of labels", "no column of texts", "no column of groups"),
        *("no column of second texts", "no column of ids", "a use that columns do not have"),
    ),
    "a table that is not a text file: Parquet, a spreadsheet": (
        "a file of Parquet",
        "a spreadsheet",
    ),
    "a label that the list lacks": ("a label that the list lacks",),
    "more or fewer labels than scores": ("more labels than outputs", "fewer labels than outputs"),
    "a label twice, or a missing list of labels": ("a label twice", "no file of labels"),
    "labels whose order is not certain": (
        *("nothing that orders labels", "nothing in a TOML that orders labels"),
        "numbers that are no places in the output",
    ),
    "labels as JSON": ("labels as JSON",),
    "several labels for one text": (
        *("several labels in a cell", "a one for each label", "labels as a list of JSON"),
    ),
    "no tokenizer and no column of ids, or both": (
        *("nothing that makes ids", "a tokenizer and a column of ids"),
    ),
    "a missing tokenizer, or one whose kind is not certain": (
        *("no file of the tokenizer", "a kind of tokenizer that does not exist"),
        "a word list of no certain kind",
    ),
    "a pickle, or the model, in place of a vocabulary": (
        *("a pickle of a tokenizer", "the model in place of its vocabulary"),
    ),
    "a vocabulary that belongs to another file": (
        *("ids beyond the table", "an unknown token beyond the table"),
        *("a padding beyond the table", "a token around texts beyond the table"),
        *("a vocabulary in the metadata without its tokens", "a vocabulary of other words"),
        "a column of ids beyond the table",
    ),
    "a column of ids with other content, or with more ids than the file takes": (
        "a column of ids below zero",
        "more ids than the file takes",
    ),
    "a reference that cannot be compared with": (
        *("a reference that is not there", "recorded answers of no known kind"),
        *("no model of ONNX", "half a model of ONNX"),
        "weights of a model of ONNX that are not there",
    ),
    "recorded answers that are missing, doubled, or unknown": (
        *("answers that miss texts", "answers that are there twice", "answers to other texts"),
        "answers of another label",
    ),
    "a TOML with an unknown key, or with a name or a value that does not fit": (
        *("an unknown key", "one name twice", "no candidate", "no such contract"),
        "a value of no label",
    ),
    "a TOML and an option, or two candidates, that contradict each other": (
        *("labels in two orders", "two references", "an option that the TOML answers"),
    ),
}


def rows_of_the_page():
    """Return the parts of messages that each row of the table quotes, by the row's first cell."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## Error messages")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]
    return {first: re.findall(r"`([^`]+)`", second) for first, second in cells}


def message_of(name, folder):
    with pytest.raises(UsageMistake) as caught:
        provider_by(EVERYTHING[name].make(folder))
    return str(caught.value)


def test_documented_error_messages_and_tested_mistakes_correspond():
    assert list(rows_of_the_page()) == list(ROWS)
    examples = [name for names in ROWS.values() for name in names]
    assert sorted(examples) == sorted(EVERYTHING)


@pytest.mark.parametrize("row", ROWS)
def test_documentation_shows_the_actual_error_messages(row, tmp_path_factory):
    parts = rows_of_the_page()[row]
    messages = [message_of(name, tmp_path_factory.mktemp("refused")) for name in ROWS[row]]
    assert parts
    for part in parts:
        assert any(part in message for message in messages), (part, messages)
    for message in messages:
        assert any(part in message for part in parts), message
