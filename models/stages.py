"""The stages of the pipeline: corpus -> train -> convert. Imports TensorFlow as it goes."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from models.corpus.artefact import build_corpus, load_corpus, load_encoded, load_summary
from models.corpus.tweets import hash_tweets
from models.flatbuffers.schemes import scheme_named
from models.networks import architecture, published
from models.networks.parameters import count, initial_values
from models.plan import FLATBUFFER, LOGITS, MODEL_CARD, VARIANT_CARD, WEIGHTS
from models.progress import Pace

if TYPE_CHECKING:
    from pathlib import Path

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.plan import Plan
    from models.progress import Progress
    from models.store import Stage, Store
    from models.subjects import ModelTable
    from models.training.finetune import Step


class Builder:
    """Make what is missing of a plan.

    Args:
        store: where artefacts are kept.
        plan: what to make.
        progress: told what is going on.
    """

    def __init__(self, store: Store, plan: Plan, progress: Progress) -> None:
        self._store, self._plan, self._progress = store, plan, progress
        self._request, self._subject = plan.request, plan.request.subject

    def build(self) -> None:
        """Make every stage in order; those that are there are left alone."""
        plan = self._plan
        self._get(plan.corpus, self._make_corpus)
        self._get(plan.full, functools.partial(self._make_model, "full", self._subject.full))
        if self._subject.small is not None:
            small = functools.partial(self._make_model, "small", self._subject.small)
            self._get(plan.small, small)
        for scheme, stage in plan.variants.items():
            self._get(stage, functools.partial(self._make_variant, scheme))

    def _get(self, stage: Stage, make: Any) -> None:
        self._store.get(stage, make, waiting=self._progress.say)

    def _make_corpus(self, out: Path) -> None:
        self._progress.say(f"corpus: reading and encoding for subject {self._subject.name!r}")
        build_corpus(
            self._subject,
            out,
            self._request.corpus_path,
            self._request.checkpoint,
            self._progress.tick,
        )

    @functools.cached_property
    def _splits(self) -> dict[str, Encoded]:
        return load_encoded(self._store.path(self._plan.corpus))

    def _make_model(self, role: str, table: ModelTable, out: Path) -> None:
        from models.training.finetune import fine_tune, predict  # noqa: PLC0415 - TensorFlow

        shape = self._architecture(table)
        self._progress.say(f"{role} model: fine-tuning {count(shape):,} parameters")
        report = _TrainingReport(role, table, len(self._splits["train"].labels), self._progress)
        trained = fine_tune(
            shape, self._initial(table, shape), table.training, self._splits, report
        )
        logits = {
            split: predict(trained.classifier, self._splits[split])
            for split in ("validation", "calibration", "test")
        }
        save_file(trained.values, out / WEIGHTS)
        np.savez(out / LOGITS, **logits)
        card = {
            "architecture": shape.describe(),
            "parameters": count(shape),
            "history": trained.describe_history(),
        }
        _write_json(out / MODEL_CARD, card)

    def _architecture(self, table: ModelTable) -> Architecture:
        classes = len(self._subject.corpus.labels)
        if table.pretrained:
            assert self._request.checkpoint is not None  # noqa: S101 - make_request saw to it
            return architecture.from_published(self._request.checkpoint, classes=classes)
        assert table.network is not None  # noqa: S101 - the subject's grammar saw to it
        summary = load_summary(self._store.path(self._plan.corpus))
        return architecture.from_table(
            table.network,
            vocabulary=summary["vocabulary"],
            classes=classes,
            positions=self._subject.tokenizer.max_tokens,
        )

    def _initial(self, table: ModelTable, shape: Architecture) -> Values:
        seed = table.training.seed
        if table.pretrained and self._request.checkpoint is not None:
            return published.read_values(self._request.checkpoint, shape, seed)
        return initial_values(shape, seed)

    def _make_variant(self, scheme: str, out: Path) -> None:
        from models.flatbuffers.convert import convert  # noqa: PLC0415 - TensorFlow

        self._progress.say(f"variant {scheme}: converting")
        source = self._store.path(self._plan.small)
        card = json.loads((source / MODEL_CARD).read_text(encoding="utf-8"))
        chosen = scheme_named(scheme)
        flatbuffer = convert(
            chosen,
            architecture.Architecture(**card["architecture"]),
            load_file(source / WEIGHTS),
            self._subject.tokenizer.max_tokens,
            self._splits["calibration"],
        )
        (out / FLATBUFFER).write_bytes(flatbuffer)
        _write_json(
            out / VARIANT_CARD,
            {
                "scheme": scheme,
                "converter": chosen.converter,
                "calibration": self._calibration_hashes() if chosen.calibrated else [],
            },
        )
        self._progress.say(f"variant {scheme}: {len(flatbuffer):,} bytes")

    def _calibration_hashes(self) -> list[str]:
        """Return the hash of each calibration tweet: where the ranges came from."""
        corpus = load_corpus(self._store.path(self._plan.corpus))
        return hash_tweets(corpus.splits["calibration"])


class _TrainingReport:
    """Turn training steps into progress lines: epoch, loss, tweets per second, time left."""

    def __init__(self, role: str, table: ModelTable, tweets: int, progress: Progress) -> None:
        self._role, self._progress, self._tweets = role, progress, tweets
        self._pace = Pace(tweets * table.training.epochs)

    def __call__(self, step: Step) -> None:
        done = (step.epoch - 1) * self._tweets + step.tweets
        line = (
            f"{self._role} model: epoch {step.epoch}/{step.epochs}, loss {step.loss:.3f}, "
            f"{self._pace.describe(done, 'tweets')}"
        )
        if step.batch == step.batches:
            self._progress.say(line)
        else:
            self._progress.tick(line)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
