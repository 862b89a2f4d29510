"""The stages of the pipeline: corpus -> train -> convert. Imports TensorFlow as it goes."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save

from models.corpus.artefact import build_corpus, load_corpus, load_encoded, load_summary
from models.corpus.tweets import hash_tweets
from models.flatbuffers.inspect import inspect
from models.flatbuffers.schemes import scheme_named
from models.networks import architecture, published
from models.networks.parameters import count, initial_values
from models.plan import FLATBUFFER, LOGITS, MODEL_CARD, VARIANT_CARD, WEIGHTS
from models.progress import Pace
from models.training.resume import Resume

if TYPE_CHECKING:
    from pathlib import Path

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.plan import Plan
    from models.progress import Progress
    from models.store import Stage, Store
    from models.subjects import ModelTable
    from models.training.history import Step
    from models.training.objective import Lesson


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
        for role, stage in plan.models().items():
            resume = Resume(self._store.path(stage).with_name(f"{stage.key}.resume"))
            self._get(stage, functools.partial(self._make_model, role, resume))
            resume.forget()
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
            self._request.tokenizer_folder,
            self._progress.tick,
        )

    @functools.cached_property
    def _splits(self) -> dict[str, Encoded]:
        return load_encoded(self._store.path(self._plan.corpus))

    def _make_model(self, role: str, resume: Resume, out: Path) -> None:
        table = self._subject.models()[role]
        shape = self._architecture(role, table)
        # Before TensorFlow is imported: what is wrong with a checkpoint is told at once.
        initial = self._initial(role, table, shape)
        from models.training.finetune import fine_tune, predict  # noqa: PLC0415 - TensorFlow

        done, epochs = resume.epochs_done(), table.training.epochs
        whence = f", going on after epoch {done}" if done else ""
        self._progress.say(f"{role} model: fine-tuning {count(shape):,} parameters{whence}")
        tweets = len(self._splits["train"].labels)
        trained = fine_tune(
            shape,
            initial,
            table.training,
            self._splits,
            _TrainingReport(role, tweets, done, epochs, self._progress),
            lesson=self._lesson(table),
            resume=resume,
        )
        logits = {
            split: predict(trained.classifier, self._splits[split])
            for split in ("validation", "calibration", "test")
        }
        # Not save_file: on a full disk it raises an error that does not say so.
        (out / WEIGHTS).write_bytes(save(trained.values))
        np.savez(out / LOGITS, **logits)
        card = {
            "architecture": shape.describe(),
            "parameters": count(shape),
            "history": trained.describe_history(),
        }
        _write_json(out / MODEL_CARD, card)

    def _architecture(self, role: str, table: ModelTable) -> Architecture:
        classes = len(self._subject.corpus.labels)
        vocabulary = load_summary(self._store.path(self._plan.corpus))["vocabulary"]
        tokens = self._subject.tokenizer.max_tokens
        if table.network is None:
            folder = self._request.checkpoints[role]
            shape = architecture.from_published(folder, classes=classes)
            published.require_room(folder, shape, vocabulary=vocabulary, tokens=tokens)
            return shape
        return architecture.from_table(
            table.network, vocabulary=vocabulary, classes=classes, positions=tokens
        )

    def _initial(self, role: str, table: ModelTable, shape: Architecture) -> Values:
        seed = table.training.seed
        if table.network is None:
            return published.read_values(self._request.checkpoints[role], shape, seed)
        return initial_values(shape, seed)

    def _lesson(self, table: ModelTable) -> Lesson | None:
        """Ask the full model about the train split, where the small one is to learn from it."""
        if table.distillation is None:
            return None
        from models.training.finetune import answers_of  # noqa: PLC0415 - TensorFlow
        from models.training.objective import Lesson  # noqa: PLC0415 - TensorFlow

        self._progress.say("full model: answering the train split for the small one")
        shape, values = self._trained(self._plan.full)
        return Lesson(answers_of(shape, values, self._splits["train"]), table.distillation)

    def _trained(self, stage: Stage) -> tuple[Architecture, Values]:
        """Return the architecture and the weights of a model that was made."""
        folder = self._store.path(stage)
        card = json.loads((folder / MODEL_CARD).read_text(encoding="utf-8"))
        return architecture.Architecture(**card["architecture"]), load_file(folder / WEIGHTS)

    def _make_variant(self, scheme: str, out: Path) -> None:
        from models.flatbuffers.convert import convert  # noqa: PLC0415 - TensorFlow

        self._progress.say(f"variant {scheme}: converting")
        chosen = scheme_named(scheme)
        flatbuffer = convert(
            chosen,
            *self._trained(self._plan.small),
            self._subject.tokenizer.max_tokens,
            self._splits["calibration"],
        )
        (out / FLATBUFFER).write_bytes(flatbuffer)
        # A converter that writes a broken file must be found out here, not on a board.
        inspect(out / FLATBUFFER)
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
    """Turn training steps into progress lines: epoch, loss, tweets per second, time left.

    Args:
        role: of the model.
        tweets: in an epoch.
        before: whole epochs that an earlier run did.
        epochs: in all.
        progress: told.
    """

    def __init__(
        self, role: str, tweets: int, before: int, epochs: int, progress: Progress
    ) -> None:
        self._role, self._progress, self._tweets, self._before = role, progress, tweets, before
        self._pace = Pace(tweets * (epochs - before))

    def __call__(self, step: Step) -> None:
        done = (step.epoch - 1 - self._before) * self._tweets + step.tweets
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
