"""The score command computes all measures and both trivial classifiers from RepLab's files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import models.verdicts
from models.verdicts.__main__ import main
from suites.meta.corpus.replab_package import miniature_tweets, write_miniature

if TYPE_CHECKING:
    from collections.abc import Iterable

CAR, BANK, OTHER = "RL2013D01E001", "RL2013D02E050", "no-code"
GOLD = [
    (CAR, "100001", "POSITIVE"),
    (CAR, "100002", "NEUTRAL"),
    (CAR, "100003", "NEGATIVE"),
    (CAR, "100004", "POSITIVE"),
    (BANK, "100001", "NEGATIVE"),
    (BANK, "100005", "POSITIVE"),
]


def write(path: Path, rows: Iterable[tuple[str, ...]]) -> str:
    """Write rows in RepLab's official format; return the path of the file."""
    lines = [("entity_id", "tweet_id", "polarity"), *rows]
    text = "".join("\t".join(f'"{value}"' for value in row) + "\n" for row in lines)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def score(capsys, tmp_path):
    """Return `score(system)`, which scores a system's rows against GOLD; it returns a document."""

    def run(system, *options, gold=GOLD):
        files = write(tmp_path / "gold.dat", gold), write(tmp_path / "system.dat", system)
        assert main(["score", *files, *options]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_gold_labels_as_predictions_have_perfect_scores(score):
    document = score(GOLD)
    for name in ("accuracy", "macro_f1", "official_accuracy", "reliability", "f_rs"):
        assert document["overall"][name] == 1.0
    assert document["overall"]["texts"] == 6
    assert document["overall"]["missing"] == 0


def test_score_command_gives_the_measures_of_a_hand_worked_example(score):
    # CAR: right, wrong, right, missing; BANK: right, wrong.
    system = [
        (CAR, "100001", "POSITIVE"),
        (CAR, "100002", "POSITIVE"),
        (CAR, "100003", "NEGATIVE"),
        (BANK, "100001", "NEGATIVE"),
        (BANK, "100005", "NEGATIVE"),
        (BANK, "999999", "NEGATIVE"),
    ]
    document = score(system)
    overall = document["overall"]
    assert overall["accuracy"] == 0.5
    assert overall["official_accuracy"] == 0.5
    assert overall["missing"] == 1
    assert (overall["texts"], overall["groups"]) == (6, 2)
    assert document["language"] == "all"
    assert Path(document["gold"]["file"]).name == "gold.dat"
    assert Path(document["system"]["file"]).name == "system.dat"
    assert document["system"]["answers_to_no_scored_tweet"] == 1
    # Recall: POSITIVE 1/3, NEUTRAL 0/1, NEGATIVE 2/2.
    assert overall["balanced_accuracy"] == pytest.approx((1 / 3 + 0 + 1) / 3, abs=1e-6)
    positive = document["by_class"]["POSITIVE"]
    assert (positive["recall"], positive["precision"], positive["f1"]) == (0.333333, 0.5, 0.4)
    assert document["by_class"]["NEGATIVE"] == {
        "precision": 0.666667,
        "recall": 1.0,
        "f1": 0.8,
        "in_gold": 2,
        "answered": 3,
    }
    # CAR, tweet by tweet: R 1/1, 1/1, 2/2, none = 1; S 1/2, 1/3, 2/3, 0/2; BANK: R 1, S 0.
    car, bank = document["by_group"][CAR], document["by_group"][BANK]
    assert (car["reliability"], car["sensitivity"]) == (1.0, 0.375)
    assert (bank["reliability"], bank["sensitivity"], bank["f_rs"]) == (1.0, 0.0, 0.0)
    assert overall["f_rs"] == pytest.approx((2 * 0.375 / 1.375) / 2, abs=1e-6)
    assert document["by_domain"]["automotive"]["texts"] == 4
    assert document["by_domain"]["banking"]["accuracy"] == 0.5


def test_score_command_reports_both_trivial_classifiers(score, tmp_path):
    training = write(
        tmp_path / "training.dat",
        [(CAR, "1", "NEUTRAL"), (BANK, "2", "NEGATIVE"), (BANK, "3", "POSITIVE"), (CAR, "4", "x")],
    )
    document = score(GOLD, "--training", training)
    assert document["floors"]["always_POSITIVE"]["accuracy"] == 0.5
    # In training, CAR has only NEUTRAL. BANK's labels are tied, and so are those of all tweets. A
    # tie is decided for the worst label, NEGATIVE.
    assert document["floors"]["group_majority_of_training"]["accuracy"] == round(2 / 6, 6)
    assert document["floors"]["majority_of_training"]["accuracy"] == round(2 / 6, 6)
    assert document["floors"]["always_POSITIVE"]["groups"] == 2
    without = score(GOLD)["floors"]
    assert without["always_POSITIVE"] == document["floors"]["always_POSITIVE"]
    omitted = {"omitted": "these need the training gold standard: give --training"}
    assert without["majority_of_training"] == omitted
    assert without["group_majority_of_training"] == omitted


def test_rows_without_polarity_are_counted_but_not_scored(score):
    broken = (CAR, "100009", "RELATED")
    document = score([*GOLD, broken], gold=[*GOLD, broken, GOLD[0]])
    assert document["gold"] | {"file": ""} == {
        "file": "",
        "tweets": 6,
        "without_polarity": 1,
        "repeated": 1,
        "unreadable": 0,
    }
    assert document["system"]["without_polarity"] == 1


@pytest.mark.parametrize("entity", [OTHER, "RL2013D09E001"])
def test_entity_with_an_unknown_domain_code_counts_as_other_domain(score, entity):
    document = score([(entity, "1", "NEUTRAL")], gold=[(entity, "1", "NEUTRAL")])
    assert document["by_domain"]["other"]["accuracy"] == 1.0


def test_language_option_scores_only_tweets_of_one_language(capsys, tmp_path):
    root = write_miniature(tmp_path)
    gold = f"{root}/test/goldstandard/goldstandard_polarity.dat"
    options = ["--training", f"{root}/training/goldstandard/goldstandard_polarity.dat"]
    options += ["--package", str(root), "--language", "EN"]
    assert main(["score", gold, gold, *options]) == 0
    document = json.loads(capsys.readouterr().out)
    english = [
        tweet
        for tweet in miniature_tweets()
        if (tweet.folder, tweet.filtering, tweet.language) == ("test", "RELATED", "EN")
    ]
    assert document["overall"]["texts"] == len(english)
    assert document["language"] == "EN"
    positive = sum(tweet.polarity == "POSITIVE" for tweet in english)
    share = round(positive / len(english), 6)
    assert document["floors"]["always_POSITIVE"]["accuracy"] == share
    assert document["floors"]["group_majority_of_training"]["accuracy"] == share


@pytest.mark.parametrize(
    ("system", "options", "message"),
    [
        ([], [], "system.dat: gives no polarity for any tweet"),
        (
            [(CAR, "7", "POSITIVE")],
            [],
            "system.dat: contains no answer for any tweet in the gold standard",
        ),
        (GOLD, ["--training", "nowhere.dat"], "nowhere.dat: cannot be read (No such file"),
        (GOLD, ["--language", "EN"], "--language and --package must be given together. Give both"),
        (GOLD, ["--language", "EN", "--package", "."], "the package lacks tweet_info"),
        (GOLD, ["--laguage", "EN"], "unrecognized arguments: --laguage EN. See python -m"),
    ],
)
def test_mistake_in_score_arguments_or_files_is_reported_in_one_message(
    system, options, message, capsys, tmp_path
):
    files = write(tmp_path / "gold.dat", GOLD), write(tmp_path / "system.dat", system)
    assert main(["score", *files, *options]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_rejects_language_in_which_no_tweet_is_written(capsys, tmp_path):
    root = write_miniature(tmp_path)
    gold = f"{root}/test/goldstandard/goldstandard_polarity.dat"
    assert main(["score", gold, gold, "--package", str(root), "--language", "FR"]) == 4
    message = f"{gold}: --language: no tweet has the language FR. Give one of EN, ES\n"
    assert capsys.readouterr().err == message


def test_missing_command_is_a_usage_error(capsys):
    assert main([]) == 4
    assert "required: command. See python -m models.verdicts --help" in capsys.readouterr().err


def test_help_describes_the_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    assert "every measure of a system's output" in help_text
    assert "the error rates of the latency gate on this machine" in help_text


def test_calibrate_command_receives_its_options(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(
        "models.calibration.command.calibrate",
        lambda **options: calls.append(options) or {"power": 1},
    )
    assert main(["calibrate"]) == 0
    assert json.loads(capsys.readouterr().out) == {"power": 1}
    options = ["--comparisons", "5", "--slowdown", "20 %", "--variant", "a.tflite"]
    assert main(["calibrate", *options, "--backend", "tflite_runtime"]) == 0
    assert calls == [
        {"comparisons": 200, "slowdown": 0.1, "variant": None, "backend": None},
        {
            "comparisons": 5,
            "slowdown": 0.2,
            "variant": Path.cwd() / "a.tflite",
            "backend": "tflite_runtime",
        },
    ]
    capsys.readouterr()
    assert main(["calibrate", "--slowdown", "0.2"]) == 4
    assert "--slowdown: '0.2' is not a finite number with a unit" in capsys.readouterr().err


def test_score_command_runs_as_a_python_module(tmp_path):
    gold = write(tmp_path / "gold.dat", GOLD)
    command = [sys.executable, "-m", "models.verdicts", "score", gold]
    root = Path(models.verdicts.__file__).parents[2]
    done = subprocess.run([*command, gold], cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["overall"]["accuracy"] == 1.0
    missing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert missing.returncode == 4
    assert "Traceback" not in missing.stderr
