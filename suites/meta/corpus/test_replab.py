"""The RepLab 2013 package is read, filtered and split as documented."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from models.building.plan import check_inputs, make_plan, make_request
from models.corpus.artefact import build_corpus, load_corpus, load_summary
from models.corpus.clean import normalized
from models.corpus.replab import read_replab
from models.corpus.source import hash_corpus
from models.corpus.texts import SPLITS, LabelledText
from models.errors import UsageMistake
from models.store import Stage, Store
from models.subjects import load_subject
from suites.meta.corpus.replab_package import (
    BANKING,
    MINIATURE_ENTITIES,
    MINIATURE_TWEETS,
    MUSIC,
    Style,
    Written,
    miniature_tweets,
    replab_table,
    write_miniature,
    write_package,
)

if TYPE_CHECKING:
    from pathlib import Path

    from models.corpus.texts import Corpus

PLAIN = {folder: 4 * tweets for folder, tweets in MINIATURE_TWEETS.items()}
STYLES = {
    "together": Style(),
    "by split": Style(texts="by split"),
    "beside": Style(texts="beside", mark=True, ends="\r\n"),
}


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the miniature RepLab package, with its texts in one folder; return its folder."""
    return write_miniature(tmp_path_factory.mktemp("replab"))


@pytest.fixture(scope="session")
def corpus(package: Path) -> Corpus:
    """Return the corpus of the miniature."""
    return read_replab(replab_table(), package)


def everything(corpus: Corpus) -> list[LabelledText]:
    """Return the tweets of all splits."""
    return [tweet for split in SPLITS for tweet in corpus.splits[split]]


def test_omitted_tweets_are_reported_with_reason_and_line(corpus: Corpus) -> None:
    assert Counter(entry.reason for entry in corpus.left_out) == {
        "unrelated to its entity": 2,
        "language is ES": 4,
        "empty text: the tweet was deleted": 2,
        "no text: it was not downloaded": 2,
        "its polarity is none of NEGATIVE, NEUTRAL, POSITIVE": 2,
        "training tweet that is a near-duplicate": 1,
        "training tweet that a test tweet repeats": 2,
    }
    broken = [entry for entry in corpus.left_out if "none of" in entry.reason]
    assert [entry.where for entry in broken] == [
        "training/labeled/RL2013D04E904.dat: line 53",
        "training/labeled/RL2013D04E904.dat: line 54",
    ]
    assert len({entry.text_id for entry in corpus.left_out}) == len(corpus.left_out)


def test_every_tweet_is_in_a_split_or_reported_as_omitted(corpus: Corpus) -> None:
    used = Counter(tweet.text_id for tweet in everything(corpus))
    used.update(entry.text_id for entry in corpus.left_out)
    assert used == Counter(tweet.tweet_id for tweet in miniature_tweets())


def test_official_training_and_test_tweets_stay_in_their_splits(corpus: Corpus) -> None:
    test_ids = {tweet.tweet_id for tweet in miniature_tweets() if tweet.folder == "test"}
    assert {tweet.text_id for tweet in corpus.splits["test"]} <= test_ids
    assert len(corpus.splits["test"]) == PLAIN["test"] + 4
    for split in ("train", "validation", "calibration"):
        assert not {tweet.text_id for tweet in corpus.splits[split]} & test_ids
    assert len(corpus.splits["validation"]) == 12
    assert len(corpus.splits["calibration"]) == 9
    assert len(corpus.splits["train"]) == PLAIN["training"] + 4 - 21


def test_text_is_encoded_with_the_name_of_its_entity_and_grouped_by_the_entity_id(
    corpus: Corpus,
) -> None:
    names = {(tweet.group_id, tweet.group) for tweet in everything(corpus)}
    assert ("RL2013D04E904", 'The "Quiet" Tides') in names
    assert len(names) == 4
    tweet = corpus.splits["test"][0]
    assert tweet.parts(pair_with_group=True) == (tweet.group_name, tweet.text)


def test_entity_without_a_name_is_named_by_its_id() -> None:
    assert LabelledText("1", "Veltra", "text", 0).parts(pair_with_group=True) == ("Veltra", "text")
    assert LabelledText("1", "", "text", 0).parts(pair_with_group=True) == ("text",)


def test_polarities_are_ordered_from_the_worst_to_the_best(corpus: Corpus) -> None:
    polarity_of = {(t.entity_id, t.tweet_id): t.polarity for t in miniature_tweets()}
    for tweet in everything(corpus):
        assert corpus.labels[tweet.label] == polarity_of[tweet.group_id, tweet.text_id]
    assert corpus.labels == ("NEGATIVE", "NEUTRAL", "POSITIVE")


def test_quotes_tabs_and_line_ends_in_tweets_are_preserved(corpus: Corpus) -> None:
    texts = {tweet.text for tweet in everything(corpus)}
    assert 'they play "Low ""Water""" at\ttest\nand tomorrow' in texts
    assert "odd \x85 signs, 5 \u20ac, test" in texts


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_layout_of_the_package_does_not_change_the_corpus(
    style: Style, corpus: Corpus, tmp_path: Path
) -> None:
    again = read_replab(replab_table(), write_miniature(tmp_path, style))
    assert again.splits == corpus.splits
    assert Counter(entry.reason for entry in again.left_out) == Counter(
        entry.reason for entry in corpus.left_out
    )


@pytest.mark.parametrize("seed", range(6))
def test_splits_share_no_tweet_and_no_text(seed: int, package: Path) -> None:
    corpus = read_replab(replab_table(seed=seed), package)
    for identity in (lambda t: t.text_id, lambda t: normalized(t.text)):
        owners = {split: {identity(tweet) for tweet in corpus.splits[split]} for split in SPLITS}
        assert sum(map(len, owners.values())) == len(set.union(*owners.values()))


