"""Form groups that stay together: items that share something, directly or through others."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping, Sequence


def link_items(keys: Sequence[Collection[Hashable]]) -> list[int]:
    """Return the group number of each item: items that share a key belong together.

    Args:
        keys: of each item what it shares with others.

    Returns:
        The group of each item: the position of the group's first item.
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
    """Choose whole groups at random until each part has its number of items.

    A group larger than what a part still lacks is passed over, so that a part is full exactly as
    long as there are small groups enough.

    Args:
        groups: the group of each item, as `linked` gives it.
        size: how many items each part wants, the first part first.
        seed: of the choice.

    Returns:
        The items of each part, ascending; fewer than wanted where the groups do not suffice.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for at, group in enumerate(groups):
        members[group].append(at)
    pool = list(members)
    random.Random(seed).shuffle(pool)  # noqa: S311 - repeatable, not secret
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
