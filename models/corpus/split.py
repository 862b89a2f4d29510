"""Split texts so that no text of one split occurs in another."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from models.corpus.clean import normalized
from models.corpus.groups import link_items
from models.corpus.texts import SPLITS, LabelledText, LeftOut
from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.subjects import CorpusTable

BEYOND = "beyond the requested counts"
COPY = "a copy of a text that its split already holds"

# Common names of the splits in files from other sources.
_NAMES = {split: split for split in SPLITS} | {
    "training": "train",
    "dev": "validation",
    "val": "validation",
    "valid": "validation",
    "testing": "test",
}
# Order in which splits get their texts. Train is last because it may use all remaining texts.
_ORDER = ("test", "calibration", "validation", "train")


class Candidate(NamedTuple):
    """A text that may get into a split (not a file to judge).

    `split` is its value in the file's split column, "" without such a column.
    """

    row: LabelledText
    where: str
    split: str


Group = list[Candidate]


def split_texts(
    candidates: Sequence[Candidate], table: CorpusTable, path: Path, left_out: list[LeftOut]
) -> dict[str, tuple[LabelledText, ...]]:
    """Distribute texts over the splits, with the requested number in each.

    If the file has a split column, it gives the split of each text; a split that no text has gets
    some of the train texts. Without the column, texts are distributed at random, by the seed.
    Texts that share an id or their wording stay in one split, so that copies of a text are never in
    two splits. Texts with the same `text_id` and `group_id` are copies. Only the train split may
    get more than one copy: in other splits, copies would count as independent evidence and make
    confidence intervals too narrow.

    Args:
        candidates: the texts to distribute, not files to judge.
        table: counts, seed, labels and whether there is a split column.
        path: the file, for messages.
        left_out: list to which one entry for all texts beyond the counts is appended, and one for
            all copies.

    Raises:
        UsageMistake: there are too few texts, an unknown split, a split other than calibration
            with a single label, or a label that no train text has.
    """
    rng = random.Random(table.seed)  # noqa: S311 - must be repeatable, not secret
    pools = _pools(candidates, table, path)
    splits: dict[str, list[LabelledText]] = {}
    beyond = copies = 0
    for split in _ORDER:
        pool = pools[split if pools[split] else "train"]
        size = getattr(table.counts, split)
        chosen, copied = _draw(pool, size, rng, copies=split == "train")
        copies += copied
        if len(chosen) < (size or 1):
            raise UsageMistake(
                f"too few texts: {len(chosen)} remain for {split}, but "
                f"{size or 'some'} are requested ({len(candidates)} usable in "
                f"all{_reasons(left_out)})",
                file=path,
                key=f"corpus.counts.{split}",
                remedy="Lower the counts, or give more texts",
            )
        beyond += len(chosen) - (size or len(chosen))
        splits[split] = [candidate.row for candidate in chosen[:size]]
    beyond += sum(len(group) for groups in pools.values() for group in groups)
    for reason, count in ((COPY, copies), (BEYOND, beyond)):
        if count:
            left_out.append(LeftOut("", "", reason, count))
    _check_labels(splits, table, path, _reasons(left_out))
    return {split: tuple(splits[split]) for split in SPLITS}


def _pools(
    candidates: Sequence[Candidate], table: CorpusTable, path: Path
) -> dict[str, list[Group]]:
    """Return the groups by split; without a split column, all are in "train"."""
    declared: dict[str, list[Candidate]] = {split: [] for split in SPLITS}
    by_column = table.columns is not None and table.columns.split is not None
    for candidate in candidates:
        name = _NAMES.get(candidate.split.lower()) if by_column else "train"
        if name is None:
            raise UsageMistake(
                f"{candidate.where} names the split {candidate.split!r}, which does not exist",
                file=path,
                key="corpus.columns.split",
                remedy=f"Name one of {', '.join(_NAMES)}",
            )
        declared[name].append(candidate)
    return {split: _groups(inside) for split, inside in declared.items()}


def _groups(candidates: Sequence[Candidate]) -> list[Group]:
    """Group texts that share an id or their wording, directly or through other texts.

    Groups are in the order of their last texts.
    """
    keys = [
        (("id", candidate.row.text_id), ("text", normalized(candidate.row.text)))
        for candidate in candidates
    ]
    groups: dict[int, Group] = {}
    for at, candidate in zip(link_items(keys), candidates, strict=True):
        # Reinserting moves the group to the end, so groups are in the order of their last
        # candidates.
        group = groups.pop(at, [])
        group.append(candidate)
        groups[at] = group
    return list(groups.values())


def _draw(
    pool: list[Group], size: int | None, rng: random.Random, *, copies: bool
) -> tuple[list[Candidate], int]:
    """Take random groups out of the pool until there are `size` texts, or no group is left.

    Returns:
        The texts, and the number of copies that were left out.
    """
    rng.shuffle(pool)
    chosen: list[Candidate] = []
    copied = 0
    while pool and (size is None or len(chosen) < size):
        group = pool.pop()
        members = group if copies else _without_copies(group)
        copied += len(group) - len(members)
        chosen.extend(members)
    return chosen, copied


def _without_copies(group: Group) -> Group:
    """Return, of the texts with equal `text_id` and `group_id`, only the first."""
    first_of_id: dict[tuple[str, str], Candidate] = {}
    for candidate in group:
        first_of_id.setdefault((candidate.row.text_id, candidate.row.group_id), candidate)
    return list(first_of_id.values())


def _reasons(left_out: list[LeftOut]) -> str:
    reasons: Counter[str] = Counter()
    for entry in left_out:
        reasons[entry.reason] += entry.count
    return "".join(f"; {count} left out: {reason}" for reason, count in reasons.items())


def _check_labels(
    splits: dict[str, list[LabelledText]], table: CorpusTable, path: Path, reason: str
) -> None:
    present = {split: {row.label for row in texts} for split, texts in splits.items()}
    for split, labels in present.items():
        # Calibration only measures ranges, so a single label is enough; accuracy needs at least
        # two.
        if len(labels) == 1 and split != "calibration":
            raise UsageMistake(
                f"every {split} text has the label {table.labels[labels.pop()]}, so "
                f"a classifier has nothing to distinguish{reason}",
                file=path,
                key="corpus.polarities",
                remedy="Give texts of at least two labels, or more texts",
            )
    missing = [label for at, label in enumerate(table.labels) if at not in present["train"]]
    if missing:
        raise UsageMistake(
            f"no train text has the label {' or '.join(missing)}{reason}",
            file=path,
            key="corpus.labels",
            remedy="Declare only labels that the file has, or give more texts",
        )
