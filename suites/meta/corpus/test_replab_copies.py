"""Tweets are read unchanged from every variant of the package."""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.corpus.quoted import read_quoted
from models.corpus.replab_package import LabeledTweet, Package, read_package
from models.corpus.replab_select import select
from suites.meta.corpus.replab_package import MINIATURE_ENTITIES, Style, Written, write_package

HEADER = "tweet_id\tauthor\tentity_id\ttext\n"
COLUMNS = ("tweet_id", "text")
INFOS = ("whole", "without language", "language in texts", "none")
IDS = [entity.entity_id for entity in MINIATURE_ENTITIES]
# Characters that break careless readers: quotes, tabs, line ends, separators that Python counts as
# line ends.
HOSTILE = st.text(st.sampled_from('"\t\n\r\x85\u2028 aé\u20ac\U0001f600,;#@'), max_size=12)
LATIN_1 = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\x00\r"), max_size=12)


def is_latin_1(text: str) -> bool:
    """Tell whether no line of a text in latin-1 happens to be valid UTF-8."""
    return all(line.isascii() or not _is_utf_8(line.encode("latin-1")) for line in text.split("\n"))


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@st.composite
def packages(draw: st.DrawFn) -> tuple[list[Written], Style]:
    """Generate tweets of both splits and several entities, and a layout and encoding for them."""
    encoding = draw(st.sampled_from(["utf-8", "latin-1"]))
    texts = LATIN_1.filter(is_latin_1) if encoding == "latin-1" else HOSTILE
    # Author and time are the same for all tweets of the package, so that only ids tell them apart.
    ids = [str(216_000_000_000_000_000 + at) for at in range(8)]
    text_of = {tweet_id: draw(st.none() | texts) for tweet_id in ids}
    language_of = {tweet_id: draw(st.sampled_from(["EN", "ES"])) for tweet_id in ids}
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["training", "test"]), st.sampled_from(IDS), st.sampled_from(ids)
            ),
            unique=True,
            max_size=12,
        )
    )
    # A package needs tweets of both splits.
    keys += [("training", IDS[0], "215000000000000000"), ("test", IDS[0], "215000000000000001")]
    tweets = [
        Written(
            *key,
            text_of.get(key[2], "a tweet"),
            polarity=draw(st.sampled_from(["POSITIVE", "NEUTRAL", "NEGATIVE", "RELATED", ""])),
            filtering=draw(st.sampled_from(["RELATED", "UNRELATED"])),
            language=language_of.get(key[2], "EN"),
            near_duplicate_of=draw(st.sampled_from(["-1", *ids])),
        )
        for key in keys
    ]
    style = Style(
        texts=draw(st.sampled_from(["together", "by split", "beside"])),
        mark=draw(st.booleans()),
        encoding=encoding,
        info=draw(st.sampled_from(INFOS)),
        ends=draw(st.sampled_from(["\n", "\r\n"])),
    )
    return tweets, style


def facts(tweet: LabeledTweet) -> tuple[str | None, ...]:
    """Return what the package states about a tweet, without its place in the files."""
    return (
        tweet.folder,
        *tweet.key,
        tweet.filtering,
        tweet.polarity,
        tweet.language,
        tweet.near_duplicate_of,
        tweet.text,
    )


def expected(tweet: Written, style: Style) -> tuple[str | None, ...]:
    """Return what the reader must return about a written tweet."""
    original = "" if tweet.near_duplicate_of == "-1" else tweet.near_duplicate_of
    in_texts = style.info == "language in texts" and tweet.text is not None
    return (
        tweet.folder,
        tweet.entity_id,
        tweet.tweet_id,
        tweet.filtering,
        tweet.polarity,
        tweet.language if style.info == "whole" or in_texts else "",
        original if style.info in {"whole", "without language"} else "",
        None if tweet.text is None else tweet.text.strip(),
    )


@settings(deadline=None, max_examples=40)
@given(packages())
def test_tweets_read_from_a_package_equal_the_written_ones(
    written: tuple[list[Written], Style],
) -> None:
    tweets, style = written
    with TemporaryDirectory() as folder:
        package = read_package(write_package(Path(folder), MINIATURE_ENTITIES, tweets, style))
    assert Counter(map(facts, package.tweets)) == Counter(expected(t, style) for t in tweets)
    assert package.unreadable == ()
    assert {key: entity.name for key, entity in package.entities.items()} == {
        entity.entity_id: entity.name for entity in MINIATURE_ENTITIES
    }
    official = {(t.entity_id, t.tweet_id) for t in tweets if t.folder == "test"}
    assert package.official is not None
    assert package.official.keys() <= official


