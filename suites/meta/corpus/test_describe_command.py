"""`python -m models.corpus describe` counts the texts of a written package."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import models.corpus
from models.corpus.__main__ import main
from models.subjects import FOLDER
from suites.meta.corpus.replab_package import (
    FOLDERS,
    MINIATURE_ENTITIES,
    Style,
    miniature_tweets,
    write_miniature,
)

POLARITIES = ("NEGATIVE", "NEUTRAL", "POSITIVE")
CHECKPOINT = Path(models.corpus.__file__).parents[3] / "shared/weights/all-MiniLM-L6-v2"
REPLAB_SUBJECT = """
[corpus]
source = "replab"
labels = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
counts = { validation = 12, calibration = 9 }
seed = 7
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Write the miniature RepLab package; return its folder."""
    return write_miniature(tmp_path_factory.mktemp("replab"))


@pytest.fixture
def describe(capsys):
    """Return a function that runs the command and returns its JSON document."""

    def run(*arguments):
        assert main(["describe", *map(str, arguments)]) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def replab_subject(tmp_path):
    """Write the TOML of a subject with a RepLab corpus; return its path."""
    text = (
        (FOLDER / "embedded.toml")
        .read_text(encoding="utf-8")
        .replace('name = "embedded"', 'name = "mine"')
    )
    begins, ends = text.index("[corpus]"), text.index("[tokenizer]")
    text = text[:begins] + REPLAB_SUBJECT + text[ends:]
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("vocabulary = 4000", "vocabulary = 300"), encoding="utf-8")
    return path


def counted(tweets):
    """Count tweets as the command does."""
    counts = Counter(tweet.polarity for tweet in tweets)
    return {
        "tweets": len(tweets),
        "polarities": {polarity: counts[polarity] for polarity in POLARITIES},
    }


@pytest.mark.parametrize("language", ["EN", "ES", "all"])
@pytest.mark.parametrize("split", [*FOLDERS, "official_test"])
def test_related_tweets_are_counted_with_and_without_near_duplicates(
    split, language, package, describe
):
    counts = describe(package)["related_with_polarity"][split][language]
    tweets = [
        tweet
        for tweet in miniature_tweets()
        if tweet.folder == split.removeprefix("official_")
        and tweet.filtering == "RELATED"
        and tweet.polarity in POLARITIES
        and language in (tweet.language, "all")
        and (tweet.official or split != "official_test")
    ]
    assert counts == {
        **counted(tweets),
        "without_near_duplicates": counted([t for t in tweets if t.near_duplicate_of == "-1"]),
        "with_text": counted([tweet for tweet in tweets if tweet.text]),
    }


def test_counts_of_all_entities_add_up_to_the_counts_of_their_split(package, describe):
    document = describe(package)
    assert list(document["by_entity"]) == [entity.entity_id for entity in MINIATURE_ENTITIES]
    for split, languages in document["related_with_polarity"].items():
        for language, counts in languages.items():
            total = Counter()
            for entity in document["by_entity"].values():
                total.update(entity.get(split, {}).get(language, {}))
            assert total == Counter(counts["polarities"])


def test_describe_counts_labels_and_texts_and_compares_with_the_gold_standard(package, describe):
    document = describe(package)
    assert document["labeled"]["training"] == {
        "rows": 206,
        "related": 205,
        "unrelated": 1,
        "related_with_polarity": 203,
        "related_without_polarity": 0,
        "related_with_broken_polarity": 2,
        "tweets_of_two_entities": 1,
    }
    assert document["package"]["texts"] == {"files": 4, "present": 307, "empty": 2, "missing": 2}
    assert document["gold_standard"]["training"] == {
        "tweets": 205,
        "as_labeled": 203,
        "labeled_otherwise": 0,
        "not_labeled": 2,
        "only_labeled": 0,
    }
    assert document["gold_standard"]["official_test"]["only_labeled"] == 12


def test_describe_lists_every_omitted_tweet_under_its_reason(package, describe):
    left_out = describe(package)["left_out"]
    assert left_out["language is ES"]["count"] == 4
    broken = left_out["its polarity is none of NEGATIVE, NEUTRAL, POSITIVE"]
    assert [left_out_text["where"].partition(":")[0] for left_out_text in broken["texts"]] == [
        "training/labeled/RL2013D04E904.dat",
        "training/labeled/RL2013D04E904.dat",
    ]
    counts = describe(package, "--counts-only")["left_out"]
    assert counts == {reason: entry["count"] for reason, entry in left_out.items()}
    assert all(entry["count"] == len(entry["texts"]) for entry in left_out.values())


def test_describe_reports_trivial_classifiers_for_each_test_split_and_language(package, describe):
    document = describe(package)
    for split in ("test", "official_test"):
        for language, floors in document["floors"][split].items():
            counts = document["related_with_polarity"][split][language]
            positive = counts["polarities"]["POSITIVE"] / counts["tweets"]
            assert floors["always_POSITIVE"]["accuracy"] == pytest.approx(positive, abs=1e-6)
            assert floors["group_majority_of_training"]["texts"] == counts["tweets"]


def test_package_whose_texts_were_not_downloaded_can_be_described(tmp_path, describe):
    root = write_miniature(tmp_path)
    shutil.rmtree(root / "tweet_text")
    document = describe(root, "--counts-only")
    assert document["package"]["texts"]["files"] == 0
    assert document["related_with_polarity"]["training"]["EN"]["tweets"] == 201
    assert document["left_out"]["no text: it was not downloaded"] == 303


def test_package_without_languages_or_gold_standards_can_be_described(tmp_path, describe):
    root = write_miniature(tmp_path, Style(info="none", texts="beside"))
    for folder in ("goldstandard", "goldstandard_official_replab2013"):
        shutil.rmtree(root / "test" / folder)
    document = describe(root, "--counts-only")
    assert list(document["related_with_polarity"]["training"]) == ["unknown", "all"]
    assert "official_test" not in document["related_with_polarity"]
    assert "omitted" in document["gold_standard"]["test"]
    assert "language is not known" not in document["left_out"]


def test_described_splits_have_the_sizes_that_the_subject_requests(
    package, replab_subject, describe
):
    document = describe(package, "--subject", replab_subject, "--counts-only")
    assert {split: described["texts"] for split, described in document["splits"].items()} == {
        "train": 175,
        "validation": 12,
        "calibration": 9,
        "test": 100,
    }
    assert document["related_with_polarity"]["test"]["EN"]["tweets"] == 102
    assert document["tokens"]["test"]["texts"] == 100


def test_generated_corpus_of_a_subject_can_be_described(tmp_path, describe):
    path = tmp_path / "mine.toml"
    text = (
        (FOLDER / "embedded.toml")
        .read_text(encoding="utf-8")
        .replace('name = "embedded"', 'name = "mine"')
    )
    counts = "counts = { train = 60, validation = 8, calibration = 8, test = 12 }"
    lines = [counts if line.startswith("counts") else line for line in text.splitlines()]
    path.write_text("\n".join(lines), encoding="utf-8")
    document = describe("--subject", path)
    assert {split: described["texts"] for split, described in document["splits"].items()} == {
        "train": 60,
        "validation": 8,
        "calibration": 8,
        "test": 12,
    }
    for split in document["splits"].values():
        assert sum(split["labels"].values()) == split["texts"]
        assert (
            sum(sum(counts_of_label.values()) for counts_of_label in split["by_group"].values())
            == split["texts"]
        )
    assert document["tokens"]["train"]["share_within_64"] > 0.9
    assert document["left_out"] == {}


def test_token_counts_require_a_tokenizer(package, describe):
    assert "give --pretrained" in describe(package)["tokens"]["omitted"]


def test_describe_counts_tokens_with_the_tokenizer_of_a_checkpoint(package, describe):
    if not CHECKPOINT.is_dir():
        pytest.skip("needs ../shared/weights/all-MiniLM-L6-v2")
    tokens = describe(package, "--pretrained", CHECKPOINT)["tokens"]
    published, without = (
        tokens["as_published"]["test"],
        tokens["without_mentions_and_links"]["test"],
    )
    assert published["texts"] == 100
    assert published["max"] > without["max"] > 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "neither a subject nor a RepLab 2013 package was given"),
        (["nowhere"], "nowhere: neither a subject nor"),
        (["--subject", "nobody"], "no subject is called 'nobody'"),
        (["x.csv", "--subject", "embedded"], "generates its texts, so "),
        (["--subject", "airline"], "needs your labelled texts"),
        (["--subjects", "embedded"], "See python -m models.corpus"),
    ],
)
def test_invalid_argument_is_reported_in_one_message(arguments, message, capsys):
    assert main(["describe", *arguments]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert all(word in err for word in arguments if word.endswith(".csv"))
    assert err.count("\n") == 1


def test_closed_output_pipe_causes_no_traceback(package):
    command = [sys.executable, "-m", "models.corpus", "describe", str(package)]
    root = Path(models.corpus.__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["package"]["path"] == str(package)
    running = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert b"Traceback" not in running.stderr.read()
    running.wait()
    running.stderr.close()