def test_seed_changes_the_validation_tweets_but_not_the_official_test_tweets(
    package: Path,
) -> None:
    first, second = (read_replab(replab_table(seed=seed), package) for seed in (1, 2))
    assert first.splits["validation"] != second.splits["validation"]
    assert first.splits["test"] == second.splits["test"]


def test_splits_have_the_requested_sizes_and_the_rest_is_reported(package: Path) -> None:
    counts = {"train": 30, "validation": 5, "calibration": 5, "test": 20}
    corpus = read_replab(replab_table(counts=counts), package)
    assert {split: len(tweets) for split, tweets in corpus.splits.items()} == counts
    beyond = sum(entry.reason == "beyond the requested counts" for entry in corpus.left_out)
    assert beyond == PLAIN["training"] + 4 + PLAIN["test"] + 4 - 60


def test_empty_list_of_languages_selects_every_language(package: Path) -> None:
    corpus = read_replab(replab_table(languages=[]), package)
    assert "qué buen banco, test" in {tweet.text for tweet in corpus.splits["test"]}


@pytest.mark.parametrize("info", ["none", "without language"])
def test_package_without_languages_requires_an_empty_list_of_languages(
    info: str, tmp_path: Path
) -> None:
    root = write_miniature(tmp_path, Style(info=info))
    with pytest.raises(UsageMistake, match=r"corpus\.languages: gives no language"):
        read_replab(replab_table(), root)
    corpus = read_replab(replab_table(languages=[]), root)
    assert len(corpus.splits["test"]) == PLAIN["test"] + 6


def test_tweet_of_unknown_language_is_omitted_with_a_reason(tmp_path: Path) -> None:
    tweets = [*miniature_tweets(), Written("test", BANKING.entity_id, "999999", "?", language="")]
    root = write_package(tmp_path, [BANKING], tweets)
    with pytest.raises(UsageMistake, match=r"entities\.tsv: lacks the entity RL2013D01"):
        read_replab(replab_table(), root)
    shutil.rmtree(root)
    write_package(root, [BANKING], [t for t in tweets if t.entity_id == BANKING.entity_id])
    corpus = read_replab(replab_table(), root)
    (unknown,) = (entry for entry in corpus.left_out if entry.text_id == "999999")
    assert unknown.reason == "language is not known"


def test_package_encoded_in_latin_1_is_read(tmp_path: Path) -> None:
    root = write_miniature(tmp_path, Style(encoding="latin-1"))
    corpus = read_replab(replab_table(languages=["ES", "EN"]), root)
    texts = {tweet.text for tweet in corpus.splits["test"]}
    assert {"qué buen banco, test", "no abre, señor, test"} <= texts


def test_unreadable_row_of_the_package_is_omitted(tmp_path: Path) -> None:
    root = write_miniature(tmp_path)
    with (root / f"training/labeled/{MUSIC.entity_id}.dat").open("a", encoding="utf-8") as file:
        file.write('"216287162696999999"\t"who"\n')
    corpus = read_replab(replab_table(), root)
    (broken,) = (entry for entry in corpus.left_out if entry.reason == "row cannot be read")
    assert broken.where == f"training/labeled/{MUSIC.entity_id}.dat: line 56"


def test_second_row_for_one_tweet_and_entity_is_omitted(tmp_path: Path) -> None:
    tweets = miniature_tweets()
    root = write_package(tmp_path, MINIATURE_ENTITIES, [*tweets, tweets[0]])
    (second,) = (
        entry.text_id
        for entry in read_replab(replab_table(), root).left_out
        if entry.reason == "second row of one tweet and entity"
    )
    assert second == tweets[0].tweet_id


def subject_of(**changes: Any) -> Any:
    """Return the embedded subject with a RepLab corpus."""
    tokenizer = load_subject("embedded").tokenizer
    return msgspec.structs.replace(
        load_subject("embedded"),
        corpus=replab_table(**changes),
        tokenizer=msgspec.structs.replace(tokenizer, vocabulary=300),
    )


def test_stored_corpus_of_the_package_equals_the_corpus_that_was_read(
    package: Path, corpus: Corpus, tmp_path: Path
) -> None:
    artefact = Store(tmp_path).get(
        Stage("corpus", {}),
        lambda out: build_corpus(subject_of(), out, package, None, lambda _: None),
    )
    assert load_corpus(artefact) == corpus
    assert load_summary(artefact)["source_sha256"] == hash_corpus(package)


def test_store_key_of_the_corpus_changes_if_a_byte_of_the_package_changes(tmp_path: Path) -> None:
    root, second = write_miniature(tmp_path / "one"), write_miniature(tmp_path / "other")
    (second / "background").mkdir()
    keys = [
        make_plan(make_request(subject_of(), corpus=folder)).corpus.key for folder in (root, second)
    ]
    assert keys[0] == keys[1]
    text = second / f"tweet_text/{MUSIC.entity_id}_texts.tsv"
    text.write_bytes(text.read_bytes().replace(b"library", b"Library", 1))
    assert make_plan(make_request(subject_of(), corpus=second)).corpus.key != keys[0]


def test_rejects_folder_that_is_not_the_replab_package(package: Path, tmp_path: Path) -> None:
    for wrong in (tmp_path, package / "entities/replab2013_entities.tsv"):
        with pytest.raises(UsageMistake, match="--edge-corpus"):
            check_inputs(subject_of(), (), wrong, None)
    with pytest.raises(UsageMistake, match="Give the path of your RepLab 2013 package"):
        check_inputs(subject_of(), (), None, None)
