"""Write packages in RepLab 2013's layout, with invented texts and real irregularities.

`python -m suites.meta.corpus.replab_package FOLDER` writes the miniature.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from models.subjects import CorpusTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FOLDERS = ("training", "test")
ENTITY_COLUMNS = (
    "entity_id",
    "query",
    "entity_name",
    "category",
    "homepage",
    "wikipedia_en",
    "wikipedia_es",
    "md5_homepage",
    "md5_wikipedia_en",
    "md5_wikipedia_es",
)
INFO_COLUMNS = (
    "tweet_id",
    "author",
    "entity_id",
    "tweet_url",
    "language",
    "timestamp",
    "urls",
    "extended_urls",
    "md5_extended_urls",
    "is_near_duplicate_of",
)
LABELED_COLUMNS = (
    "tweet_id",
    "author",
    "entity_id",
    "filtering",
    "polarity",
    "topic",
    "topic_priority",
)
TEXT_COLUMNS = ("tweet_id", "author", "entity_id", "text")
GOLD_COLUMNS = ("entity_id", "tweet_id", "polarity")


@dataclass(frozen=True)
class Named:
    """An entity, as a line of the package's file of entities."""

    entity_id: str
    query: str
    name: str
    category: str


@dataclass(frozen=True)
class Written:
    """A tweet in the package's files; its text may be missing (None) or deleted ("")."""

    folder: str
    entity_id: str
    tweet_id: str
    text: str | None
    polarity: str = "POSITIVE"
    filtering: str = "RELATED"
    language: str = "EN"
    near_duplicate_of: str = "-1"
    official: bool = True


@dataclass(frozen=True)
class Style:
    """The layout and encoding of a copy of the package.

    Attributes:
        texts: layout of the files of texts: in one folder, in one folder per split, or beside the
            other folders.
        mark: whether files begin with a byte order mark.
        encoding: encoding of the files of texts.
        info: whether there are tweet_info folders, and where the language is stated: in these
            folders, in the files of texts, or nowhere.
        ends: line ending of the files.
        bare: whether no value is quoted.
    """

    texts: Literal["together", "by split", "beside"] = "together"
    mark: bool = False
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    info: Literal["whole", "without language", "language in texts", "none"] = "whole"
    ends: Literal["\n", "\r\n"] = "\n"
    bare: bool = False


def write_package(
    root: Path, entities: Sequence[Named], tweets: Sequence[Written], style: Style | None = None
) -> Path:
    """Write a package and return its folder."""
    style = style or Style()
    rows = [(e.entity_id, e.query, e.name, e.category, *[""] * 6) for e in entities]
    _write(root / "entities/replab2013_entities.tsv", ENTITY_COLUMNS, rows, style)
    for folder in FOLDERS:
        inside = [tweet for tweet in tweets if tweet.folder == folder]
        for entity in sorted({tweet.entity_id for tweet in inside}):
            _write_entity(root, folder, [t for t in inside if t.entity_id == entity], style)
        gold = [tweet for tweet in inside if tweet.filtering == "RELATED"]
        _write_gold(root / folder / "goldstandard", gold, style)
    official = [t for t in tweets if t.folder == "test" and t.filtering == "RELATED" and t.official]
    _write_gold(root / "test/goldstandard_official_replab2013", official, style)
    return root


def _write_entity(root: Path, folder: str, tweets: Sequence[Written], style: Style) -> None:
    entity = tweets[0].entity_id
    labeled = [(t.tweet_id, "who", entity, t.filtering, t.polarity, "", "") for t in tweets]
    _write(root / folder / "labeled" / f"{entity}.dat", LABELED_COLUMNS, labeled, style)
    if style.info in {"whole", "without language"}:
        _write_info(root / folder / "tweet_info" / f"{entity}.dat", tweets, style)
    texts: list[tuple[str, ...]] = [
        (t.tweet_id, "who", entity, t.text) for t in tweets if t.text is not None
    ]
    columns: tuple[str, ...] = TEXT_COLUMNS
    if style.info == "language in texts":
        languages = {tweet.tweet_id: tweet.language for tweet in tweets}
        columns = (*TEXT_COLUMNS, "language")
        texts = [(*row, languages[row[0]]) for row in texts]
    place = {
        "together": root / "tweet_text" / f"{entity}_texts.tsv",
        "by split": root / folder / "tweet_text" / f"{entity}_texts.tsv",
        "beside": root / folder / f"{entity}.tsv",
    }[style.texts]
    _write(place, columns, texts, style, style.encoding)


def _write_info(path: Path, tweets: Sequence[Written], style: Style) -> None:
    rows: list[tuple[str, ...]] = [
        (t.tweet_id, "who", t.entity_id, "", t.language, "1341", "", "", "", t.near_duplicate_of)
        for t in tweets
    ]
    columns: tuple[str, ...] = INFO_COLUMNS
    if style.info == "without language":
        at = columns.index("language")
        columns = columns[:at] + columns[at + 1 :]
        rows = [row[:at] + row[at + 1 :] for row in rows]
    _write(path, columns, rows, style)


def _write_gold(folder: Path, tweets: Iterable[Written], style: Style) -> None:
    rows = [(tweet.entity_id, tweet.tweet_id, tweet.polarity) for tweet in tweets]
    _write(folder / "goldstandard_polarity.dat", GOLD_COLUMNS, rows, style)