@settings(deadline=None, max_examples=120)
@given(packages(), st.sampled_from([(), ("EN",)]))
def test_every_tweet_is_selected_or_reported_as_omitted(
    written: tuple[list[Written], Style], languages: tuple[str, ...]
) -> None:
    tweets = [
        LabeledTweet(*expected(tweet, written[1]), where=f"line {at}")
        for at, tweet in enumerate(written[0])
    ]
    package = Package(
        entities={}, tweets=tuple(tweets), gold={}, official=None, unreadable=(), files_with_text=1
    )
    chosen = select(package, languages)
    places = [tweet.where for tweet in (*chosen.train, *chosen.test)]
    places += [entry.where for entry in chosen.left_out]
    assert sorted(places) == sorted(tweet.where for tweet in package.tweets)
    assert not any(tweet.near_duplicate_of for tweet in chosen.train)
    train, test = ({t.tweet_id for t in side} for side in (chosen.train, chosen.test))
    assert not train & (test | {t.near_duplicate_of for t in chosen.test})


def read_text(content: str, folder: Path) -> tuple[list[tuple[str, str]], list[int]]:
    """Return the ids and texts in a file of texts, and the numbers of its broken lines."""
    path = folder / "texts.tsv"
    path.write_bytes(content.encode())
    sheet = read_quoted(path, COLUMNS)
    return [(row.values["tweet_id"], row.values["text"]) for row in sheet.rows], sheet.broken


CARELESS = {
    "no quotes at all": ('111111\twho\tE\tit is "so" good\n', ['it is "so" good']),
    "inner quotes not doubled": ('"111111"\t"who"\t"E"\t"it is "so" good"\n', ['it is "so" good']),
    "ends with a quote not doubled": (
        '"111111"\t"who"\t"E"\t"they say "hi""\n"222222"\t"who"\t"E"\t"two"\n',
        ['they say "hi"', "two"],
    ),
    "begins with a quote not doubled": (
        '"111111"\t"who"\t"E"\t""hi" they say"\n',
        ['"hi" they say'],
    ),
    "a quote that is never closed": (
        '"111111"\t"who"\t"E"\t"open\n"222222"\t"who"\t"E"\t"two"\n',
        ["open", "two"],
    ),
    "a quote that another row closes": (
        '111111\twho\tE\t"open\n222222\twho\tE\ttwo\n333333\twho\tE\tshut"\n',
        ["open", "two", "shut"],
    ),
    "a line end inside": (
        '"111111"\t"who"\t"E"\t"a "b" c\nd"\n"222222"\t"who"\t"E"\t"two"\n',
        ['a "b" c\nd', "two"],
    ),
    "a tab inside, unquoted": ("111111\twho\tE\tone\ttwo\n", ["one\ttwo"]),
    "blank lines": ('\n"111111"\t"who"\t"E"\t"one"\n\n', ["one"]),
}


@pytest.mark.parametrize("name", CARELESS)
def test_no_tweet_is_lost_because_of_misplaced_quotes(name: str, tmp_path: Path) -> None:
    content, texts = CARELESS[name]
    rows, broken = read_text(HEADER + content, tmp_path)
    assert [text for _, text in rows] == texts
    assert broken == []


def test_row_with_missing_columns_is_reported_by_line_and_other_rows_are_read(
    tmp_path: Path,
) -> None:
    content = HEADER + "111111\twho\tE\tone\n222222\twho\n333333\twho\tE\tthree\n"
    assert read_text(content, tmp_path) == ([("111111", "one"), ("333333", "three")], [3])


@pytest.mark.parametrize("mark", ["\ufeff", "ï»¿"])
def test_byte_order_mark_is_not_part_of_a_column_name(mark: str, tmp_path: Path) -> None:
    rows, _ = read_text(mark + HEADER + "111111\twho\tE\tone\n", tmp_path)
    assert rows == [("111111", "one")]


def test_line_that_is_not_utf_8_does_not_affect_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    lines = [HEADER.encode(), "111111\twho\tE\té\n".encode(), b"222222\twho\tE\t\xe9\n"]
    path.write_bytes(b"".join(lines))
    assert [row.values["text"] for row in read_quoted(path, COLUMNS).rows] == ["é", "é"]


@settings(deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=6))
def test_quoted_values_read_from_a_file_equal_the_written_ones(texts: list[str]) -> None:
    ids = map(str, count(111_111))
    with TemporaryDirectory() as folder:
        expected = [(next(ids), text.strip()) for text in texts]
        doubled = [(tweet_id, text.replace('"', '""')) for tweet_id, text in expected]
        rows = [f'"{tweet_id}"\t"who"\t"E"\t"{text}"\n' for tweet_id, text in doubled]
        read, broken = read_text(HEADER + "".join(rows), Path(folder))
    assert read == expected
    assert broken == []
