"""Form groups of items that share a key, directly or through other items; draw whole groups."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping, Sequence


def link_items(keys: Sequence[Collection[Hashable]]) -> list[int]:
    """Return the group of each item: items that share a key belong to the same group.

    Args:
        keys: the keys of each item.

    Returns:
        The group of each item, numbered by the position of the group's first item.
    """
    group = list(range(len(keys)))

    def root(at: int) -> int:
        while group[at] != at:
            group[at] = group[group[at]]
            at = group[at]
        return at

    first_item: dict[Hashable, int] = {}
    for at, shared_keys in enumerate(keys):
        for key in shared_keys:
            earlier, later = root(first_item.setdefault(key, at)), root(at)
            group[max(earlier, later)] = min(earlier, later)
    return [root(at) for at in range(len(group))]


def draw_groups(groups: Sequence[int], size: Mapping[str, int], seed: int) -> dict[str, list[int]]:
    """Draw whole groups at random for each part, until the part has its number of items.

    A group that is larger than the remaining room of a part is left for the next part, so that
    every part reaches its exact size as long as there are enough small groups.

    Args:
        groups: the group of each item, see `link_items`.
        size: number of items of each part, in the order in which parts are filled.
        seed: seed of the random choice.

    Returns:
        The positions of the items of each part, ascending; fewer than `size` if the groups do not
        suffice.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for at, group in enumerate(groups):
        members[group].append(at)
    pool = list(members)
    random.Random(seed).shuffle(pool)  # noqa: S311 - must be repeatable, not secret
    rows_of: dict[str, list[int]] = {}
    for part, count in size.items():
        chosen: list[int] = []
        too_large = []
        for group in pool:
            fits = len(chosen) + len(members[group]) <= count
            if fits:
                chosen += members[group]
            else:
                too_large.append(group)
        pool = too_large
        rows_of[part] = sorted(chosen)
    return rows_of
