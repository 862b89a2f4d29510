"""What a subject needs made, and under which keys: known before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from models.corpus.source import check_corpus, hash_corpus
from models.errors import UsageMistake
from models.flatbuffers.schemes import REFERENCE, scheme_named
from models.networks import published
from models.store import Stage, hash_file, hash_sources, versions

if TYPE_CHECKING:
    from pathlib import Path

    from models.subjects import ModelTable, Subject

CORPUS = "corpus"
MODEL = "model"
VARIANT = "variant"

# What decides a FlatBuffer's bytes, beside its weights.
CONVERSION = tuple(f"flatbuffers/{name}.py" for name in ("convert", "schemes", "stamp"))

# Members of a model's artefact, and of a variant's.
WEIGHTS = "weights.safetensors"
LOGITS = "logits.npz"
MODEL_CARD = "model.json"
FLATBUFFER = "model.tflite"
VARIANT_CARD = "variant.json"


@dataclass(frozen=True)
class Request:
    """A subject with the user's own data and checkpoint put in.

    Attributes:
        subject: what is tested.
        schemes: names of the schemes to make.
        corpus_path: the user's labelled tweets, None for a generated corpus.
        checkpoint: the folder of a published encoder, None where none is used.
    """

    subject: Subject
    schemes: tuple[str, ...]
    corpus_path: Path | None = None
    checkpoint: Path | None = None


@dataclass(frozen=True)
class Plan:
    """The artefacts of one request, each with the key it is kept under."""

    request: Request
    corpus: Stage
    full: Stage
    small: Stage
    variants: dict[str, Stage]

    def stages(self) -> list[Stage]:
        """Return every stage once, in the order they are made."""
        ordered = (self.corpus, self.full, self.small, *self.variants.values())
        return list({(stage.name, stage.key): stage for stage in ordered}.values())


def check_inputs(
    subject: Subject, schemes: tuple[str, ...], corpus: Path | None, pretrained: str | None
) -> None:
    """Check what the user gave against what the subject needs, reading and fetching nothing.

    Raises:
        UsageMistake: a scheme is unknown; a corpus or a checkpoint is missing or superfluous.
    """
    for scheme in schemes or subject.schemes:
        scheme_named(scheme)
    check_corpus(subject, corpus)
    _check_checkpoint(subject, pretrained)


def make_request(
    subject: Subject,
    *,
    schemes: tuple[str, ...] = (),
    corpus: Path | None = None,
    pretrained: str | None = None,
    offline: bool = False,
) -> Request:
    """Check what the user gave, and fetch the checkpoint where it is a hub id.

    The reference scheme is always made, for the others are compared with it.

    Raises:
        UsageMistake: as `check_inputs`, or the checkpoint is not there.
    """
    check_inputs(subject, schemes, corpus, pretrained)
    return Request(
        subject=subject,
        schemes=tuple(dict.fromkeys((REFERENCE, *(schemes or subject.schemes)))),
        corpus_path=None if corpus is None else corpus.resolve(),
        checkpoint=None if pretrained is None else published.resolve(pretrained, offline=offline),
    )


def _check_checkpoint(subject: Subject, pretrained: str | None) -> None:
    needs = subject.full.pretrained or (subject.small is not None and subject.small.pretrained)
    if needs and pretrained is None:
        raise UsageMistake(
            f"subject {subject.name!r} fine-tunes a published encoder",
            key=published.KEY,
            remedy="Give its folder (Hugging Face layout) or its hub id",
        )
    if pretrained is not None and not needs:
        raise UsageMistake(
            f"subject {subject.name!r} trains from scratch and would ignore {pretrained!r}",
            key=published.KEY,
            remedy="Leave the option out, or choose a subject with full.pretrained = true",
        )


def make_plan(request: Request) -> Plan:
    """Compute the key of every artefact of `request`; hashes the user's files, imports nothing."""
    subject = request.subject
    checkpoint = None if request.checkpoint is None else _hash_checkpoint(request.checkpoint)
    corpus = _corpus_stage(request, checkpoint)
    full = _model_stage(subject.full, subject, corpus, checkpoint)
    small = full
    if subject.small is not None:
        small = _model_stage(subject.small, subject, corpus, checkpoint)
    variants = {name: _variant_stage(name, small, corpus) for name in request.schemes}
    return Plan(request, corpus, full, small, variants)


def _hash_checkpoint(folder: Path) -> dict[str, str]:
    return {path.name: hash_file(path) for path in published.members(folder)}


def _corpus_stage(request: Request, checkpoint: dict[str, str] | None) -> Stage:
    subject, path = request.subject, request.corpus_path
    borrowed = subject.tokenizer.source == "pretrained"
    recipe: dict[str, Any] = {
        "corpus": msgspec.to_builtins(subject.corpus),
        "tokenizer": msgspec.to_builtins(subject.tokenizer),
        "file": None if path is None else hash_corpus(path),
        "checkpoint": checkpoint if borrowed else None,
        "source": hash_sources("corpus"),
        "versions": versions("numpy", "tokenizers"),
    }
    return Stage(CORPUS, recipe)


def _model_stage(
    table: ModelTable, subject: Subject, corpus: Stage, checkpoint: dict[str, str] | None
) -> Stage:
    recipe = {
        "model": msgspec.to_builtins(table),
        "classes": len(subject.corpus.labels),
        "corpus": corpus.key,
        "checkpoint": checkpoint if table.pretrained else None,
        "source": hash_sources("networks", "training"),
        "versions": versions("numpy", "keras", "tensorflow"),
    }
    return Stage(MODEL, recipe)


def _variant_stage(scheme: str, small: Stage, corpus: Stage) -> Stage:
    recipe = {
        "scheme": scheme,
        "model": small.key,
        "calibration": corpus.key,
        "source": hash_sources(*CONVERSION),
        "versions": versions("tensorflow", "ai-edge-quantizer", "ai-edge-litert"),
    }
    return Stage(VARIANT, recipe)
