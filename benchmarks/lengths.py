"""Measure how several row lengths, instead of one, change the texts per second of a file.

Two files with the same weights are compared; one of them accepts only rows of the longest length.
They classify the same texts in one runner, in turns, from text to label.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from benchmarks.building import ENCODER, SHARED, build, texts_of
from benchmarks.limits import judged
from models.artefact_names import FLATBUFFER
from models.building.plan import make_plan, make_request
from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.corpus.artefact import TOKENIZER
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from models.store import Store, default_root
from models.subjects import load_subject
from models.verdicts.intervals import CONFIDENCE
from models.verdicts.metrics import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.building.plan import Plan
    from models.runtime.answers import Classified
    from models.subjects import Subject

# The interpreter packs the weights separately for each length; CompiledModel shares one packed
# copy.
BACKENDS = ("ai_edge_litert", "litert-cpu")
SCHEMES = ("float32", "dynamic_wi8_afp32")
# Texts per turn, and turns per file.
TEXTS, ROUNDS = 20, 40
# Texts for warming up, because a file allocates memory for the first text of each length.
WARMUP = 100
AIRLINE = Path(__file__).with_name("lengths_airline.toml")
CORPUS = SHARED / "data" / "airline" / "Tweets.csv"
# Row lengths for the default subject, whose texts are even shorter.
EMBEDDED = (16, 24, 32, 64)
# The pair on airline whose ratio has a limit: the scheme that is used on devices and the backend
# that shares packed weights.
LIMITED = ("litert-cpu", "dynamic_wi8_afp32")
_SEED = 0


def measure_lengths() -> dict[str, Any]:
    """Return the ratios of both subjects by backend and scheme, with their bytes and memory."""
    embedded = load_subject("embedded")
    lengths = replace(embedded.tokenizer, lengths=EMBEDDED)
    ratios: dict[str, Any] = {"embedded": _measure(replace(embedded, tokenizer=lengths))}
    if not (CORPUS.is_file() and ENCODER.is_dir()):
        return ratios | {"airline": f"not measured: {CORPUS} or {ENCODER} is not there"}
    ratios["airline"] = _measure(load_subject(str(AIRLINE)), CORPUS, ENCODER)
    backend, scheme = LIMITED
    low = ratios["airline"]["backends"][backend][scheme]["interval"][0]
    return judged("lengths", {"least_ratio": low}, ratios | {"limited": LIMITED})


def _measure(
    subject: Subject, corpus: Path | None = None, encoder: Path | None = None
) -> dict[str, Any]:
    single_length = replace(subject, tokenizer=replace(subject.tokenizer, lengths=()))
    request = {"corpus": corpus, "pretrained": None if encoder is None else str(encoder)}
    plans = {
        name: make_plan(make_request(request_subject, schemes=SCHEMES, offline=True, **request))  # type: ignore[arg-type] # mypy merges the types of both keywords
        for name, request_subject in (("one length", single_length), ("several", subject))
    }
    store = Store(default_root())
    build(list(plans.values()), store)
    return {
        "lengths": list(subject.tokenizer.lengths),
        "backends": {
            backend: {scheme: _compare(backend, scheme, plans, store) for scheme in SCHEMES}
            for backend in BACKENDS
        },
    }


def _compare(backend: str, scheme: str, plans: Mapping[str, Plan], store: Store) -> dict[str, Any]:
    """Compare the times from text to label of a scheme's two files, which classify in turns."""
    corpus = store.artefact(plans["several"].corpus)
    texts = texts_of(plans["several"], store)
    files = {n: store.artefact(plan.variants[scheme]).path(FLATBUFFER) for n, plan in plans.items()}
    tokenizer = corpus.text(TOKENIZER)
    with Runner(LocalTransport(), backend, timeout=600.0) as runner:
        for name, file in files.items():
            _load(runner, name, file)
            runner.classify(name, tokenizer, texts[:WARMUP])
        turns_of: dict[str, list[Classified]] = {name: [] for name in files}
        for turn in range(ROUNDS):
            start = turn * TEXTS % (len(texts) - TEXTS)
            # Alternate the order, because the later file finds warmer caches.
            for name in list(files)[:: 1 if turn % 2 else -1]:
                turns_of[name].append(
                    runner.classify(name, tokenizer, texts[start : start + TEXTS])
                )
    seconds = {
        name: np.array([turn.text_to_label_ns.sum() for turn in turns]) / 1e9
        for name, turns in turns_of.items()
    }
    labels = {n: np.concatenate([turn.labels for turn in turns]) for n, turns in turns_of.items()}
    lengths = np.concatenate([turn.lengths for turn in turns_of["several"]])
    low, high = _interval(seconds["one length"], seconds["several"])
    return {
        "ratio": float(seconds["one length"].sum() / seconds["several"].sum()),
        "interval": [low, high],
        "texts_per_second": {
            n: ROUNDS * TEXTS / float(turn_seconds.sum()) for n, turn_seconds in seconds.items()
        },
        "agreement": float(matches(labels["one length"], labels["several"]).mean()),
        "answered_at": {str(n): int((lengths == n).sum()) for n in np.unique(lengths)},
        "bytes": {name: file.stat().st_size for name, file in files.items()},
        "peak_rss": {name: _peak(backend, file, tokenizer, texts) for name, file in files.items()},
    }


def _load(runner: Runner, name: str, file: Path) -> None:
    spec = read_candidate(file)
    runner.load(name, file, binding=binding_of(spec, below=None, length=spec.length or 0))


def _peak(backend: str, file: Path, tokenizer: str, texts: list[tuple[str, ...]]) -> int:
    """Return the peak memory of a runner that has used every length."""
    with Runner(LocalTransport(), backend, timeout=600.0) as runner:
        _load(runner, "file", file)
        runner.classify("file", tokenizer, texts[:WARMUP])
        return runner.usage().peak_rss_bytes


def _interval(longer: NDArray[np.float64], shorter: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bootstrap interval of the ratio of total seconds; turns are resampled."""
    draw = np.random.default_rng(_SEED).integers(len(longer), size=(2000, len(longer)))
    ratios = longer[draw].sum(axis=1) / shorter[draw].sum(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)
