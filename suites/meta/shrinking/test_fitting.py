"""A shrinking recipe is computed from a size budget, a speed budget and the train split alone."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from models.errors import UsageMistake
from models.networks.architecture import from_table
from models.shrinking.cost import file_bytes, multiplied, text_time, times_paper
from models.shrinking.fitting import COVERED, EFFORT, EPOCH, Fit, fit
from models.subjects import NetworkTable, ShrunkTable

FULL = from_table(
    NetworkTable(
        family="bert",
        layers=6,
        hidden=384,
        heads=12,
        intermediate=1536,
        activation="gelu",
        normalization="layer_norm",
    ),
    vocabulary=30_522,
    classes=3,
    positions=512,
)
# Frequencies of pieces after Zipf's law: the n-th piece is n times less frequent than the first.
USES = np.maximum(0, 60_000 // np.arange(1, 30_523) - 5)
TASK = Fit(FULL, USES, {16: 2000, 32: 6000, 64: 2000})


def found(table=None, task=TASK, **keys):
    return fit(table or ShrunkTable(**keys), task)


def shape_of(table, task=TASK):
    return replace(
        task.full,
        vocabulary=table.pieces,
        positions=max(task.rows),
        layers=len(table.layers),
        heads=table.heads,
        attention_width=table.heads * 32,
        intermediate=table.intermediate,
        embedding=table.embedding,
        pooled=False,
        first_token_last=True,
    )


@pytest.mark.parametrize(
    ("size", "speed"),
    list(itertools.product([1_340_567, 3_000_000, 8_378_547], [None, "12 x paper", "30 x paper"])),
)
def test_recipe_found_for_budgets_meets_the_size_and_speed_budgets(size, speed):
    table = found(bytes=f"{size} bytes", speed=speed)
    shape = shape_of(table)
    taken = file_bytes(shape, tuple(TASK.rows))
    assert 0.9 * size < taken <= size or table.pieces == FULL.vocabulary
    if speed:
        time = TASK.mean({tokens: text_time(shape, tokens) for tokens in TASK.rows})
        assert times_paper(time) >= float(speed.split()[0])
    covered = np.sort(USES)[::-1][: table.pieces].sum() / USES.sum()
    assert covered >= COVERED


def test_recipe_found_for_budgets_is_reproducible_and_complete():
    table = found(bytes="2000000 bytes", speed="20 x paper")
    assert table == found(bytes="2000000 bytes", speed="20 x paper")
    assert (table.bytes, table.speed) == (None, None)
    assert table.layers == tuple(range(len(table.layers)))
    assert table.training is not None
    assert table.distillation is not None
    assert table.rounding == "int4"


def test_stricter_speed_budget_gives_a_smaller_encoder():
    sizes = [
        multiplied(shape_of(found(bytes="8378547 bytes", speed=speed)), 32)
        for speed in ("8 x paper", "12 x paper", "20 x paper", "40 x paper")
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 3


def test_longer_texts_give_a_smaller_encoder_for_one_speed_budget():
    long = replace(TASK, rows={16: 0, 32: 0, 64: 10_000})
    keys = {"bytes": "8378547 bytes", "speed": "12 x paper"}
    assert multiplied(shape_of(found(task=long, **keys)), 32) < multiplied(
        shape_of(found(**keys)), 32
    )


def test_more_distinct_words_give_a_smaller_encoder_for_one_size_budget():
    rich = replace(TASK, uses=(60_000 / np.arange(1, 30_523) ** 0.9).astype(int))
    keys = {"bytes": "2000000 bytes"}
    smaller, larger = found(task=rich, **keys), found(**keys)
    assert multiplied(shape_of(smaller), 32) < multiplied(shape_of(larger), 32)


def test_recipe_trains_for_more_epochs_if_texts_are_few():
    few = replace(TASK, rows={16: 200, 32: 600, 64: 200})
    keys = {"bytes": "1340567 bytes"}
    assert found(task=few, **keys).training.epochs > 5 * found(**keys).training.epochs


def test_recipe_prefers_two_layers_to_one_layer_with_more_heads():
    long = replace(TASK, rows={32: 6000, 64: 4000})
    keys = {"bytes": "1340567 bytes", "speed": "50 x paper"}
    table = found(task=long, **keys)
    assert (len(table.layers), table.heads) == (2, 2)
    # A single layer would be fast enough with all heads.
    alone = replace(shape_of(table, long), layers=1, heads=12, attention_width=384)
    time = long.mean({tokens: text_time(alone, tokens) for tokens in long.rows})
    assert times_paper(time) >= 50


def test_recipe_with_two_layers_preserves_a_third_of_the_heads():
    for speed in ("12 x paper", "30 x paper", "50 x paper"):
        table = found(bytes="1340567 bytes", speed=speed)
        assert len(table.layers) >= 2
        assert table.heads >= FULL.heads / 3


def test_recipe_keeps_about_the_same_share_of_heads_and_units():
    for speed in ("9 x paper", "10 x paper", "11 x paper"):
        table = found(bytes="8378547 bytes", speed=speed)
        heads, units = table.heads / FULL.heads, table.intermediate / FULL.intermediate
        assert abs(heads - units) < 0.3
        assert len(table.layers) >= FULL.layers - 1


def test_recipe_adds_more_altered_copies_if_texts_are_few():
    copies = {}
    for texts in (1_000, 9_000, 20_000, 60_000, 200_000):
        task = replace(TASK, rows={32: texts})
        copies[texts] = found(bytes="1340567 bytes", task=task).distillation.copies
    assert copies == {1_000: 16, 9_000: 13, 20_000: 5, 60_000: 1, 200_000: 0}


def test_recipe_teaches_a_large_network_fewer_texts():
    taught = {}
    for size in ("8378547 bytes", "1340567 bytes"):
        table = found(bytes=size)
        epoch = TASK.texts * (1 + table.distillation.copies)
        cost = epoch * TASK.mean({n: multiplied(shape_of(table), n) for n in TASK.rows})
        assert table.training.epochs * cost == pytest.approx(EFFORT, abs=cost / 2 + 1)
        taught[size] = epoch
    assert taught["8378547 bytes"] < taught["1340567 bytes"] <= EPOCH


def test_recipe_teaches_every_text_of_a_large_train_split_once():
    large = replace(TASK, rows={32: 500_000})
    table = found(bytes="8378547 bytes", task=large)
    assert (table.training.epochs, table.distillation.copies) == (1, 0)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"bytes": "100000 bytes"}, "100000 bytes"),
        ({"bytes": "8378547 bytes", "speed": "500 x paper"}, "500 x paper"),
    ],
)
def test_error_on_budgets_that_no_model_meets_names_the_budget(keys, named):
    with pytest.raises(UsageMistake, match=named) as refused:
        found(**keys)
    assert refused.value.key == "shrunk"
    assert "word pieces" in refused.value.what


def test_recipe_keeps_the_epoch_whose_answers_are_closest_to_the_teachers():
    training = found(bytes="1340567 bytes").training
    assert training.patience > 0
    assert training.averaging > 0


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"speed": "10 x paper"}, "shrunk.bytes"),
        ({"bytes": "1340567 bytes", "pieces": 6000}, "shrunk.pieces"),
        ({"bytes": "1340567 bytes", "rounding": "int4"}, "shrunk.rounding"),
    ],
)
def test_rejects_shrinking_table_with_both_budgets_and_sizes(keys, named):
    with pytest.raises(ValueError, match=named):
        ShrunkTable(**keys)
