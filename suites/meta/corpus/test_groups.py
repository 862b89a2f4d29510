"""Items with common keys form groups, and each drawn part consists of whole groups."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from models.corpus.groups import draw_groups, link_items

KEYS = st.lists(st.sets(st.integers(0, 12), max_size=3), max_size=14)
GROUPS = st.lists(st.integers(0, 9), max_size=40)


@given(KEYS)
def test_items_are_grouped_exactly_if_connected_by_a_chain_of_common_keys(keys):
    groups = link_items(keys)
    for at, start in enumerate(keys):
        keys_reached, members = set(start), {at}
        # Add all items that share a key with a member, until there is no new one.
        while (
            more := {i for i, keys_of_item in enumerate(keys) if keys_of_item & keys_reached}
            - members
        ):
            members |= more
            keys_reached = keys_reached.union(*(keys[i] for i in more))
        assert {i for i, group in enumerate(groups) if group == groups[at]} == members


@given(GROUPS, st.integers(0, 12), st.integers(0, 12), st.integers(0, 99))
def test_drawn_parts_consist_of_whole_groups_and_never_exceed_the_wanted_size(
    groups, first, second, seed
):
    wanted = {"first": first, "second": second}
    parts = draw_groups(groups, wanted, seed)
    items = [at for part in parts.values() for at in part]
    assert len(items) == len(set(items))
    sizes = Counter(groups)
    for name, part in parts.items():
        assert part == sorted(part)
        assert len(part) <= wanted[name]
        assert all(
            count == sizes[group] for group, count in Counter(groups[at] for at in part).items()
        )


@given(st.integers(0, 30), st.integers(0, 99))
def test_drawn_part_reaches_the_wanted_size_if_there_are_enough_small_groups(wanted, seed):
    groups = [*range(30), *[30] * 40]
    assert len(draw_groups(groups, {"part": wanted}, seed)["part"]) == wanted
