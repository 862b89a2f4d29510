"""Build the stages of the pipeline: corpus -> train -> convert. Imports TensorFlow on demand."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.artefact_names import (
    FLATBUFFER,
    LOGITS,
    MODEL_CARD,
    REFUSED,
    VARIANT_CARD,
)
from models.build_tasks import PlanBuilder, Task, make_in_order
from models.building.answers import read_answers
from models.building.copies import Copies
from models.building.model_files import read_model, write_card, write_model
from models.corpus.artefact import build_corpus, load_corpus, load_encoded, load_summary
from models.corpus.texts import hash_texts
from models.flatbuffers.inspect import inspect
from models.flatbuffers.schemes import REFERENCE, scheme_named
from models.networks import architecture, published
from models.networks.config import head_of
from models.networks.parameters import count, initial_values
from models.progress import TrainingProgress
from models.shrinking.copies import joined
from models.shrinking.encoding import load_tokenizer, prune_corpus
from models.shrinking.fitting import Fit, describe, fit
from models.shrinking.inherit import Pieces
from models.shrinking.vocabulary import count_uses, numbers_before
from models.training.resume import Resume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.classifier import Classifier
    from models.networks.parameters import Values
    from models.store import Stage
    from models.subjects import (
        DistillationTable,
        LessonTable,
        ModelTable,
        ShrunkTable,
        TrainingTable,
    )
    from models.training.finetune import Trained
    from models.training.objective import Lesson


class Builder(PlanBuilder):
    """Makes the missing artefacts of a plan whose models are networks of this project."""

    def build_models(self) -> None:
        """Make the corpus and the trained models, and convert nothing."""
        make_in_order(self._models, self._store, self._progress.say)

    def tasks(self) -> list[Task]:
        """Return the known tasks, each after the tasks whose artefacts it needs."""
        plan = self._plan
        variants = [
            Task(
                stage,
                functools.partial(self._make_variant, scheme),
                needs=(plan.small, plan.corpus),
            )
            for scheme, stage in plan.variants.items()
        ]
        return [*self._models(), *variants]

    def _models(self) -> list[Task]:
        plan = self._plan
        tasks = [Task(plan.whole, self._make_corpus)]
        for (role, stage), table in zip(
            plan.models().items(), self._subject.models().values(), strict=True
        ):
            answers = [self._answering(None)] if table.distillation else []
            needs = (plan.whole, *(task.stage for task in answers))
            make = functools.partial(self._make_model, role)
            tasks += [*answers, self._training(stage, make, needs)]
        return tasks + (self._shrinking() if self._subject.shrunk else [])

    def _shrinking(self) -> list[Task]:
        plan = self._plan
        tasks = []
        if plan.corpus != plan.whole:
            # The pruned vocabulary depends on the full model's shape as well as on the corpus.
            tasks.append(Task(plan.corpus, self._prune_corpus, needs=(plan.whole, plan.full)))
        answers = self._answering_copies()
        needs = (plan.full, plan.corpus, *(task.stage for task in answers))
        tasks += [*answers, self._training(plan.cut, self._make_cut, needs)]
        if plan.small != plan.cut:
            tasks.append(Task(plan.small, self._round, needs=(plan.cut, plan.corpus)))
        return tasks

    def _answering_copies(self) -> list[Task]:
        """Return the tasks of the full model's answers to the train split and its altered copies.

        There are none before the full model exists, because the number of copies depends on the
        sizes that are found for the small model.
        """
        if self._store.has(self._plan.cut) or not self._store.has(self._plan.full):
            return []
        lesson = self._shrunk.distillation
        copies = (None, *range(lesson.copies)) if lesson else ()
        return [self._answering(copy) for copy in copies]

    def _answering(self, copy: int | None) -> Task:
        """Return the task of the full model's answers to the train split, or to a copy of it."""
        make = functools.partial(self._make_answers, copy)
        return Task(self._plan.answers(copy), make, (self._plan.full,))

    @functools.cached_property
    def _shrunk(self) -> ShrunkTable:
        """Return the sizes of the shrunk model, from the subject or from the search for `bytes`."""
        table = self._subject.shrunk
        if table is None:
            raise ValueError("the subject has no `shrunk`")
        if table.bytes is None:
            return table
        full, _ = self._trained(self._plan.full)
        train = self._splits["train"]
        uses = count_uses(train, load_summary(self._store.artefact(self._plan.whole))["vocabulary"])
        shape = fit(table, Fit.of(full, uses, train.mask, self._subject.tokenizer.row_lengths))
        self._progress.say(f"small model: {describe(shape)} fit into {table.bytes}")
        return shape

    def _training(
        self, stage: Stage, make: Callable[[Resume, Path], None], needs: tuple[Stage, ...]
    ) -> Task:
        resume = Resume(self._store.path(stage).with_name(f"{stage.key}.resume"))
        return Task(stage, functools.partial(make, resume), needs, tidy=resume.forget)

    def _make_corpus(self, out: Path) -> None:
        self._progress.say(f"corpus: reading and encoding for subject {self._subject.name!r}")
        build_corpus(
            self._subject,
            out,
            self._plan.request.corpus_path,
            self._plan.request.tokenizer_folder,
            self._progress.tick,
        )

    def _prune_corpus(self, out: Path) -> None:
        pieces = (
            self._shrunk.pieces
            or load_summary(self._store.artefact(self._plan.whole))["vocabulary"]
        )
        self._progress.say(f"corpus: encoding with the {pieces:,} most frequent word pieces")
        prune_corpus(
            self._store.artefact(self._plan.whole),
            out,
            pieces=pieces,
            pair_with_group=self._subject.pairs_with_group,
        )

    @functools.cached_property
    def _splits(self) -> dict[str, Encoded]:
        """Return the splits as encoded for the full model and a small model that is not shrunk."""
        return load_encoded(self._store.artefact(self._plan.whole))

    @functools.cached_property
    def _small_splits(self) -> dict[str, Encoded]:
        """Return the splits as encoded for the converted model."""
        same = self._plan.corpus == self._plan.whole
        return self._splits if same else load_encoded(self._store.artefact(self._plan.corpus))

    def _make_model(self, role: str, resume: Resume, out: Path) -> None:
        table = self._subject.models()[role]
        shape = self._architecture(role, table)
        # Read the weights before TensorFlow is imported, so that a mistake in a checkpoint is
        # reported at once.
        initial = self._initial(role, table, shape)
        lesson = self._lesson(table.distillation)
        # The classifier reads no other token of the last layer. Converted files still compute all
        # tokens, as those of other converters do.
        trained_shape = replace(shape, first_token_last=True)
        trained = self._fine_tune(
            role, trained_shape, initial, table.require_training(), self._splits, lesson, resume
        )
        logits = _logits_of_splits(trained.classifier, self._splits)
        head = None if table.network else head_of(self._plan.request.checkpoints[role])
        write_model(out, shape, trained.values, logits, trained.describe_history(), head=head)

    def _make_cut(self, resume: Resume, out: Path) -> None:
        from models.networks.classifier import Classifier  # noqa: PLC0415 - imports TensorFlow
        from models.shrinking.cut import cut  # noqa: PLC0415 - imports TensorFlow
        from models.shrinking.running import Network  # noqa: PLC0415 - imports TensorFlow

        table = self._shrunk
        self._progress.say("small model: cutting it out of the full one")
        full = Network(*self._trained(self._plan.full), self._splits["train"])
        shape, values = cut(full, table, self._pieces(), self._small_splits["train"])
        history: list[dict[str, Any]] = []
        if table.training:
            splits, lesson = self._taught(table.distillation)
            trained = self._fine_tune(
                "small", shape, values, table.training, splits, lesson, resume
            )
            values, history = trained.values, trained.describe_history()
        logits = _logits_of_splits(Classifier(shape, values, seed=0), self._small_splits)
        write_model(out, shape, values, logits, history)

    def _round(self, out: Path) -> None:
        from models.networks.classifier import Classifier  # noqa: PLC0415 - imports TensorFlow
        from models.shrinking.round_model import round_weights  # noqa: PLC0415 - imports TensorFlow
        from models.shrinking.running import Network  # noqa: PLC0415 - imports TensorFlow

        rounding = self._shrunk.rounding
        if rounding is None:
            raise ValueError("the subject rounds no weights")
        shape, values = self._trained(self._plan.cut)
        self._progress.say(f"small model: rounding {count(shape):,} weights to {rounding}")
        values = round_weights(Network(shape, values, self._small_splits["train"]), rounding)
        logits = _logits_of_splits(Classifier(shape, values, seed=0), self._small_splits)
        card = self._store.artefact(self._plan.cut).document(MODEL_CARD)
        write_model(out, shape, values, logits, card["history"])

    def _pieces(self) -> Pieces:
        """Return the word pieces that the shrunk model keeps, and how often each is used."""
        whole, pruned = (self._store.artefact(s) for s in (self._plan.whole, self._plan.corpus))
        tokenizer = load_tokenizer(pruned)
        uses = count_uses(self._small_splits["train"], tokenizer.get_vocab_size())
        return Pieces(numbers_before(tokenizer, load_tokenizer(whole)), uses)

    def _fine_tune(  # noqa: PLR0913, PLR0917 - the role, the network, the data and the settings
        self,
        role: str,
        shape: Architecture,
        initial: Values,
        table: TrainingTable,
        splits: dict[str, Encoded],
        lesson: Lesson | None,
        resume: Resume,
    ) -> Trained:
        from models.training.finetune import fine_tune  # noqa: PLC0415 - imports TensorFlow

        done, epochs = resume.epochs_done(), table.epochs
        resumed = f", resuming after epoch {done}" if done else ""
        self._progress.say(f"{role} model: fine-tuning {count(shape):,} parameters{resumed}")
        report = TrainingProgress(role, len(splits["train"].labels), done, epochs, self._progress)
        return fine_tune(shape, initial, table, splits, report, lesson=lesson, resume=resume)

    def _architecture(self, role: str, table: ModelTable) -> Architecture:
        classes = len(self._subject.corpus.labels)
        vocabulary = load_summary(self._store.artefact(self._plan.whole))["vocabulary"]
        tokens = self._subject.max_tokens
        if table.network is None:
            folder = self._plan.request.checkpoints[role]
            shape = architecture.from_published(folder, classes=classes)
            published.require_room(folder, shape, vocabulary=vocabulary, tokens=tokens)
            return shape
        return architecture.from_table(
            table.network, vocabulary=vocabulary, classes=classes, positions=tokens
        )

    def _initial(self, role: str, table: ModelTable, shape: Architecture) -> Values:
        seed = table.seed
        if table.network is None:
            head = head_of(self._plan.request.checkpoints[role])
            if head is not None:
                self._progress.say(
                    f"{role} model: the checkpoint's own head ({head}) is left out, "
                    "and a new one is trained"
                )
            return published.read_values(self._plan.request.checkpoints[role], shape, seed)
        return initial_values(shape, seed)

    def _lesson(self, table: DistillationTable | None) -> Lesson | None:
        """Return the full model's answers to two splits; None if the small model is not taught."""
        if table is None:
            return None
        from models.training.objective import Lesson  # noqa: PLC0415 - imports TensorFlow

        train, validation = read_answers(self._store, self._plan)
        return Lesson(train, table, validation)

    def _taught(self, table: LessonTable | None) -> tuple[dict[str, Encoded], Lesson | None]:
        """Return a shrunk model's splits, with altered copies of the texts in `train`, and lesson.

        The lesson is the full model's answers, which the copies have instead of labels. Without
        distillation there are no copies.
        """
        if table is None:
            return self._small_splits, None
        from models.training.objective import Lesson  # noqa: PLC0415 - imports TensorFlow

        tokenizer = load_tokenizer(self._store.artefact(self._plan.corpus))
        copies = [self._copies.encode(copy, tokenizer) for copy in range(table.copies)]
        splits = self._small_splits | {"train": joined([self._small_splits["train"], *copies])}
        train, validation = read_answers(self._store, self._plan, copies=table.copies)
        return splits, Lesson(train, table, validation)

    @functools.cached_property
    def _copies(self) -> Copies:
        return Copies(self._store, self._plan)

    def _make_answers(self, copy: int | None, out: Path) -> None:
        from models.training.finetune import answers_of  # noqa: PLC0415 - imports TensorFlow

        texts = "the train split" if copy is None else f"altered copy {copy + 1} of the train split"
        self._progress.say(f"full model: classifying {texts}, to teach the small one")
        if copy is None:
            encoded = self._splits["train"]
        else:
            tokenizer = load_tokenizer(self._store.artefact(self._plan.whole))
            encoded = self._copies.encode(copy, tokenizer)
        shape, values = self._trained(self._plan.full)
        np.savez(out / LOGITS, train=answers_of(shape, values, encoded))

    def _trained(self, stage: Stage) -> tuple[Architecture, Values]:
        """Return the network and the weights of a stored model."""
        return read_model(self._store.artefact(stage))

    def _make_variant(self, scheme: str, out: Path) -> None:
        from models.building.convert import convert  # noqa: PLC0415 - imports TensorFlow
        from models.flatbuffers.quantizing import UnsupportedSchemeError  # noqa: PLC0415 - imports the quantizer

        self._progress.say(f"variant {scheme}: converting")
        chosen = scheme_named(scheme)
        card: dict[str, Any] = {"scheme": scheme, "converter": chosen.converter, "calibration": []}
        try:
            flatbuffer = convert(
                chosen,
                *self._trained(self._plan.small),
                self._subject.tokenizer.row_lengths,
                self._small_splits["calibration"],
            )
        except UnsupportedSchemeError as error:
            if scheme == REFERENCE:
                raise  # all judgments need it
            self._progress.say(f"variant {scheme}: not made, {error.what}")
            write_card(out / VARIANT_CARD, card | {REFUSED: error.what})
            return
        (out / FLATBUFFER).write_bytes(flatbuffer)
        # Find files that the converter wrote incorrectly now, and not later on a board.
        inspect(out / FLATBUFFER)
        if chosen.calibrated:
            card["calibration"] = self._calibration_hashes()
        write_card(out / VARIANT_CARD, card)
        self._progress.say(f"variant {scheme}: {len(flatbuffer):,} bytes")

    def _calibration_hashes(self) -> list[str]:
        """Return the hash of each calibration text."""
        corpus = load_corpus(self._store.artefact(self._plan.corpus))
        return hash_texts(corpus.splits["calibration"])


def _logits_of_splits(
    classifier: Classifier, splits: dict[str, Encoded]
) -> dict[str, NDArray[np.float32]]:
    """Return the logits [texts, classes] of the validation, calibration and test splits."""
    from models.training.finetune import predict  # noqa: PLC0415 - imports TensorFlow

    judged = ("validation", "calibration", "test")
    return {split: predict(classifier, splits[split]) for split in judged}
