"""Each mistake about the RepLab package is reported in one message with file, key and remedy."""

from __future__ import annotations

import shutil

import msgspec
import pytest

from models.corpus.replab import read_replab
from models.errors import UsageMistake
from suites.meta.corpus.replab_package import MUSIC, replab_table, write_miniature

SMALLEST = {"train": 1, "validation": 1, "calibration": 1}

# By case: changes to the table, and a part of the message.
UNFIT_TABLES = {
    "labels from the best": (
        {"labels": ["POSITIVE", "NEUTRAL", "NEGATIVE"]},
        r"corpus\.labels: the labels POSITIVE",
    ),
    "a header": (
        {"header": ["text"]},
        r"corpus\.header: this key has no effect: the RepLab package",
    ),
    "polarities": ({"polarities": {"NEUTRAL": ""}}, r"polarities: this key has no effect"),
    "more than training has": (
        {"counts": {"validation": 900, "calibration": 2}},
        r"counts\.\w+: too few tweets: \d+ remain for \w+, but \d+ are requested \(\d+ left out",
    ),
    "more than test has": (
        {"counts": {"validation": 2, "calibration": 2, "test": 900}},
        r"corpus\.counts\.test: too few tweets: 100 remain for test, but 900 are requested",
    ),
}


def test_rejects_missing_package_folder(tmp_path):
    with pytest.raises(UsageMistake, match="no such folder"):
        read_replab(replab_table(), tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("entities", r"holds no entities/replab2013_entities\.tsv"),
        ("training/labeled", "holds no training/labeled/RL2013"),
        ("test/labeled", "holds no test/labeled/RL2013"),
        ("tweet_text", "the package holds no texts, neither in"),
    ],
)
def test_rejects_package_without_a_required_folder(part, message, tmp_path):
    root = write_miniature(tmp_path)
    shutil.rmtree(root / part)
    with pytest.raises(UsageMistake, match=message) as caught:
        read_replab(replab_table(), root)
    assert caught.value.key == "--edge-corpus"
    assert caught.value.file == str(root)


@pytest.mark.parametrize("column", ["polarity", "filtering", "entity_id", "tweet_id"])
def test_rejects_package_without_a_required_column(column, tmp_path):
    path = write_miniature(tmp_path) / f"test/labeled/{MUSIC.entity_id}.dat"
    text = path.read_text(encoding="utf-8").replace(f'"{column}"', '"other"', 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageMistake, match=f"has no column '{column}', only") as caught:
        read_replab(replab_table(), tmp_path)
    assert caught.value.file == str(path)


def test_rejects_package_with_an_empty_file(tmp_path):
    path = write_miniature(tmp_path) / f"test/labeled/{MUSIC.entity_id}.dat"
    path.write_bytes(b"")
    with pytest.raises(UsageMistake, match="is empty"):
        read_replab(replab_table(), tmp_path)


@pytest.mark.parametrize("name", UNFIT_TABLES)
def test_rejects_corpus_settings_that_do_not_fit_the_package(name, tmp_path):
    changes, message = UNFIT_TABLES[name]
    with pytest.raises(UsageMistake, match=message):
        read_replab(replab_table(**changes), write_miniature(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "generated", "counts": SMALLEST},
        {"source": "files", "languages": ["ES"], "counts": {**SMALLEST, "test": 1}},
    ],
)
def test_rejects_replab_settings_for_other_corpora(changes):
    with pytest.raises(msgspec.ValidationError):
        replab_table(**changes)
