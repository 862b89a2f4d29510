"""Measure whether learning from the full model's answers helps the small model.

    python -m benchmarks.distillation SUBJECT.toml --corpus FILE --pretrained FOLDER

trains the small model of a subject with `[small.distillation]`, and again without this table, once
for each seed, and prints both results and the gain as JSON. A seed determines the initial weights
and the order of the texts, so that the two trainings differ only in the loss. Trained models are
stored, so that a stopped run can be resumed, and seeds can be added later.
`benchmarks/distillation_*.toml` are the subjects of docs/distillation.md.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.artefact_names import LOGITS, MODEL_CARD
from models.build import ENVIRONMENT
from models.building.plan import make_plan, make_request
from models.command_line import run_command
from models.corpus.artefact import load_encoded
from models.errors import EdgeproofError, UsageMistake
from models.progress import Progress
from models.store import Store, default_root
from models.subjects import load_subject
from models.verdicts import confusion, metrics
from models.verdicts.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.building.plan import Plan
    from models.store import Stage
    from models.subjects import Subject
    from models.verdicts.confusion import Counts, Floats, Labels

WITHOUT, WITH = "labels", "labels_and_full_model"
MEASURES = {"accuracy": confusion.accuracy, "macro_f1": confusion.macro_f1}
_DIGITS = 5


def main(arguments: list[str] | None = None) -> int:
    """Train missing models, measure and print; return the exit code (0, or 4 for a mistake)."""
    options = _parser().parse_args(arguments)
    os.environ.update(ENVIRONMENT)
    store = Store(options.cache_dir)
    try:
        subject = load_subject(options.subject)
        pairs = {seed: _plans(subject, seed, options) for seed in options.seeds}
        _build([plan for pair in pairs.values() for plan in pair.values()], store)
        document = _measure(subject, pairs, store)
    except EdgeproofError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.distillation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subject", help="a shipped subject's name, or the path of a TOML file")
    parser.add_argument("--corpus", type=Path, help="labelled texts")
    parser.add_argument("--pretrained", help="a checkpoint's folder or hub id")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="default: %(default)s"
    )
    parser.add_argument(
        "--cache-dir", type=Path, default=default_root(), help="the store (default: %(default)s)"
    )
    return parser


def _plans(subject: Subject, seed: int, options: argparse.Namespace) -> dict[str, Plan]:
    """Return the plans of one seed, with and without distillation."""
    small = subject.small
    if small is None or small.distillation is None:
        raise UsageMistake(
            f"subject {subject.name!r} has no `small.distillation`",
            file=Path(options.subject),
            remedy="Write [small.distillation] with temperature and weight",
        )
    if small.training is None:
        raise UsageMistake(
            f"subject {subject.name!r} has no `small.training`",
            file=Path(options.subject),
            remedy="Write [small.training]",
        )
    training = msgspec.structs.replace(small.training, seed=seed)
    plans = {}
    for learned_from, table in ((WITHOUT, None), (WITH, small.distillation)):
        changed = msgspec.structs.replace(small, training=training, distillation=table)
        request = make_request(
            msgspec.structs.replace(subject, small=changed),
            corpus=options.corpus,
            pretrained=options.pretrained,
        )
        plans[learned_from] = make_plan(request)
    return plans


def _build(plans: list[Plan], store: Store) -> None:
    """Train missing models in a separate process; only this process imports TensorFlow."""
    missing = [plan for plan in plans if not store.has(plan.small)]
    if not missing:
        return
    worker = multiprocessing.get_context("spawn").Process(target=_train, args=(missing, store.root))
    worker.start()
    worker.join()
    if worker.exitcode:
        raise EdgeproofError(
            f"a training ended with exit status {worker.exitcode}",
            remedy="Run again: models that were already trained are reused",
        )


def _train(plans: list[Plan], root: Path) -> None:
    from models.building.stages import Builder  # noqa: PLC0415 - imports TensorFlow

    progress = Progress(sys.stderr)
    for number, plan in enumerate(plans, start=1):
        progress.say(f"training {number} of {len(plans)}")
        Builder(Store(root), plan, progress).build_models()


def _measure(subject: Subject, pairs: dict[int, dict[str, Plan]], store: Store) -> dict[str, Any]:
    """Return the whole document: circumstances, models of every seed, effects of distillation."""
    any_plan = next(iter(pairs.values()))[WITH]
    splits = load_encoded(store.artefact(any_plan.corpus))
    gold = splits["test"].labels
    full = _answers(any_plan.full, store)
    answers = {
        learned_from: np.array(
            [_answers(pair[learned_from].small, store) for pair in pairs.values()]
        )
        for learned_from in (WITHOUT, WITH)
    }
    right = (answers[WITH] == gold).mean(axis=0) - (answers[WITHOUT] == gold).mean(axis=0)
    return {
        "subject": subject.name,
        "small": msgspec.to_builtins(subject.small),
        "parameters": {
            "full": _parameters(any_plan.full, store),
            "small": _parameters(any_plan.small, store),
        },
        "texts": {name: len(split.labels) for name, split in splits.items()},
        "full_model": _scores(gold, full, full),
        "runs": [
            {"seed": seed, "learned_from": learned_from, **_scores(gold, answers_of_seed, full)}
            for learned_from, rows in answers.items()
            for seed, answers_of_seed in zip(pairs, rows, strict=True)
        ],
        "gain": {
            name: _over_seeds(
                [_measured(measure, gold, logits) for logits in answers[WITH]],
                [_measured(measure, gold, logits) for logits in answers[WITHOUT]],
            )
            for name, measure in MEASURES.items()
        },
        "gain_over_texts": {"accuracy": _mean_with_interval(right)},
    }


def _answers(stage: Stage, store: Store) -> NDArray[np.int64]:
    return metrics.labels_of(store.artefact(stage).arrays(LOGITS)["test"])


def _parameters(stage: Stage, store: Store) -> int:
    card = store.artefact(stage).document(MODEL_CARD)
    return int(card["parameters"])


def _scores(gold: Any, labels: Any, full: Any) -> dict[str, float]:
    scores = {name: _measured(measure, gold, labels) for name, measure in MEASURES.items()}
    scores["agreement_full"] = _measured(confusion.accuracy, full, labels)
    return {name: round(value, _DIGITS) for name, value in scores.items()}


def _measured(measure: Callable[[Counts], Floats], gold: Labels, labels: Labels) -> float:
    classes = int(max(gold.max(), labels.max())) + 1
    (table,) = confusion.confusion(gold, labels, classes=classes)
    return float(measure(table))


def _over_seeds(with_it: Sequence[float], without: Sequence[float]) -> dict[str, Any]:
    """Return the mean gain of distillation and its interval over seeds, which pair the results.

    A seed determines the initial weights and the order of training texts.
    """
    return _mean_with_interval(np.subtract(with_it, without))


def _mean_with_interval(differences: NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Return the mean and its 95 % interval by Student's t; a single difference has no interval."""
    from scipy.stats import t  # noqa: PLC0415 - takes a second to import

    mean, n = float(differences.mean()), int(differences.size)
    if n == 1:
        return {"mean": round(mean, _DIGITS), "low": None, "high": None, "n": n}
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    reach = float(t.ppf((1.0 + CONFIDENCE) / 2.0, n - 1)) * error
    low, high = mean - reach, mean + reach
    return {
        "mean": round(mean, _DIGITS),
        "low": round(low, _DIGITS),
        "high": round(high, _DIGITS),
        "n": n,
    }


if __name__ == "__main__":
    sys.exit(run_command(main))
