"""Define the layout and vocabulary of the RepLab 2013 package. Reads no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from pathlib import Path

KEY = "--edge-corpus"
# From most negative to most positive.
POLARITIES = ("NEGATIVE", "NEUTRAL", "POSITIVE")
RELATED, UNRELATED = "RELATED", "UNRELATED"
# Domain by the number in an entity's id, here 01: RL2013D01E001.
DOMAINS = {"01": "automotive", "02": "banking", "03": "university", "04": "music"}
# Folder of each split in the package.
TRAINING, TEST = FOLDERS = ("training", "test")
ENTITIES = "entities/replab2013_entities.tsv"
GOLD = "goldstandard/goldstandard_polarity.dat"
# Labels of the tweets that still existed on 4 June 2013, on which the official runs were scored.
OFFICIAL_GOLD = "test/goldstandard_official_replab2013/goldstandard_polarity.dat"
# Pattern with an entity's id at the start, which excludes files of the operating system such as
# "._RL2013D01E001.dat".
_ENTITY = "RL2013D??E???"
_REMEDY = "Give the folder of the RepLab 2013 package: it holds entities, training and test"


def check_package(root: Path) -> None:
    """Check that a folder is the package, without reading files.

    Raises:
        UsageMistake: the folder does not exist, or a part is missing; the message names it.
    """
    if not root.is_dir():
        raise UsageMistake("no such folder", file=root, key=KEY, remedy=_REMEDY)
    if not (root / ENTITIES).is_file():
        raise UsageMistake(f"holds no {ENTITIES}", file=root, key=KEY, remedy=_REMEDY)
    for folder in FOLDERS:
        if not labeled_files(root, folder):
            raise UsageMistake(
                f"holds no {folder}/labeled/{_ENTITY}.dat", file=root, key=KEY, remedy=_REMEDY
            )


def is_package(path: Path) -> bool:
    """Tell whether a path looks like the package: a folder with one of its parts."""
    return any((path / part).exists() for part in (ENTITIES, *FOLDERS))


def labeled_files(root: Path, folder: str) -> list[Path]:
    """Return the files with the labels of a split's tweets, one per entity."""
    return sorted((root / folder / "labeled").glob(f"{_ENTITY}.dat"))


def info_files(root: Path, folder: str) -> list[Path]:
    """Return the files with languages and near-duplicates of a split's tweets, one per entity."""
    return sorted((root / folder / "tweet_info").glob(f"{_ENTITY}.dat"))


def text_files(root: Path) -> list[Path]:
    """Return the files of downloaded texts from all folders that may hold them, sorted."""
    together = [root / place / "tweet_text" for place in ("", *FOLDERS)]
    files = [file for place in together for file in place.glob(f"{_ENTITY}_texts.tsv")]
    return sorted(files + [f for folder in FOLDERS for f in (root / folder).glob(f"{_ENTITY}.tsv")])


def package_files(root: Path) -> list[Path]:
    """Return every file of the package from which a corpus is read, sorted."""
    files = [root / ENTITIES, *text_files(root)]
    return sorted(
        files
        + [f for folder in FOLDERS for f in labeled_files(root, folder) + info_files(root, folder)]
    )
