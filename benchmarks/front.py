"""Compare small files with usual alternatives: bytes, accuracy lost, texts per second.

All models classify the same held-out texts of a corpus in ../shared, from text to label, on one
thread of one core, in turns. Speed is relative to the paper's recipe in the same turns; a drop is
paired with the full model's labels. A small file misses its subject's goal if any part of an
interval lies outside of a limit.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace
from safetensors.numpy import load_file

from benchmarks.building import ENCODER, SHARED, build, in_own_process, texts_of
from benchmarks.front_onnx import OnnxClassifier, quantize, write_onnx
from benchmarks.front_words import (
    WordFrequencies,
    encode,
    train_average,
    word_tokenizer,
    words_in,
)
from models.artefact_names import FLATBUFFER, LOGITS, MODEL_CARD, WEIGHTS
from models.building.plan import make_plan, make_request
from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.corpus.artefact import TOKENIZER, load_encoded
from models.errors import EdgeproofError
from models.flatbuffers.schemes import REFERENCE, SCHEMES
from models.networks.architecture import Architecture
from models.paper_recipe import paper_binding, paper_file, with_paper_rows
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from models.store import PROJECT, Store, default_root
from models.subjects import load_subject
from models.verdicts.budgets import load_budgets
from models.verdicts.estimates import accuracy, accuracy_drop, exact
from models.verdicts.metrics import labels_of
from models.verdicts.speed import ask_in_turns, seconds_per_turn, speed_race

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from models.building.plan import Plan
    from models.runtime.binding import Binding
    from models.subjects import Subject
    from models.verdicts.goals import Goal
    from models.verdicts.judge import Estimate

    Texts = list[tuple[str, ...]]
    # Returns the labels [n] of some texts, and the seconds [n] for each of them.
    Labelling = Callable[[Texts], tuple[NDArray[np.int64], NDArray[np.float64]]]

# This backend shares packed weights among the lengths of a file.
BACKEND = "litert-cpu"
CORPORA = {
    "airline": SHARED / "data" / "airline" / "Tweets.csv",
    "twitter_entity": SHARED / "data" / "twitter_entity" / "twitter_training.csv.zip",
}
PAPER = "the paper's recipe"
# Schemes under which the full model itself is converted.
FULL_SCHEMES = (REFERENCE, "dynamic_wi8_afp32")
# Number of turns. In one turn, all contenders together take about a second.
TURNS = 60
# Texts per request if nothing is timed, and the timeout of a request in seconds.
_CHUNK, _SECONDS = 500, 3600.0


@dataclass(frozen=True)
class Contender:
    """One measured model.

    Attributes:
        bytes: size of its file, or of its weights in float32 if it has no file.
        words: size of the vocabulary that a device needs as well, in bytes, see `words_in`.
        label: classifies texts.
        goal: goal in its subject's budgets; None for an alternative.
        answers: whether its labels are meaningful; those of the paper's recipe are not, because its
            weights are random.
    """

    bytes: int
    words: int
    label: Labelling
    goal: Goal | None = None
    answers: bool = True


def measure_front() -> dict[str, Any]:
    """Return the table of each corpus; if ../shared is missing, return the reason."""
    missing = [str(path) for path in (ENCODER, *CORPORA.values()) if not path.exists()]
    if missing:
        return {"not_measured": f"{', '.join(missing)}: not there"}
    tables: dict[str, Any] = {name: _measure(name, file) for name, file in CORPORA.items()}
    for name, rows in tables.items():
        sys.stderr.write(f"\n{name}\n{table_of(rows)}\n")
    missed = [
        f"{corpus}: {name}: {axis}"
        for corpus, rows in tables.items()
        for name, row in rows.items()
        for axis in row.get("missed", ())
    ]
    judged = any("missed" in row for rows in tables.values() for row in rows.values())
    return {**tables, "missed": missed, "kept": judged and not missed}


def table_of(rows: dict[str, dict[str, Any]]) -> str:
    """Return the rows of a corpus as a Markdown table."""
    head = (
        *("", "bytes", "with its words", "accuracy", "drop, points", "texts/s"),
        *("over the paper", "figures"),
    )
    lines = [head, ("---",) * len(head)]
    for name, row in rows.items():
        goal = ", ".join(f"misses {axis}" for axis in row.get("missed", ())) or "kept"
        lines.append(
            (
                name,
                f"{row['bytes']:,}",
                f"{row['with_words']:,}",
                f"{row['accuracy'][0]:.3f}" if "accuracy" in row else "",
                _shown(row["drop"], 100) if "drop" in row else "",
                f"{row['texts_per_second']:,.0f}",
                _shown(row["over_paper"], 1),
                goal if "missed" in row else "",
            )
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: list[float], factor: float) -> str:
    middle, low, high = (f"{factor * number:.1f}" for number in value)
    return f"{middle} [{low}, {high}]"


def _measure(name: str, file: Path) -> dict[str, Any]:
    """Return the measurements on one corpus, by contender."""
    store = Store(default_root())
    plans = plans_of(name, file)
    full = _full_plan(plans, file)
    build([full, *plans.values()], store)
    splits = load_encoded(store.artefact(full.corpus))
    gold, texts = splits["test"].labels, texts_of(full, store)
    expected = labels_of(store.artefact(full.full).arrays(LOGITS)["test"])
    with (
        tempfile.TemporaryDirectory() as folder,
        _on_one_core(),
        Runner(LocalTransport(), BACKEND, timeout=_SECONDS) as runner,
    ):
        contenders = {
            **_small(plans, store, runner),
            **_full(full, store, runner),
            **_instead(full, store, runner, Path(folder)),
            PAPER: _paper(full, store, runner),
        }
        seconds = _race(contenders, texts)
        labels = {
            contender_name: _labels(contender.label, texts)
            for contender_name, contender in contenders.items()
            if contender.answers
        }
    rows = {}
    for contender_name, contender in contenders.items():
        own_seconds = seconds[contender_name]
        speed = speed_race(own_seconds, seconds[PAPER]).widened
        row: dict[str, Any] = {
            "bytes": contender.bytes,
            "with_words": contender.bytes + contender.words,
            "texts_per_second": own_seconds.shape[2]
            / float(np.median(seconds_per_turn(own_seconds))),
            "over_paper": [speed.value, speed.low, speed.high],
        }
        if contender.answers:
            correct = accuracy(gold, labels[contender_name])
            drop = accuracy_drop(gold, expected, labels[contender_name])
            row["accuracy"] = [correct.value, correct.low, correct.high]
            row["drop"] = [drop.value, drop.low, drop.high]
            if contender.goal is not None:
                row["missed"] = missed(contender.goal, exact(contender.bytes), drop, speed)
        rows[contender_name] = row
    return rows


def missed(goal: Goal, size: Estimate, drop: Estimate, speed: Estimate) -> list[str]:
    """Return the axes of the goal in which any part of the interval is outside of the limit."""
    measured = {"bytes": size, "drop": drop, "speed": speed}
    return [
        axis
        for axis, limit in goal.limits.items()
        if not (limit.keeps(measured[axis].low) and limit.keeps(measured[axis].high))
    ]


def plans_of(name: str, file: Path) -> dict[str, Plan]:
    """Return the plans of the small subjects of a corpus, by their names.

    Args:
        name: name of the subject from whose full model the small models are made.
        file: path of the corpus.
    """
    names = [path.stem for path in (PROJECT / "models" / "subjects").glob(f"{name}_*x.toml")]
    subjects = {small_name: load_subject(small_name) for small_name in sorted(names)}
    return {
        small_name: _plan(subject, file, subject.schemes)
        for small_name, subject in subjects.items()
    }


def _plan(subject: Subject, file: Path, schemes: tuple[str, ...]) -> Plan:
    request = make_request(
        subject, schemes=schemes, corpus=file, pretrained=str(ENCODER), offline=True
    )
    return make_plan(request)


def _full_plan(plans: dict[str, Plan], file: Path) -> Plan:
    """Return a plan that converts the full model from which all small models descend.

    Raises:
        EdgeproofError: the small models descend from different full models, so that results could
            not be paired.
    """
    name, first = next(iter(plans.items()))
    full = _plan(replace(first.request.subject, shrunk=None), file, FULL_SCHEMES)
    other = [other_name for other_name, plan in plans.items() if plan.full != full.full]
    if other:
        raise EdgeproofError(
            f"{', '.join(other)} were made from a different full model than {name}",
            remedy="Give subjects of one corpus the same [corpus], [tokenizer] and [full]",
        )
    return full


def _small(plans: dict[str, Plan], store: Store, runner: Runner) -> dict[str, Contender]:
    """Return the small files: every scheme of a subject except the reference."""
    contenders = {}
    for name, plan in plans.items():
        subject = plan.request.subject
        budgets = load_budgets(
            subject.budgets, schemes=tuple(SCHEMES), classes=len(subject.corpus.labels)
        )
        for scheme in (scheme for scheme in plan.variants if scheme != REFERENCE):
            shown = f"{name}, {scheme}"
            contenders[shown] = _file(shown, plan, scheme, store, runner, budgets.goal(scheme))
    return contenders


def _full(plan: Plan, store: Store, runner: Runner) -> dict[str, Contender]:
    return {
        f"MiniLM, {scheme}": _file(f"MiniLM, {scheme}", plan, scheme, store, runner)
        for scheme in FULL_SCHEMES
    }


def _file(  # noqa: PLR0913, PLR0917 - a contender's name, file, runner and goal
    name: str,
    plan: Plan,
    scheme: str,
    store: Store,
    runner: Runner,
    goal: Goal | None = None,
) -> Contender:
    file = store.artefact(plan.variants[scheme]).path(FLATBUFFER)
    tokenizer = store.artefact(plan.corpus).text(TOKENIZER)
    label = _on_runner(runner, name, file, tokenizer)
    return Contender(file.stat().st_size, words_in(tokenizer), label, goal)


def _paper(plan: Plan, store: Store, runner: Runner) -> Contender:
    file = paper_file(store, _say)
    tokenizer = with_paper_rows(store.artefact(plan.corpus).text(TOKENIZER))
    label = _on_runner(runner, PAPER, file, tokenizer, paper_binding(file))
    return Contender(file.stat().st_size, words_in(tokenizer), label, answers=False)


def _instead(plan: Plan, store: Store, runner: Runner, folder: Path) -> dict[str, Contender]:
    """Return the usual alternatives: another runtime, and classifiers that count words."""
    corpus = store.artefact(plan.corpus)
    splits = load_encoded(corpus)
    train, validation = (texts_of(plan, store, split) for split in ("train", "validation"))
    known = splits["train"].labels, splits["validation"].labels
    counted = WordFrequencies(train, known[0], validation, known[1])

    full_model = store.artefact(plan.full)
    shape = Architecture(**full_model.document(MODEL_CARD)["architecture"])
    whole, small = folder / "minilm.onnx", folder / "minilm_int8.onnx"
    write_onnx(shape, load_file(full_model.path(WEIGHTS)), whole)
    quantize(whole, small)
    tokenizer = corpus.text(TOKENIZER)

    words, average = word_tokenizer(train), folder / "average.tflite"
    examples = encode(words, train), known[0], (encode(words, validation), known[1])
    in_own_process(train_average, *examples, average)
    average_name = "average of word vectors"
    return {
        "MiniLM, onnxruntime's dynamic int8": Contender(
            small.stat().st_size,
            words_in(tokenizer),
            _here(OnnxClassifier(small, tokenizer).label),
        ),
        "TF-IDF and logistic regression": Contender(
            counted.bytes, counted.words, _here(counted.label)
        ),
        average_name: Contender(
            average.stat().st_size,
            words_in(words),
            _on_runner(runner, average_name, average, words),
        ),
    }


def _on_runner(
    runner: Runner, name: str, file: Path, tokenizer: str, binding: Binding | None = None
) -> Labelling:
    """Load a FlatBuffer; return a function that classifies texts with it, timed by the runner."""
    spec = read_candidate(file)
    runner.load(
        name, file, binding=binding or binding_of(spec, below=None, length=spec.length or 0)
    )

    def label(texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        answered = runner.classify(name, tokenizer, texts)
        return np.asarray(answered.labels, np.int64), answered.text_to_label_ns / 1e9

    return label


def _here(label_one: Callable[[tuple[str, ...]], int]) -> Labelling:
    """Return a function that classifies texts in this process, and times each like a runner."""

    def label(texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        labels, seconds = np.zeros(len(texts), np.int64), np.zeros(len(texts))
        for row, text in enumerate(texts):
            start = time.perf_counter_ns()
            labels[row] = label_one(text)
            seconds[row] = (time.perf_counter_ns() - start) / 1e9
        return labels, seconds

    return label


def _race(contenders: dict[str, Contender], texts: Texts) -> dict[str, NDArray[np.float64]]:
    def asking(label: Labelling) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
        return lambda rows: label([texts[row] for row in rows])[1]

    functions = {name: asking(contender.label) for name, contender in contenders.items()}
    # Warm up, because a file allocates memory for the first text of each length.
    ask_in_turns(functions, len(texts), turns=3)
    return ask_in_turns(functions, len(texts), turns=TURNS)


def _labels(label: Labelling, texts: Texts) -> NDArray[np.int64]:
    parts = [label(texts[start : start + _CHUNK])[0] for start in range(0, len(texts), _CHUNK)]
    return np.concatenate(parts)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@contextmanager
def _on_one_core() -> Iterator[None]:
    """Restrict this process, and all processes that it starts, to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
