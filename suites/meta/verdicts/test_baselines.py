"""Changes since a baseline are reported with size and date; times only on the same machine."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from models import former_names
from models.errors import EdgeproofError, UsageMistake
from models.verdicts.baselines import (
    SCHEMA,
    Baseline,
    Move,
    Movement,
    Noise,
    RunIdentity,
    baseline_path,
    convert_measurements,
    movement,
    read_baseline,
    read_noise,
    write_baseline,
)
from models.verdicts.judge import Estimate
from models.verdicts.measurement import Measurement, measure

HERE = RunIdentity(machine="a machine", texts="some texts")
WHO = {"subject": "mini", "device": "rpi4", "scheme": "float16"}
ELSEWHERE = "the baseline was taken on another machine"
NOISE = Path(__file__).parents[3] / "fixtures" / "baseline_noise.toml"


def make_measurement(metric: str, *ends: float, n: int = 2000, device: str = "rpi4") -> Measurement:
    """Return a measurement; `ends` is a value, or lower end, value and upper end."""
    low, value, high = ends if len(ends) == 3 else ends * 3
    return measure(
        Estimate(value, low, high, n),
        metric=metric,
        scheme="float16",
        device=device,
        backend="ai_edge_litert",
        test="a test",
    )


def baseline(*measurements: Measurement) -> Baseline:
    """Return the baseline with these measurements."""
    return Baseline(
        schema=SCHEMA,
        **WHO,
        commit="0123456789abcdef",
        changed=False,
        recorded="2026-11-21",
        taken=HERE,
        measurements=convert_measurements(measurements),
    )


@pytest.mark.parametrize(
    ("metric", "before", "now", "move"),
    [
        ("agreement", (0.985, 0.99, 0.995), (0.985, 0.99, 0.995), Move.SAME),
        ("agreement", (0.985, 0.99, 0.995), (0.96, 0.97, 0.975), Move.REGRESSION),
        ("agreement", (0.96, 0.97, 0.975), (0.985, 0.99, 0.995), Move.IMPROVEMENT),
        # The values differ by 2 points, less than both half-widths of 1.5 added in quadrature
        # (2.1).
        ("agreement", (0.955, 0.97, 0.985), (0.935, 0.95, 0.965), Move.SAME),
        # A difference of 2.2 points exceeds 2.1.
        ("agreement", (0.955, 0.97, 0.985), (0.933, 0.948, 0.963), Move.REGRESSION),
        ("accuracy_drop", (0.01, 0.02, 0.03), (0.05, 0.06, 0.07), Move.REGRESSION),
        ("accuracy_drop", (0.01, 0.02, 0.03), (-0.03, -0.02, -0.01), Move.IMPROVEMENT),
        ("flatbuffer_bytes", (1000.0,), (1001.0,), Move.REGRESSION),
        ("flatbuffer_bytes", (1000.0,), (999.0,), Move.IMPROVEMENT),
        ("flatbuffer_bytes", (1000.0,), (1000.0,), Move.SAME),
        ("size_ratio_weights", (4.0,), (3.0,), Move.REGRESSION),
        ("instructions", (1e6,), (1.1e6,), Move.REGRESSION),
        ("latency_p50", (0.9, 1.0, 1.1), (1.9, 2.0, 2.1), Move.REGRESSION),
        ("texts_per_second", (90.0, 100.0, 110.0), (45.0, 50.0, 55.0), Move.REGRESSION),
    ],
)
def test_change_from_the_baseline_is_reported_only_beyond_the_interval(metric, before, now, move):
    change = movement(
        make_measurement(metric, *now), baseline(make_measurement(metric, *before)), HERE, {}
    )
    assert change.move is move


def test_report_of_a_change_names_metric_difference_and_commit():
    before, now = (
        make_measurement("agreement", 0.985, 0.99, 0.995),
        make_measurement("agreement", 0.96, 0.97, 0.975),
    )
    change = movement(now, baseline(before), HERE, {})
    assert change.reason == (
        "agreement of float16 moved by -2 points [-3.118, -1.293] (95 % interval), "
        "from 99 % to 97 %, since commit 012345678 (2026-11-21)"
    )


def test_change_of_an_exact_value_is_reported_without_an_interval():
    before = baseline(make_measurement("flatbuffer_bytes", 1000.0))
    change = movement(make_measurement("flatbuffer_bytes", 1100.0), before, HERE, {})
    assert "moved by 100 bytes, from 1,000 bytes to 1,100 bytes, since" in change.reason


@pytest.mark.parametrize(
    ("file", "move"),
    [("a" * 64, Move.REGRESSION), ("b" * 64, Move.SAME), (None, Move.SAME)],
    ids=["the same file", "another file", "no file"],
)
def test_file_of_another_training_may_differ_by_the_known_deviation_between_trainings(file, move):
    """A drop of 3 points is beyond both intervals, and within what two trainings differ by."""
    before = baseline(make_measurement("accuracy", 0.90, 0.91, 0.92))
    before = msgspec.structs.replace(before, taken=msgspec.structs.replace(HERE, file="a" * 64))
    now, identity = (
        make_measurement("accuracy", 0.87, 0.88, 0.89),
        msgspec.structs.replace(HERE, file=file),
    )
    noise = {"accuracy": Noise(training=0.011)}
    assert movement(now, before, identity, noise).move is move


def test_drop_beyond_the_deviation_between_trainings_is_a_regression():
    before, now = (
        make_measurement("accuracy", 0.90, 0.91, 0.92),
        make_measurement("accuracy", 0.86, 0.87, 0.88),
    )
    noise = {"accuracy": Noise(training=0.011)}
    assert movement(now, baseline(before), HERE, noise).move is Move.REGRESSION


def test_change_of_memory_is_reported_in_megabytes():
    before = baseline(make_measurement("peak_rss", 59e6, 60e6, 61e6))
    change = movement(make_measurement("peak_rss", 99e6, 100e6, 101e6), before, HERE, {})
    assert "moved by 40 MB [38.59, 41.41] (95 % interval), from 60 MB to 100 MB" in change.reason


def test_change_smaller_than_the_configured_noise_is_not_reported():
    before = baseline(make_measurement("flatbuffer_bytes", 1000.0))
    moves = {1010.0: Move.SAME, 1005.0: Move.SAME, 995.0: Move.SAME, 990.0: Move.SAME}
    moves |= {1011.0: Move.REGRESSION, 989.0: Move.IMPROVEMENT}
    for value, move in moves.items():
        now = make_measurement("flatbuffer_bytes", value)
        assert movement(now, before, HERE, {"flatbuffer_bytes": Noise(0.01)}).move is move


def test_change_of_a_percentage_is_reported_in_points():
    before = baseline(make_measurement("accuracy_drop", 0.01, 0.02, 0.03))
    change = movement(make_measurement("accuracy_drop", 0.05, 0.06, 0.07), before, HERE, {})
    assert "moved by 4 points [2.586, 5.414]" in change.reason
    assert "from 2 points to 6 points, since" in change.reason


def test_report_mentions_uncommitted_changes_of_the_baseline():
    before = msgspec.structs.replace(
        baseline(make_measurement("flatbuffer_bytes", 1.0)), changed=True
    )
    change = movement(make_measurement("flatbuffer_bytes", 2.0), before, HERE, {})
    assert change.reason.endswith("since commit 012345678 with changes (2026-11-21)")


def not_compared(metric, because):
    """Return the change of a measurement that is not compared, for this reason."""
    return Movement(Move.NOT_COMPARED, f"{metric}: {because}", because=because)


@pytest.mark.parametrize("metric", ["latency_p50", "latency_ratio", "texts_per_second"])
def test_times_on_untimed_targets_are_not_compared_with_the_baseline(metric):
    before, now = baseline(make_measurement(metric, 1.0)), make_measurement(metric, 9.0)
    change = movement(now, before, HERE, {}, untimed="it is emulated")
    assert change == not_compared(metric, "it is emulated")


def test_metrics_other_than_times_are_compared_on_untimed_targets():
    before, now = baseline(make_measurement("peak_rss", 1e6)), make_measurement("peak_rss", 2e6)
    assert movement(now, before, HERE, {}, untimed="it is emulated").move is Move.REGRESSION


@pytest.mark.parametrize(
    ("metric", "device", "machine", "texts", "reason"),
    [
        ("latency_p50", "rpi4", "another", "some texts", ELSEWHERE),
        ("latency_ratio", "rpi4", "another", "some texts", ELSEWHERE),
        ("peak_rss", "rpi4", "another", "some texts", ELSEWHERE),
        (
            "latency_p50",
            "host",
            "a machine",
            "some texts",
            "a host runs other programs at the same time, so only ratios are compared",
        ),
        ("accuracy", "rpi4", "a machine", "others", "the baseline was taken on other texts"),
    ],
)
def test_baseline_from_another_machine_or_other_texts_is_not_compared(
    metric, device, machine, texts, reason
):
    value = {"peak_rss": 1e6}.get(metric, 0.5)
    before = baseline(make_measurement(metric, value))
    now = make_measurement(metric, 0.9 * value, device=device)
    change = movement(now, before, RunIdentity(machine=machine, texts=texts), {})
    assert change == not_compared(metric, reason)


@pytest.mark.parametrize("metric", ["accuracy", "flatbuffer_bytes", "instructions"])
def test_metrics_independent_of_the_machine_are_compared_across_machines(metric):
    before = baseline(make_measurement(metric, 0.5))
    another_machine = RunIdentity(machine="another", texts="some texts")
    assert movement(make_measurement(metric, 0.5), before, another_machine, {}).move is Move.SAME


@pytest.mark.parametrize("value", [999.0, 1000.0, 1001.0])
def test_change_says_that_the_baseline_was_measured_on_another_file(value):
    """Comparing with an older file is the purpose, and the report says that the file differs."""
    then, now = (msgspec.structs.replace(HERE, file=letter * 64) for letter in "ab")
    before = msgspec.structs.replace(
        baseline(make_measurement("flatbuffer_bytes", 1000.0)), taken=then
    )
    change = movement(make_measurement("flatbuffer_bytes", value), before, now, {})
    assert change.other_file == "on another file: sha256 aaaaaaaaaaaa then, bbbbbbbbbbbb now"
    assert f"({change.other_file})" in change.reason


@pytest.mark.parametrize("files", [(None, "b"), ("b", None), ("b", "b"), (None, None)])
def test_change_does_not_mention_a_file_that_is_unchanged_or_unknown(files):
    then, now = (msgspec.structs.replace(HERE, file=file) for file in files)
    before = msgspec.structs.replace(
        baseline(make_measurement("flatbuffer_bytes", 1000.0)), taken=then
    )
    change = movement(make_measurement("flatbuffer_bytes", 1000.0), before, now, {})
    assert (change.other_file, change.reason) == ("", "flatbuffer_bytes: as before")


def test_a_metric_that_the_baseline_lacks_is_not_compared():
    change = movement(
        make_measurement("accuracy", 0.5), baseline(make_measurement("agreement", 0.5)), HERE, {}
    )
    assert change == not_compared(
        "accuracy", "the baseline has no measurement of this metric and backend"
    )


def test_baseline_with_an_infinite_interval_reports_no_change():
    wide = make_measurement("latency_p99", -float("inf"), 1.0, float("inf"))
    assert (
        movement(make_measurement("latency_p99", 9.0), baseline(wide), HERE, {}).move is Move.SAME
    )


def test_baseline_read_from_a_file_equals_the_written_one(tmp_path):
    path = baseline_path(tmp_path, *WHO.values())
    assert read_baseline(path, **WHO) is None
    stored = baseline(
        make_measurement("agreement", 0.985, 0.99, 0.995), make_measurement("accuracy", 0.8)
    )
    write_baseline(path, stored)
    assert path == tmp_path / "mini" / "rpi4" / "float16.json"
    assert read_baseline(path, **WHO) == stored
    text = path.read_text()
    assert text.startswith('{\n "schema": 3,\n "subject": "mini",')
    assert text.endswith("}\n")
    # A later run replaces the file.
    write_baseline(path, baseline())
    assert json.loads(path.read_text())["measurements"] == []


def test_baseline_file_lists_measurements_in_a_fixed_order():
    backends = ["tflite_runtime", None, "ai_edge_litert"]
    accuracy = [
        msgspec.structs.replace(make_measurement("accuracy", 0.7, 0.8, 0.9), backend=name)
        for name in backends
    ]
    kept_measurements = convert_measurements([make_measurement("agreement", 0.9), *accuracy])
    assert [(measurement.metric, measurement.backend) for measurement in kept_measurements] == [
        ("accuracy", None),
        ("accuracy", "ai_edge_litert"),
        ("accuracy", "tflite_runtime"),
        ("agreement", "ai_edge_litert"),
    ]
    assert (
        kept_measurements[0].low,
        kept_measurements[0].value,
        kept_measurements[0].high,
        kept_measurements[0].n,
    ) == (0.7, 0.8, 0.9, 2000)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (1, former_names.METRICS | former_names.TAKEN | former_names.MEASURED),
        (2, former_names.MEASURED),
    ],
)
def test_baseline_of_an_old_version_is_read_under_current_names(version, words, tmp_path):
    path = tmp_path / "float16.json"
    stored = baseline(
        make_measurement("texts_per_second", 45.0, 50.0, 55.0), make_measurement("accuracy", 0.8)
    )
    write_baseline(path, stored)
    text = path.read_text().replace('"schema": 3', f'"schema": {version}')
    for old, new in words.items():
        text = text.replace(f'"{new}"', f'"{old}"')
    path.write_text(text)
    assert read_baseline(path, **WHO) == stored
    # A file that claims version 3 must be valid in version 3.
    path.write_text(text.replace(f'"schema": {version}', '"schema": 3'))
    with pytest.raises(EdgeproofError, match=r"is not a baseline .* Record the baseline again"):
        read_baseline(path, **WHO)


def test_baseline_of_a_renamed_scheme_is_read_under_its_current_name(tmp_path):
    (old, new), *_ = former_names.SCHEMES.items()
    identity = WHO | {"scheme": new}
    former_baseline = msgspec.structs.replace(
        baseline(make_measurement("accuracy", 0.8)), scheme=old
    )
    write_baseline(tmp_path / f"{old}.json", former_baseline)
    read_back = read_baseline(tmp_path / f"{new}.json", **identity)
    assert read_back == msgspec.structs.replace(former_baseline, scheme=new)


def test_baseline_under_the_current_scheme_name_overrides_the_old_one(tmp_path):
    (old, new), *_ = former_names.SCHEMES.items()
    former_baseline = msgspec.structs.replace(
        baseline(make_measurement("accuracy", 0.8)), scheme=old
    )
    write_baseline(tmp_path / f"{old}.json", former_baseline)
    current_baseline = msgspec.structs.replace(
        baseline(make_measurement("accuracy", 0.9)), scheme=new
    )
    write_baseline(tmp_path / f"{new}.json", current_baseline)
    assert read_baseline(tmp_path / f"{new}.json", **WHO | {"scheme": new}) == current_baseline


def test_candidate_named_like_an_old_scheme_has_its_own_baseline(tmp_path):
    old = next(iter(former_names.SCHEMES))
    former_baseline = msgspec.structs.replace(
        baseline(make_measurement("accuracy", 0.8)), scheme=old
    )
    write_baseline(tmp_path / f"{old}.json", former_baseline)
    assert read_baseline(tmp_path / f"{old}.json", **WHO | {"scheme": old}) == former_baseline


@pytest.mark.parametrize("taken_of", ["3", "[]", "null", '{"texts": 3}', '{"machine": "a"}'])
@pytest.mark.parametrize("measured", ["3", "[3]", '[{"metric": 3}]', '[{"metric": []}]', "{}"])
def test_rejects_broken_baseline_of_version_1(taken_of, measured, tmp_path):
    path = tmp_path / "float16.json"
    path.write_text(f'{{"schema": 1, "taken": {taken_of}, "measurements": {measured}}}')
    with pytest.raises(EdgeproofError, match=r"is not a baseline .* Record the baseline again"):
        read_baseline(path, **WHO)


@pytest.mark.parametrize("name", WHO)
def test_rejects_baseline_of_another_subject_device_or_scheme(name, tmp_path):
    path = tmp_path / "float16.json"
    write_baseline(path, baseline())
    message = "is a baseline of another run: version 3, subject mini, device rpi4, scheme float16"
    with pytest.raises(EdgeproofError, match=message) as caught:
        read_baseline(path, **{**WHO, name: "another"})
    assert caught.value.file == str(path)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": "x"}'])
def test_rejects_broken_baseline(text, tmp_path):
    path = tmp_path / "float16.json"
    path.write_text(text)
    with pytest.raises(
        EdgeproofError, match=r"is not a baseline .* Record the baseline again"
    ) as caught:
        read_baseline(path, **WHO)
    assert caught.value.file == str(path)


def test_rejects_baseline_with_a_number_written_as_text(tmp_path):
    path = tmp_path / "float16.json"
    write_baseline(path, baseline(make_measurement("accuracy", 0.8)))
    path.write_text(path.read_text().replace('"n": 2000', '"n": "2000"'))
    with pytest.raises(EdgeproofError, match=r"is not a baseline \(Expected `int`, got `str`"):
        read_baseline(path, **WHO)


def test_unwritable_baseline_folder_is_reported_in_one_message(tmp_path):
    (tmp_path / "mini").write_text("a file")
    path = baseline_path(tmp_path, *WHO.values())
    with pytest.raises(EdgeproofError, match=r"cannot be written \(Not a directory\)") as caught:
        write_baseline(path, baseline())
    assert caught.value.file == str(path)


def test_shipped_noise_levels_are_valid():
    noise = read_noise(NOISE)
    assert noise["peak_rss"] == Noise(0.2)
    assert noise["accuracy"] == Noise(training=0.011)
    assert all(0.0 < share + training <= 1.0 for share, training in noise.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[no_metric]\nnoise = '1 %'", "no metric is called 'no_metric'"),
        ("[peak_rss]\nnoise = 0.1", "noise.toml: peak_rss.noise: 0.1 is not a finite number"),
        ("[peak_rss]", "noise.toml: peak_rss: must be a table with the key noise, training"),
        ("[peak_rss]\nlevel = '1 %'", "noise.toml: peak_rss: must be a table with the key noise"),
        ("[accuracy]\ntraining = '1 MB'", "noise.toml: accuracy.training: "),
    ],
)
def test_rejects_invalid_noise_level(text, message, tmp_path):
    file = tmp_path / "noise.toml"
    file.write_text(text)
    with pytest.raises(UsageMistake, match=message):
        read_noise(file)
