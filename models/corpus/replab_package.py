"""Read the RepLab 2013 package, and join the contents of its files for each labeled tweet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.corpus.quoted import Row, read_quoted
from models.corpus.replab_layout import (
    ENTITIES,
    FOLDERS,
    GOLD,
    OFFICIAL_GOLD,
    check_package,
    info_files,
    labeled_files,
    text_files,
)
from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# Ids of an entity and a tweet: some tweets belong to two entities, with one polarity for each.
Key = tuple[str, str]

# A text and its language according to the file; "" if the file has no such column.
Text = tuple[str, str]

_NO_DUPLICATE = ("-1", "")


@dataclass(frozen=True, slots=True)
class Entity:
    """A company, university or artist: the name that a model reads, and the domain."""

    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class LabeledTweet:
    """One row of a `labeled` file, with the values that other files have for the same tweet.

    Attributes:
        folder: "training" or "test".
        entity_id: the entity.
        tweet_id: the tweet.
        filtering: the value in the file: RELATED or UNRELATED.
        polarity: the value in the file: POSITIVE, NEUTRAL, NEGATIVE or "".
        language: EN or ES; "" if no file names it.
        near_duplicate_of: the id of the tweet that it nearly duplicates; "" if there is none.
        text: the downloaded text; "" for a deleted tweet; None if no file has it.
        where: file and line of the row.
    """

    folder: str
    entity_id: str
    tweet_id: str
    filtering: str
    polarity: str
    language: str
    near_duplicate_of: str
    text: str | None
    where: str

    @property
    def key(self) -> Key:
        """Return the id of the entity and the id of the tweet, which identify the entry."""
        return self.entity_id, self.tweet_id


@dataclass(frozen=True, slots=True)
class Package:
    """The content of the RepLab 2013 package.

    Attributes:
        entities: the entities by id.
        tweets: every row of the `labeled` files, sorted by split, entity and tweet.
        gold: the polarity of each key in the gold standard, by split; None if the file is missing.
        official: the polarity of each key in the official gold standard of the test split; None if
            the file is missing.
        unreadable: file and line of each row that could not be read, in any file.
        files_with_text: number of files with texts.
    """

    entities: Mapping[str, Entity]
    tweets: tuple[LabeledTweet, ...]
    gold: Mapping[str, Mapping[Key, str] | None]
    official: Mapping[Key, str] | None
    unreadable: tuple[str, ...]
    files_with_text: int


def read_package(root: Path) -> Package:
    """Read the package. A missing value of a tweet is "", but a missing text is None.

    Args:
        root: the folder that holds `entities`, `training` and `test`.

    Raises:
        UsageMistake: the folder is not the package, or a file lacks a column or cannot be read.
    """
    check_package(root)
    reader = _Reader(root)
    texts = reader.texts()
    tweets = [tweet for folder in FOLDERS for tweet in reader.tweets(folder, texts)]
    tweets.sort(key=lambda tweet: (tweet.folder, tweet.key))
    return Package(
        entities=reader.entities(),
        tweets=tuple(tweets),
        gold={folder: reader.gold(f"{folder}/{GOLD}") for folder in FOLDERS},
        official=reader.gold(OFFICIAL_GOLD),
        unreadable=tuple(reader.unreadable),
        files_with_text=len(text_files(root)),
    )


def read_languages(root: Path) -> dict[Key, str]:
    """Return the language of each tweet of both splits; "" if a row does not name it.

    Raises:
        UsageMistake: the folder holds no tweet_info, or a file lacks a column or cannot be read.
    """
    reader = _Reader(root)
    infos = [reader.infos(folder) for folder in FOLDERS]
    if not any(infos):
        raise UsageMistake(
            "the package lacks tweet_info, which gives the tweets' languages",
            file=root,
            remedy="Give the folder of the RepLab 2013 package",
        )
    return {key: language for languages in infos for key, (language, _) in languages.items()}


class _Reader:
    """Reads the files of the package, and records the rows that cannot be read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.unreadable: list[str] = []

    def entities(self) -> dict[str, Entity]:
        path = self._root / ENTITIES
        entities: dict[str, Entity] = {}
        for location, row in self._rows(
            [path], ("entity_id", "entity_name"), ("query", "category")
        ):
            name = row.values["entity_name"].strip() or row.values["query"].strip(' "')
            entity = Entity(name, row.values["category"].strip().lower())
            entity_id = row.values["entity_id"].strip()
            if entities.setdefault(entity_id, entity) != entity:
                raise UsageMistake(
                    f"{location} gives the entity {entity_id!r} a different name or "
                    "domain than an earlier line",
                    file=path,
                    remedy="Copy this file again from the package",
                )
        return entities

    def tweets(self, folder: str, texts: Mapping[str, Text]) -> Iterator[LabeledTweet]:
        infos = self.infos(folder)
        columns = ("tweet_id", "entity_id", "filtering", "polarity")
        for location, row in self._rows(labeled_files(self._root, folder), columns):
            entity_id, tweet_id = row.values["entity_id"].strip(), row.values["tweet_id"].strip()
            language, original = infos.get((entity_id, tweet_id), ("", ""))
            text, own_language = texts.get(tweet_id, (None, ""))
            yield LabeledTweet(
                folder=folder,
                entity_id=entity_id,
                tweet_id=tweet_id,
                filtering=row.values["filtering"].strip().upper(),
                polarity=row.values["polarity"].strip().upper(),
                language=language or own_language,
                near_duplicate_of=original,
                text=text,
                where=location,
            )

    def texts(self) -> dict[str, Text]:
        """Return the texts by tweet id, because a tweet has the same text for all its entities."""
        texts: dict[str, Text] = {}
        columns = ("tweet_id", "text"), ("language",)
        for _, row in self._rows(text_files(self._root), *columns):
            tweet_id, text = row.values["tweet_id"].strip(), row.values["text"].strip()
            if tweet_id not in texts or not texts[tweet_id][0]:
                texts[tweet_id] = text, row.values["language"].strip().upper()
        return texts

    def gold(self, place: str) -> dict[Key, str] | None:
        path = self._root / place
        if not path.is_file():
            return None
        columns = ("entity_id", "tweet_id", "polarity")
        return _polarities(row for _, row in self._rows([path], columns))

    def infos(self, folder: str) -> dict[Key, tuple[str, str]]:
        """Return, for each tweet, its language and the id of its near-duplicate; "" if unknown."""
        infos = {}
        columns = ("tweet_id", "entity_id"), ("language", "is_near_duplicate_of")
        for _, row in self._rows(info_files(self._root, folder), *columns):
            key = row.values["entity_id"].strip(), row.values["tweet_id"].strip()
            original = row.values["is_near_duplicate_of"].strip()
            language = row.values["language"].strip().upper()
            infos[key] = (language, "" if original in _NO_DUPLICATE else original)
        return infos

    def _rows(
        self, paths: Iterable[Path], required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Row]]:
        """Yield each row of the files, after its place in words: file and line."""
        for path in paths:
            name = path.relative_to(self._root).as_posix()
            sheet = read_quoted(path, required, optional)
            self.unreadable.extend(f"{name}: line {line}" for line in sheet.broken)
            for row in sheet.rows:
                yield f"{name}: line {row.line}", row


def _polarities(rows: Iterable[Row]) -> dict[Key, str]:
    polarities: dict[Key, str] = {}
    for row in rows:
        key = row.values["entity_id"].strip(), row.values["tweet_id"].strip()
        polarities.setdefault(key, row.values["polarity"].strip().upper())
    return polarities