def _write(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    style: Style,
    encoding: str = "utf-8",
) -> None:
    """Write a header and rows, or append the rows to an existing file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = b"\xef\xbb\xbf" if style.mark else b""
    lines = rows if path.is_file() else [columns, *rows]
    with path.open("ab") as file:
        file.write(b"" if path.stat().st_size else mark)
        for row in lines:
            values = row if style.bare else [quoted(value) for value in row]
            # A copy saved as latin-1 has lost the characters that latin-1 cannot encode.
            file.write(("\t".join(values) + style.ends).encode(encoding, errors="replace"))


def quoted(value: str) -> str:
    """Return a value in quotation marks, as RepLab's files write it."""
    return '"' + value.replace('"', '""') + '"'


AUTOMOTIVE, BANKING, UNIVERSITY, MUSIC = MINIATURE_ENTITIES = (
    Named("RL2013D01E901", '"veltra"', "Veltra Motors", "automotive"),
    Named("RL2013D02E902", '"banco orio" OR "orio"', "Banco Orio", "banking"),
    Named("RL2013D03E903", '"tarnholm"', "Tarnholm University", "university"),
    Named("RL2013D04E904", '"the ""quiet"" tides"', 'The "Quiet" Tides', "music"),
)
_OPINIONS = {
    "POSITIVE": ("I love {0} and their {1}", "the {1} of {0} is great", "well done {0}, fine {1}"),
    "NEUTRAL": ("{0} shows a {1} today", "reading about {0} and the {1}", "{1} at {0}, 9 am"),
    "NEGATIVE": ("never again {0}, awful {1}", "the {1} of {0} broke", "shame on {0} for the {1}"),
}
_THINGS = ("engine", "branch", "library", "chorus", "app", "queue", "poster", "garden")
_SHARES = ("POSITIVE", "POSITIVE", "POSITIVE", "NEUTRAL", "NEUTRAL", "NEGATIVE")
MINIATURE_TWEETS = {"training": 48, "test": 24}


def miniature_tweets() -> list[Written]:
    """Return the miniature's tweets: plain English ones of every entity, then irregular ones."""
    ids = map(str, count(216_287_162_696_605_696, 7_919))
    return [*_plain(ids), *_quirks(ids), *_joined(ids)]


def _plain(ids: Iterator[str]) -> Iterator[Written]:
    for folder, tweets in MINIATURE_TWEETS.items():
        for entity in MINIATURE_ENTITIES:
            for at in range(tweets):
                polarity = _SHARES[at % len(_SHARES)]
                opinions = _OPINIONS[polarity]
                subject = f"{_THINGS[at % len(_THINGS)]} number {folder} {at}"
                text = opinions[at % len(opinions)].format(entity.name, subject)
                official = bool(at % 8)
                yield Written(
                    folder, entity.entity_id, next(ids), text, polarity, official=official
                )


def _quirks(ids: Iterator[str]) -> Iterator[Written]:
    car, bank, _, band = (entity.entity_id for entity in MINIATURE_ENTITIES)
    for folder in FOLDERS:
        star, played = f"veltra is my star, {folder}", f"{folder}\nand tomorrow"
        yield Written(folder, car, next(ids), star, polarity="", filtering="UNRELATED")
        yield Written(folder, bank, next(ids), f"qué buen banco, {folder}", language="ES")
        yield Written(
            folder, bank, next(ids), f"no abre, señor, {folder}", "NEGATIVE", language="ES"
        )
        yield Written(folder, car, next(ids), "", "NEUTRAL")
        yield Written(folder, band, next(ids), None, "NEGATIVE")
        yield Written(folder, band, next(ids), f'they play "Low ""Water""" at\t{played}')
        yield Written(
            folder, band, next(ids), f"\u2028 odd \x85 signs, 5 \u20ac, {folder}", "NEUTRAL"
        )
    yield Written("training", band, next(ids), "a broken row", "RELATED")
    yield Written("training", band, next(ids), "another broken row", "RELATED")


def _joined(ids: Iterator[str]) -> Iterator[Written]:
    """Return near-duplicates, unmarked copies, and one tweet about two entities."""
    car, bank, school, band = (entity.entity_id for entity in MINIATURE_ENTITIES)
    first, copy, late, shared, words, echo = (next(ids) for _ in range(6))
    yield Written("training", car, first, "Veltra wins the silver wheel award")
    yield Written("training", car, copy, "RT: veltra wins silver wheel", near_duplicate_of=first)
    yield Written("test", car, late, "the silver wheel goes to veltra", near_duplicate_of=first)
    yield Written("training", bank, words, "Banco Orio opens a vault of stories")
    yield Written("test", bank, echo, "RT @orio_fan: banco orio opens a vault of stories!!")
    text = "The Quiet Tides played at Tarnholm University"
    yield Written("training", band, shared, text)
    yield Written("training", school, shared, text, "NEUTRAL")


def write_miniature(root: Path, style: Style | None = None) -> Path:
    """Write the miniature package: four entities, one for each domain."""
    return write_package(root, MINIATURE_ENTITIES, miniature_tweets(), style)


def replab_table(**changes: Any) -> CorpusTable:
    """Return a `[corpus]` table for RepLab, with small counts; arguments replace its keys."""
    table = {
        "source": "replab",
        "labels": ["NEGATIVE", "NEUTRAL", "POSITIVE"],
        "counts": {"validation": 12, "calibration": 9},
        "seed": 7,
    }
    return msgspec.convert(table | changes, CorpusTable)


if __name__ == "__main__":
    write_miniature(Path(sys.argv[1]))
