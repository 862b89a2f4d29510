"""Using an old name is an error, whose message gives the current name."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from fixtures.judging import known_failures
from fixtures.session.options import OPTIONS, SETTINGS, Option
from models import former_names
from models.devices.profile import FOLDER, load_device
from models.errors import UsageMistake
from models.flatbuffers.schemes import SCHEMES, scheme_named
from models.store import PROJECT
from models.verdicts.budgets import load_budgets
from models.verdicts.metrics import METRICS
from models.verdicts.quantities import SPELLINGS, Unit, parse_quantity
from suites.meta.gates.running import environment

OLD_METRIC, *_ = former_names.METRICS
OLD_SCHEME, NEW_SCHEME = next(iter(former_names.SCHEMES.items()))
(OLD_UNIT,) = former_names.UNITS
NOW = "Its name is now {}: write the new name"
ENTRY = """
[[failures]]
subject = "mini"
test = "{test}"
reason = "too slow"
link = "https://example.org/1"
expires = 2999-12-31
metric = "{metric}"
verdict = "fail"
"""
SLOW = "suites/latency/test_throughput.py"


@pytest.mark.parametrize(
    ("names", "today"),
    [
        (former_names.METRICS, METRICS),
        (former_names.UNITS, SPELLINGS),
        (former_names.SCHEMES, SCHEMES),
        (former_names.OPTIONS, {option.name for option in OPTIONS}),
        (former_names.TESTS, re.findall(r"(?m)^def (test_\w+)", "\n".join(
            file.read_text(encoding="utf-8")
            for file in (PROJECT / "suites").glob("*/test_*.py")
        ))),
    ],
    ids=["metrics", "units", "schemes", "options", "tests"],
)  # fmt: skip
def test_every_old_name_maps_to_a_current_name(names, today):
    assert {*names.values()} <= {*today}
    assert not {*names} & {*today}


def test_error_on_a_budget_with_an_old_metric_gives_the_current_name(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(f'[{OLD_METRIC}]\nmin = "1 texts/s"\n', encoding="utf-8")
    with pytest.raises(UsageMistake) as refused:
        load_budgets(str(file), schemes=["float32"], classes=3)
    new = former_names.METRICS[OLD_METRIC]
    assert str(refused.value) == (
        f"{file}: {OLD_METRIC}: no metric is called '{OLD_METRIC}'. {NOW.format(new)}"
    )


@pytest.mark.parametrize(
    "limits",
    [
        '[agreement.{}]\nmin = "97 %"\n',
        '[goal.{}]\nbytes = "1 MB"\ndrop = "1 pp"\nspeed = "2 x paper"\n',
    ],
    ids=["metric", "goal"],
)
def test_error_on_a_budget_for_an_old_scheme_gives_the_current_name(limits, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(limits.format(OLD_SCHEME), encoding="utf-8")
    with pytest.raises(UsageMistake, match=NOW.format(NEW_SCHEME)) as refused:
        load_budgets(str(file), schemes=[*SCHEMES], classes=3)
    assert refused.value.what == f"no scheme is called {OLD_SCHEME!r}"


def test_error_on_a_requested_old_scheme_gives_the_current_name():
    with pytest.raises(UsageMistake, match=NOW.format(NEW_SCHEME)) as refused:
        scheme_named(OLD_SCHEME)
    assert refused.value.key == "--edge-schemes"


def test_error_on_a_budget_with_an_old_unit_gives_the_current_unit(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(f'[texts_per_second]\nmin = "1 {OLD_UNIT}"\n', encoding="utf-8")
    with pytest.raises(UsageMistake, match=NOW.format("texts/s")) as refused:
        load_budgets(str(file), schemes=["float32"], classes=3)
    assert (refused.value.file, refused.value.key) == (str(file), "texts_per_second.min")


@pytest.mark.parametrize("section", ["paper", "budgets"])
@pytest.mark.parametrize(
    ("old", "new"),
    [("{}.texts_per_second", f"{{}}.{OLD_METRIC}"), ("texts/s", OLD_UNIT)],
    ids=["metric", "unit"],
)
def test_error_on_a_device_profile_with_old_names_gives_the_current_names(
    section, old, new, tmp_path
):
    text = (FOLDER / "rpi4.toml").read_text(encoding="utf-8")
    begins = text.index(f"[{section}.texts_per_second]")
    changed = text[begins:].replace(old.format(section), new.format(section), 1)
    file = tmp_path / "board.toml"
    file.write_text(text[:begins] + changed, encoding="utf-8")
    with pytest.raises(
        UsageMistake, match=r"Its name is now texts\S+: write the new name"
    ) as refused:
        load_device(str(file))
    assert "board.toml" in str(refused.value)
    assert refused.value.key.startswith(f"{section}.")


@pytest.mark.parametrize(
    ("entry", "new"),
    [
        ({"test": f"{SLOW}::test_any[host]", "metric": OLD_METRIC}, "texts_per_second"),
        *(
            ({"test": f"{SLOW}::{old}[host-float32]", "metric": "accuracy"}, new)
            for old, new in former_names.TESTS.items()
        ),
        ({"test": f"{SLOW}::test_any[host-{OLD_SCHEME}]", "metric": "accuracy"}, NEW_SCHEME),
    ],
)
def test_error_on_a_known_failure_with_old_names_gives_the_current_names(entry, new, tmp_path):
    file = tmp_path / "known.toml"
    file.write_text(ENTRY.format(**entry), encoding="utf-8")
    subject = SimpleNamespace(name="mini", other_candidates=(), known_failures=None)
    target = SimpleNamespace(name="host")
    settings = SimpleNamespace(subject=subject, known_failures=str(file), target=target)
    config = SimpleNamespace(stash={SETTINGS: settings})
    with pytest.raises(pytest.exit.Exception) as stopped:
        known_failures.pytest_collection_modifyitems(
            config, [SimpleNamespace(nodeid=f"{SLOW}::test_other[host]")]
        )
    assert stopped.value.returncode == pytest.ExitCode.USAGE_ERROR
    assert str(file) in str(stopped.value)
    assert f" {new}: write the new name" in str(stopped.value)


def test_error_on_an_unknown_unit_lists_the_current_units():
    with pytest.raises(UsageMistake, match="Use one of us, ms, s"):
        parse_quantity("3 minutes", Unit.SECONDS)


@pytest.mark.parametrize(
    ("name", "source"),
    [("tweets", "switch"), ("tweets", "variable"), ("tweets", "ini"), ("runtime", "switch")],
)
def test_error_on_an_old_option_gives_the_current_option_in_one_message(name, source):
    old, new = (Option(option_name, None, "") for option_name in (name, former_names.OPTIONS[name]))
    was, now = getattr(old, source), getattr(new, source)
    more = {"switch": [f"{was}=5"], "ini": ["-o", f"{was}=5"], "variable": []}[source]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *more, "suites/size"],
        cwd=PROJECT,
        env=environment() | ({was: "5"} if source == "variable" else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.strip() == f"ERROR: {was}: is now called {now}. Write {now} instead"
