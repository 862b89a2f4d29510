"""A goal sets three limits together; each mistake in a goal is one message with file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.errors import UsageMistake
from models.flatbuffers.schemes import SCHEMES as KNOWN
from models.verdicts.budgets import Budgets, load_budgets

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = 'bytes = "8378547 bytes"\ndrop = "1 points"\nspeed = "10 x paper"\n'


def load(folder: Path, text: str) -> Budgets:
    """Return the budgets of a file that contains `text`."""
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_budgets(str(path), schemes=list(KNOWN), classes=3)


def test_goal_has_limits_on_size_drop_and_speed(tmp_path: Path) -> None:
    goal = load(tmp_path, f"[goal]\n{WHOLE}").goal("float16")
    assert goal is not None
    limits = {axis: (limit.metric, limit.limit, limit.value) for axis, limit in goal.limits.items()}
    assert limits == {
        "bytes": ("flatbuffer_bytes", "max", 8_378_547.0),
        "drop": ("accuracy_drop", "max", 0.01),
        "speed": ("speed_ratio_paper", "min", 10.0),
    }
    assert goal.speed.key == "goal.speed"
    assert goal.speed.text == "10 x paper"


def test_goal_of_a_scheme_overrides_the_general_goal(tmp_path: Path) -> None:
    own = WHOLE.replace("10 x", "20 x")
    budgets = load(tmp_path, f"[goal]\n{WHOLE}\n[goal.float16]\n{own}")
    speeds = {name: budgets.goal(name).speed.value for name in ("float16", "float32")}  # type: ignore[union-attr] # both schemes have a goal
    assert speeds == {"float16": 20.0, "float32": 10.0}


def test_no_goal_applies_to_a_scheme_without_a_declared_goal(tmp_path: Path) -> None:
    budgets = load(tmp_path, f"[goal.float16]\n{WHOLE}")
    assert budgets.goal("float32") is None
    assert budgets.goal("float16") is not None


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("goal = 3", "goal", "is 3, not a table"),
        ("[goal]", "goal", "gives no bytes and no drop and no speed"),
        (f"[goal]\n{WHOLE}energy = '1 J'", "goal.energy", "'energy' is not an axis of a goal"),
        ('[goal.float16]\nbytes = "1 MB"', "goal.float16", "gives no drop and no speed"),
        (f"[goal.float17]\n{WHOLE}", "goal.float17", "no scheme is called 'float17'"),
        (f"[goal.full_model]\n{WHOLE}", "goal.full_model", "no scheme is called 'full_model'"),
        (
            "[goal]\n" + WHOLE.replace(" paper", ""),
            "goal.speed",
            "does not say what the ratio is relative to",
        ),
        (
            "[goal]\n" + WHOLE.replace('"10 x paper"', "10"),
            "goal.speed",
            "does not say what the ratio is relative to",
        ),
        ("[goal]\n" + WHOLE.replace("10 x", "10 ms"), "goal.speed", "the unit 'ms'"),
        ("[goal]\n" + WHOLE.replace("10 x", "0 x"), "goal.speed", "or limits nothing"),
        ("[goal]\n" + WHOLE.replace("1 points", "1 %"), "goal.drop", "the unit '%'"),
        ("[goal]\n" + WHOLE.replace("1 points", "100 points"), "goal.drop", "or limits nothing"),
        ("[goal]\n" + WHOLE.replace("8378547 bytes", "8 points"), "goal.bytes", "the unit"),
    ],
)
def test_error_in_a_goal_names_file_and_key(
    tmp_path: Path, text: str, key: str, message: str
) -> None:
    with pytest.raises(UsageMistake, match=message) as raised:
        load(tmp_path, text)
    assert raised.value.key == key
    assert str(raised.value.file).endswith("mine.toml")
    assert raised.value.remedy
