"""Every mistake in a file of budgets is reported in one message with file, key and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.errors import UsageMistake
from models.flatbuffers.schemes import SCHEMES as KNOWN
from models.verdicts.budgets import Budgets, budget_names, load_budgets

if TYPE_CHECKING:
    from pathlib import Path

SCHEMES = list(KNOWN)


def load(folder: Path, text: str, *, classes: int = 3) -> Budgets:
    """Return the budgets of a file that contains `text`."""
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_budgets(str(path), schemes=SCHEMES, classes=classes)


@pytest.mark.parametrize("name", budget_names())
def test_shipped_budgets_are_valid(name: str) -> None:
    budgets = load_budgets(name, schemes=SCHEMES, classes=3)
    # Given files have no full model, so that their drop is measured against the reference's file.
    metric = "accuracy_drop_float32" if name == "given" else "accuracy_drop"
    drop = budgets.limit(metric, "dynamic_wi8_afp32")
    assert drop is not None
    assert drop.limit == "max"
    # No budget allows a larger drop than the paper reports.
    assert drop.value <= 0.041
    assert drop.source == f"models/verdicts/limits/budgets/{name}.toml: {metric}.max"


def test_limit_of_a_scheme_overrides_the_general_limit(tmp_path: Path) -> None:
    budgets = load(
        tmp_path,
        """
        [agreement]
        min = "97 %"
        [agreement.float16]
        min = "99 %"
        [accuracy.full_model]
        min = "0.8 fraction"
        """,
    )
    limits = {
        (metric, scheme): limit and (limit.value, limit.key)
        for metric in ("agreement", "accuracy", "peak_rss")
        for scheme in ("float16", "float32", "full_model")
        for limit in [budgets.limit(metric, scheme)]
    }
    assert limits == {
        ("agreement", "float16"): (0.99, "agreement.float16.min"),
        ("agreement", "float32"): (0.97, "agreement.min"),
        ("agreement", "full_model"): (0.97, "agreement.min"),
        ("accuracy", "float16"): None,
        ("accuracy", "float32"): None,
        ("accuracy", "full_model"): (0.8, "accuracy.full_model.min"),
        ("peak_rss", "float16"): None,
        ("peak_rss", "float32"): None,
        ("peak_rss", "full_model"): None,
    }


def test_common_limits_apply_to_metrics_that_the_users_file_does_not_limit(tmp_path: Path) -> None:
    budgets = load(tmp_path, '[agreement]\nmin = "97 %"')
    limit = budgets.limit("weights_kept", "float32")
    assert limit is not None
    assert (limit.value, limit.source) == (
        0.98,
        "models/verdicts/limits/soundness.toml: weights_kept.float32.min",
    )
    assert budgets.limit("weights_kept", "float16") is None
    assert budgets.file == str(tmp_path / "mine.toml")


def test_limit_in_the_users_file_overrides_the_common_limit(tmp_path: Path) -> None:
    budgets = load(tmp_path, '[weights_kept]\nmin = "0.5 x"')
    own = budgets.limit("weights_kept", "float32")
    assert own is not None
    assert (own.value, own.key) == (0.5, "weights_kept.min")


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (
            '[acuracy]\nmin = "80 %"',
            "acuracy",
            "no metric is called 'acuracy'. Known metrics: accuracy, bal",
        ),
        (
            '[agreement.int8]\nmin = "97 %"',
            "agreement.int8",
            "no scheme is called 'int8'. Known schemes: float32, float16, dynamic_wi8_afp32, ",
        ),
        ("accuracy = 0.8", "accuracy", "is 0.8, not a table. Write a table [accuracy]"),
        ("[accuracy]", "accuracy", "contains no limit. Give 'min', or remove the table"),
        ("[accuracy.float16]", "accuracy.float16", "contains no limit"),
        ("[accuracy]\nmin = 0.8", "accuracy.min", "0.8 is not a finite number with a unit"),
        ('[accuracy]\nmin = "0.8"', "accuracy.min", "'0.8' is not a finite number with a unit"),
        ('[accuracy]\nmin = ["80 %"]', "accuracy.min", "['80 %'] is not a finite number with"),
        ('[accuracy]\nmin = "nan %"', "accuracy.min", "'nan %' is not a finite number"),
        ('[accuracy]\nmin = "25 ms"', "accuracy.min", "the unit 'ms' of '25 ms' does not fit"),
        ('[peak_rss]\nmax = "9 Mb"', "peak_rss.max", "the unit 'Mb' of '9 Mb' is not known"),
        ('[peak_rss]\nmax = "-9 MB"', "peak_rss.max", "'-9 MB' is negative"),
        (
            '[accuracy]\nmin = "0.8 %"',
            "accuracy.min",
            '. Give a limit that guessing cannot reach; write percentages like "98 %"',
        ),
        ('[agreement]\nmin = "0.98 %"', "agreement.min", "'0.98 %' is below chance"),
        (
            '[accuracy]\nmin = "33 %"',
            "accuracy.min",
            "'33 %' is below chance, which is 33.33 % for",
        ),
        (
            '[accuracy]\nmin = "101 %"',
            "accuracy.min",
            "'101 %' is outside the range of accuracy",
        ),
        ('[accuracy]\nmin = "80 fraction"', "accuracy.min", "limit between 0 % and 100 %"),
        (
            '[accuracy_drop]\nmax = "0.041 points"',
            "accuracy_drop.max",
            'looks like a fraction, but a percentage is expected. Write "4.1 points"',
        ),
        ('[accuracy_drop]\nmax = "4.1 %"', "accuracy_drop.max", "the unit '%' of '4.1 %' does not"),
        (
            '[accuracy_drop]\nmax = "4.1 fraction"',
            "accuracy_drop.max",
            "the range of accuracy_drop. Give a limit between -100 points and 100 points",
        ),
        (
            '[accuracy_drop.float16]\nmin = "4.1 points"',
            "accuracy_drop.float16.min",
            "is the wrong kind of limit for accuracy_drop. Give 'max', because lower is better",
        ),
        (
            '[accuracy]\nmin = "80 %"\nmax = "95 %"',
            "accuracy.max",
            "'max' is the wrong kind of limit for accuracy. Give 'min', because higher is better",
        ),
        (
            '[accuracy]\nminimum = "80 %"',
            "accuracy.minimum",
            "'minimum' is not a key of a budget. Give 'min'",
        ),
        (
            '[accuracy.float16]\nmin = { value = "80 %" }',
            "accuracy.float16.min",
            "is not a finite number with a unit",
        ),
    ],
)
def test_error_in_a_budget_names_file_and_key(
    tmp_path: Path, text: str, key: str, message: str
) -> None:
    with pytest.raises(UsageMistake) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'mine.toml'}: {key}: ")
    assert message in str(caught.value)
    assert caught.value.remedy
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("metric", "side", "limit"),
    [
        ("accuracy_drop", "max", "100 points"),
        ("f_rs_drop.float16", "max", "1 fraction"),
        ("total_variation", "max", "100 %"),
        ("macro_f1", "min", "0 %"),
        ("quantized_weight_share", "min", "0.0 %"),
        ("size_ratio_reference", "min", "0 x"),
        ("texts_per_second", "min", "0 texts/s"),
    ],
)
def test_rejects_limit_that_every_possible_value_meets(
    tmp_path: Path, metric: str, side: str, limit: str
) -> None:
    with pytest.raises(UsageMistake, match="limits nothing: every possible value") as refused:
        load(tmp_path, f'[{metric}]\n{side} = "{limit}"')
    assert refused.value.key == f"{metric}.{side}"


def test_rejects_accuracy_limit_below_chance_for_the_number_of_labels(tmp_path: Path) -> None:
    text = '[accuracy]\nmin = "40 %"'
    assert load(tmp_path, text, classes=3).limit("accuracy", "float32")
    with pytest.raises(UsageMistake, match="below chance, which is 50 % for 2 labels"):
        load(tmp_path, text, classes=2)
    exactly = load(tmp_path, '[accuracy]\nmin = "50 %"', classes=2).limit("accuracy", "float32")
    assert exactly is not None
    assert exactly.value == 0.5


@pytest.mark.parametrize(
    ("metric", "side", "text", "value"),
    [
        ("accuracy_drop", "max", "-100 points", -1.0),
        ("accuracy_drop", "max", "99.9 points", 0.999),
        ("agreement", "min", "100 %", 1.0),
    ],
)
def test_accepts_limit_at_the_end_of_the_metrics_range(
    tmp_path: Path, metric: str, side: str, text: str, value: float
) -> None:
    limit = load(tmp_path, f'[{metric}]\n{side} = "{text}"').limit(metric, "float32")
    assert limit is not None
    assert (limit.limit, limit.value, limit.text) == (side, value, text)


def test_error_on_unknown_budgets_lists_the_known_budgets() -> None:
    with pytest.raises(
        UsageMistake,
        match=r"^--edge-budgets: no budgets are called 'tiny'\. Give one of embedded, ",
    ):
        load_budgets("tiny", schemes=SCHEMES, classes=3)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b"[accuracy", "not valid TOML"), (b"\xff", "cannot be read")],
)
def test_error_names_an_unreadable_budgets_file(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageMistake) as caught:
        load_budgets(str(path), schemes=SCHEMES, classes=3)
    assert caught.value.file == str(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "\ufeff"])
def test_rejects_budgets_without_a_limit(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageMistake, match=r"mine\.toml: contains no budget"):
        load(tmp_path, text)


@pytest.mark.parametrize("name", ["../budgets/embedded", "Embedded", "../soundness"])
def test_unknown_name_of_budgets_is_a_usage_mistake(name: str) -> None:
    with pytest.raises(UsageMistake, match=r"^subject 'x': budgets: no budgets are called"):
        load_budgets(name, schemes=SCHEMES, classes=3, key="subject 'x': budgets")
