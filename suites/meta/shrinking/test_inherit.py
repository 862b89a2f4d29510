"""A shrunk model inherits the right layers, units and words."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import UsageMistake
from models.networks.architecture import from_table
from models.networks.parameters import count, initial_values, parameters
from models.shrinking.inherit import WIDEN, WORDS, Pieces, shrink_shape, shrink_values
from models.subjects import LessonTable, NetworkTable, ShrunkTable, TrainingTable

FULL = from_table(
    NetworkTable(
        family="bert",
        layers=3,
        hidden=16,
        heads=2,
        intermediate=12,
        activation="gelu",
        normalization="layer_norm",
        dropout=0.1,
    ),
    vocabulary=40,
    classes=3,
    positions=32,
)
VALUES = initial_values(FULL, seed=1)
PIECES = Pieces(np.arange(0, 40, 2), np.arange(20))


def shrink(activity=None, **keys):
    table = ShrunkTable(**keys)
    shape = shrink_shape(FULL, table, vocabulary=len(PIECES.numbers), positions=24)
    layers = table.layers or range(FULL.layers)
    return shape, shrink_values(VALUES, shape, layers, PIECES, activity or {})


@pytest.mark.parametrize("keys", [{}, {"layers": (2,)}, {"embedding": 4}, {"embedding": 16}])
def test_shrunk_model_has_every_parameter_of_its_shape(keys):
    shape, values = shrink(**keys)
    assert {p.name: p.shape for p in parameters(shape)} == {n: v.shape for n, v in values.items()}
    assert count(shape) < count(FULL)


def test_only_a_taught_model_has_no_dropout():
    training = TrainingTable(epochs=1, batch=8, learning_rate=1e-3)
    lesson = LessonTable(temperature=2.0, weight=0.9)
    rates = {}
    for distillation in (None, lesson):
        shape, _ = shrink(training=training, distillation=distillation)
        rates[distillation] = (shape.dropout, shape.attention_dropout, shape.classifier_dropout)
    assert rates[lesson] == (0.0, 0.0, 0.0)
    assert rates[None] == (FULL.dropout, FULL.attention_dropout, FULL.classifier_dropout)
    assert FULL.dropout > 0


def test_selected_layers_are_copied_unchanged():
    _, values = shrink(layers=(0, 2))
    for name, value in values.items():
        if name.startswith("encoder.layer.1."):
            source = name.replace("layer.1.", "layer.2.")
            np.testing.assert_array_equal(value, VALUES[source])


def test_word_embeddings_of_remaining_pieces_are_copied():
    _, values = shrink()
    np.testing.assert_array_equal(values[WORDS], VALUES[WORDS][::2])


def test_shrinking_selects_the_most_active_units():
    busy = np.zeros(12)
    busy[[3, 5, 10]] = 1.0
    activity = {f"encoder.layer.{layer}.output.dense": busy for layer in range(3)}
    _, values = shrink(activity, intermediate=3)
    expected = VALUES["encoder.layer.1.output.dense.weight"][:, [3, 5, 10]]
    np.testing.assert_array_equal(values["encoder.layer.1.output.dense.weight"], expected)
    expected = VALUES["encoder.layer.1.intermediate.dense.bias"][[3, 5, 10]]
    np.testing.assert_array_equal(values["encoder.layer.1.intermediate.dense.bias"], expected)


def test_shrinking_selects_the_most_active_attention_heads():
    busy = np.ones(16)
    busy[8:] = 2.0
    activity = {f"encoder.layer.{layer}.attention.output.dense": busy for layer in range(3)}
    shape, values = shrink(activity, heads=1)
    assert (shape.heads, shape.attended) == (1, 8)
    attention = "encoder.layer.1.attention"
    for part in ("query", "key", "value"):
        for kind in ("weight", "bias"):
            name = f"{attention}.self.{part}.{kind}"
            np.testing.assert_array_equal(values[name], VALUES[name][8:])
    name = f"{attention}.output.dense.weight"
    np.testing.assert_array_equal(values[name], VALUES[name][:, 8:])


def test_removing_the_pooler_merges_its_weights_into_the_classifier():
    taught = TrainingTable(epochs=1, batch=1, learning_rate=1e-4)
    shape, values = shrink(pooler=False, training=taught)
    assert not shape.pooled
    assert not [name for name in values if name.startswith("pooler")]
    state = np.random.default_rng(0).normal(size=16).astype(np.float32)
    pooled = VALUES["pooler.dense.weight"] @ state + VALUES["pooler.dense.bias"]
    before = VALUES["classifier.weight"] @ pooled + VALUES["classifier.bias"]
    after = values["classifier.weight"] @ state + values["classifier.bias"]
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-6)


def test_rejects_removing_the_pooler_without_training():
    with pytest.raises(ValueError, match=r"shrunk\.pooler = false.*shrunk\.training"):
        ShrunkTable(pooler=False)


def test_factorized_embeddings_approximate_the_originals():
    errors = []
    for width in (4, 8, 15):
        _, values = shrink(embedding=width)
        again = values[WORDS] @ values[f"{WIDEN}.weight"].T
        errors.append(float(((again - VALUES[WORDS][::2]) ** 2 * PIECES.uses[:, None]).sum()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.2 * errors[0]


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"layers": (0, 3)}, "shrunk.layers"),
        ({"intermediate": 13}, "shrunk.intermediate"),
        ({"embedding": 17}, "shrunk.embedding"),
    ],
)
def test_rejects_shrunk_shape_larger_than_the_full_model(keys, named):
    with pytest.raises(UsageMistake, match=named.replace(".", r"\.")):
        shrink(**keys)
