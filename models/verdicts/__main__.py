"""Score a system's output, or measure error rates; print one JSON document.

`python -m models.verdicts score GOLD SYSTEM`: compute every measure of a system's output.
`python -m models.verdicts calibrate`: measure the error rates of the latency gate on this machine.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from models.command_line import Parser, answer, path, run_command
from models.corpus.replab_package import read_languages
from models.errors import UsageMistake
from models.verdicts.answers import Polarities, aligned, read_polarities
from models.verdicts.quantities import Unit, parse_quantity
from models.verdicts.scores import MAJORITY, OVERALL, score, score_trivial_classifiers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from models.verdicts.answers import Key


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit code (0, or 4 for the user's mistake)."""
    return answer(lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    document: dict[str, Any] = options.run(options)
    return document


def _parser() -> Parser:
    parser = Parser(prog="python -m models.verdicts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    scoring = commands.add_parser(
        "score",
        help="compute accuracy, F1, official accuracy, R, S and F(R,S) of a system's output and of "
        "trivial classifiers",
    )
    scoring.add_argument(
        "gold", type=path, help="gold standard, with the columns entity_id, tweet_id, polarity"
    )
    scoring.add_argument("system", type=path, help="a system's output in the same format")
    scoring.add_argument(
        "--training",
        type=path,
        help="gold standard of the training tweets, from which trivial classifiers are made",
    )
    scoring.add_argument(
        "--language", help="score the tweets of one language (EN, ES); needs --package"
    )
    scoring.add_argument(
        "--package", type=path, help="RepLab 2013 package, which lists the language of each tweet"
    )
    scoring.set_defaults(run=_score)
    _add_calibration(commands)
    return parser


def _add_calibration(commands: Any) -> None:
    calibrating = commands.add_parser(
        "calibrate",
        help="measure how often the latency gate is wrong, and which slowdowns it "
        "finds, on this machine",
    )
    calibrating.add_argument(
        "--comparisons",
        type=int,
        default=200,
        help="how many comparisons of each kind to make (default: %(default)s)",
    )
    calibrating.add_argument(
        "--slowdown",
        default="10 %",
        help="the slowdown to plant when measuring how often the gate finds it "
        "(default: %(default)r)",
    )
    calibrating.add_argument(
        "--variant", type=path, help="a FlatBuffer to time (default: a built-in network)"
    )
    calibrating.add_argument(
        "--backend", help="name of the backend (default: the first that this machine can run)"
    )
    calibrating.set_defaults(run=_calibrate)


def _calibrate(options: argparse.Namespace) -> dict[str, Any]:
    from models.calibration.command import calibrate  # noqa: PLC0415 - imports the runner, which scoring does not need

    return calibrate(
        comparisons=options.comparisons,
        slowdown=parse_quantity(options.slowdown, Unit.FRACTION, key="--slowdown"),
        variant=options.variant,
        backend=options.backend,
    )


def _score(options: argparse.Namespace) -> dict[str, Any]:
    if (options.language is None) != (options.package is None):
        raise UsageMistake(
            "--language and --package must be given together",
            remedy="Give both options to score one language, or neither to score all languages",
        )
    gold, system = read_polarities(options.gold), read_polarities(options.system)
    training = None if options.training is None else read_polarities(options.training)
    scored, trained = gold.labels, None if training is None else training.labels
    if options.language is not None:
        languages = read_languages(options.package)
        scored = _of_language(scored, languages, options.language, options.gold)
        if trained is not None:
            trained = _of_language(trained, languages, options.language, options.training)
    return {
        "gold": _described(options.gold, gold),
        "system": _described(options.system, system)
        | {"answers_to_no_scored_tweet": len(system.labels.keys() - scored.keys())},
        "language": options.language or "all",
        **_scored(scored, system, options.system),
        "floors": _trivial_scores(scored, trained),
    }


def _described(path: Path, polarities: Polarities) -> dict[str, Any]:
    return {"file": str(path), **polarities.describe()}


def _of_language(
    labels: Mapping[Key, int], languages: Mapping[Key, str], language: str, path: Path
) -> dict[Key, int]:
    chosen = {key: label for key, label in labels.items() if languages.get(key) == language}
    if not chosen:
        raise UsageMistake(
            f"no tweet has the language {language}",
            file=path,
            key="--language",
            remedy=f"Give one of {', '.join(sorted(set(filter(None, languages.values()))))}",
        )
    return chosen


def _scored(gold: Mapping[Key, int], system: Polarities, path: Path) -> dict[str, Any]:
    if not gold.keys() & system.labels.keys():
        raise UsageMistake(
            "contains no answer for any tweet in the gold standard",
            file=path,
            remedy="Give the system's output for the tweets in the gold standard, with the same "
            "entity_id and tweet_id as there",
        )
    labels = np.array(list(gold.values()))
    return score(labels, aligned(gold, system.labels), [entity for entity, _ in gold])


def _trivial_scores(gold: Mapping[Key, int], training: Mapping[Key, int] | None) -> dict[str, Any]:
    train = None
    if training is not None:
        train = np.array(list(training.values())), [entity for entity, _ in training]
    scores: dict[str, Any] = score_trivial_classifiers(
        np.array(list(gold.values())), [entity for entity, _ in gold], train
    )
    if train is None:
        omitted = {"omitted": "these need the training gold standard: give --training"}
        scores |= dict.fromkeys((OVERALL, MAJORITY), omitted)
    return scores


if __name__ == "__main__":
    sys.exit(run_command(main))
