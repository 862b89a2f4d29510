"""An emulated board classifies few texts, and its limits can be decided on few texts."""

from __future__ import annotations

import pytest

from fixtures.session.sample_sizes import EMULATED, choose_sample_sizes
from models.flatbuffers.schemes import SCHEMES
from models.verdicts.budgets import OF_FEW_TEXTS, SCORES, budget_names, load_budgets
from models.verdicts.intervals import proportion_interval
from models.verdicts.metrics import METRICS

FEW = EMULATED.texts
ALIKE = ("agreement", "agreement_full", "agreement_backends")


@pytest.fixture
def asked(tmp_path):
    """Return `asked(text, metric)`, which returns a limit for a board that classifies few texts."""

    def limit(text, metric, texts=FEW):
        file = tmp_path / "own.toml"
        file.write_text(text, encoding="utf-8")
        budgets = load_budgets(str(file), schemes=SCHEMES, classes=2, emulated=texts)
        return budgets.limit(metric, "float32")

    return limit


@pytest.mark.parametrize("name", budget_names())
def test_limits_for_emulated_boards_are_relaxed_only_for_small_samples(name):
    full, emulated = (
        load_budgets(name, schemes=SCHEMES, classes=3, emulated=emulated)
        for emulated in (None, FEW)
    )
    assert {*full.limits} == {*emulated.limits}, "an emulated board has more or fewer limits"
    laxer = set()
    for metric, scheme in full.limits:
        own, of_few = (budgets.limit(metric, scheme or "float32") for budgets in (full, emulated))
        assert of_few.keeps(own.value), f"the limit of {metric} is stricter for few texts"
        if of_few.value != own.value:
            assert metric in SCORES or of_few.file.endswith("emulated_budgets.toml")
            laxer.add(metric)
    assert {"accuracy_drop", "accuracy_drop_float32"} & laxer
    assert all(METRICS[metric].counted == "texts" for metric in laxer)


@pytest.mark.parametrize("name", budget_names())
def test_limits_are_not_relaxed_if_a_host_classified_the_other_texts(name):
    full = load_budgets(name, schemes=SCHEMES, classes=3)
    carried = load_budgets(name, schemes=SCHEMES, classes=3, emulated=FEW, carried=True)
    assert carried.limits == full.limits
    assert carried.texts is None
    assert {metric for metric, _ in carried.few} == set(OF_FEW_TEXTS)


@pytest.mark.parametrize(
    ("emulated", "carried", "texts", "answered", "own"),
    [
        (False, False, None, None, None),
        (True, False, None, FEW, FEW),
        (True, True, None, None, FEW),
        (True, False, 200, 200, None),
    ],
)
def test_emulated_board_classifies_few_texts_itself(emulated, carried, texts, answered, own):
    sizes = choose_sample_sizes(emulated=emulated, carried=carried, sustained=2.0, texts=texts)
    assert (sizes.texts, sizes.own_texts) == (answered, own)


@pytest.mark.parametrize("metric", [*ALIKE, "agreement_golden"])
def test_few_texts_with_almost_equal_labels_meet_every_shipped_limit_of_agreement(metric):
    # Forty texts must suffice to pass if two labels differ between files, or one between kernels.
    flips = 1 if metric == "agreement_golden" else 2
    for name in budget_names():
        budgets = load_budgets(name, schemes=SCHEMES, classes=3, emulated=FEW)
        for scheme in SCHEMES:
            limit = budgets.limit(metric, scheme)
            if limit is not None:
                assert limit.keeps(proportion_interval(FEW - flips, FEW).low), (name, scheme)
                assert not limit.keeps(proportion_interval(FEW * 6 // 10, FEW).high), (name, scheme)


@pytest.mark.parametrize("metric", SCORES)
@pytest.mark.parametrize("percent", [55, 70, 80, 92.5])
def test_limit_for_few_texts_is_relaxed_to_what_few_texts_can_prove(metric, percent, asked):
    limit = asked(f'[{metric}]\nmin = "{percent} %"', metric)
    assert limit.value == proportion_interval(int(percent * FEW / 100), FEW).low
    assert f"{percent} %, lowered for only {FEW} texts" in str(limit)
    assert "own.toml" in str(limit), "the limit does not name the file of the original limit"
    more = asked(f'[{metric}]\nmin = "{percent} %"', metric, texts=400)
    assert limit.value < more.value < percent / 100, (
        "with more texts, the limit must be nearer to the original"
    )


def test_relaxed_limit_is_computed_without_floating_point_rounding(asked):
    # 0.55 * 40 is 22.000000000000004, 0.7 * 40 is 28, and 0.29 * 100 is 28.999999999999996.
    limit = asked('[macro_f1]\nmin = "29 %"', "macro_f1", texts=100)
    assert limit.value == proportion_interval(29, 100).low
