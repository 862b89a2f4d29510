"""Plan the artefacts of a subject and their keys, before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from models.building.checkpoints import choose_checkpoints, require_fit, require_one_vocabulary
from models.corpus.source import check_corpus, hash_corpus
from models.encoder_families import family_of
from models.flatbuffers.schemes import REFERENCE, scheme_named
from models.huggingface.checkpoint import CONFIG, family_in
from models.huggingface.fitting import fitted, is_for_pytorch
from models.networks import published
from models.sources import hash_imports, sources_of
from models.store import Stage, hash_file, versions
from models.tokenizers.checkpoint_files import FILES

if TYPE_CHECKING:
    from pathlib import Path

    from models.subjects import ShrunkTable, Subject

CORPUS = "corpus"
MODEL = "model"
LESSON = "lesson"
CONVERTED = "converted"
PARITY = "parity"
VARIANT = "variant"
# Builders of artefacts: with Keras from networks in TOML, or with PyTorch from a checkpoint.
_KERAS, _PYTORCH = "models.building.stages:Builder", "models.huggingface.builder:Builder"


@dataclass(frozen=True)
class Request:
    """A subject with the user's own data and checkpoints.

    Attributes:
        subject: the subject.
        schemes: names of the schemes to make.
        corpus_path: the user's labelled texts; None for a generated corpus.
        checkpoints: the folder of the checkpoint of each model that starts from one, by role.
        by_pytorch: whether PyTorch makes the candidates, instead of TensorFlow.
    """

    subject: Subject
    schemes: tuple[str, ...]
    corpus_path: Path | None = None
    checkpoints: dict[str, Path] = field(default_factory=dict)
    by_pytorch: bool = False

    @property
    def tokenizer_folder(self) -> Path | None:
        """Return the checkpoint from which the tokenizer is read; None if there is no checkpoint.

        All checkpoints have the same vocabulary.
        """
        return next(iter(self.checkpoints.values()), None)


@dataclass(frozen=True)
class Plan:
    """The artefacts of one request with their keys.

    Attributes:
        request: the request.
        whole: the corpus as encoded for the full model.
        corpus: the corpus as encoded for the small model and its variants; it differs from `whole`
            only if the small model has fewer word pieces.
        full: the full model.
        cut: the part of the full model that is kept and trained, before its weights are rounded;
            the same as `small` if nothing is rounded, or there is no `[shrunk]`.
        small: the model that is converted.
        variants: its FlatBuffers by scheme.
        converted: the network in float32, with a FlatBuffer for each length; None without PyTorch.
        parity: the differences of these FlatBuffers from PyTorch; None without PyTorch.
    """

    request: Request
    whole: Stage
    corpus: Stage
    full: Stage
    cut: Stage
    small: Stage
    variants: dict[str, Stage]
    converted: Stage | None = None
    parity: Stage | None = None

    def models(self) -> dict[str, Stage]:
        """Return the stage of each model that is trained, by role, except a shrunk model."""
        return {role: getattr(self, role) for role in self.request.subject.models()}

    def answers(self, copy: int | None = None) -> Stage:
        """Return the stage of the full model's answers to the train split, for distillation.

        Args:
            copy: the number of an altered copy of the train split; None for the split itself.
        """
        recipe = {"teacher": self.full.key, "copy": copy, **_code_recipe("_make_answers")}
        return Stage(LESSON, recipe)

    def stages(self) -> list[Stage]:
        """Return every stage of the plan once, in the order in which they are made."""
        ordered = (
            self.whole,
            self.full,
            self.corpus,
            self.cut,
            self.small,
            *(stage for stage in (self.converted, self.parity) if stage is not None),
            *self.variants.values(),
        )
        return list({(stage.name, stage.key): stage for stage in ordered}.values())


def check_inputs(
    subject: Subject, schemes: tuple[str, ...], corpus: Path | None, pretrained: str | None
) -> None:
    """Check the user's inputs against the subject's needs, without reading or fetching them.

    Raises:
        UsageMistake: a scheme is unknown; a corpus or a checkpoint is missing or superfluous.
    """
    for scheme in schemes:
        scheme_named(scheme)
    for scheme in subject.schemes:
        scheme_named(scheme, key=f"subject {subject.name!r}: schemes")
    check_corpus(subject, corpus)
    choose_checkpoints(subject, pretrained)


def make_request(
    subject: Subject,
    *,
    schemes: tuple[str, ...] = (),
    corpus: Path | None = None,
    pretrained: str | None = None,
    offline: bool = False,
) -> Request:
    """Check the user's inputs, and fetch the checkpoints that are hub ids.

    The reference scheme is always made, because the others are compared with it.

    Raises:
        UsageMistake: see `check_inputs`; or a checkpoint does not exist.
    """
    check_inputs(subject, schemes, corpus, pretrained)
    checkpoints = {
        role: published.resolve(checkpoint, offline=offline)
        for role, checkpoint in choose_checkpoints(subject, pretrained).items()
    }
    folder = checkpoints.get("full")
    by_pytorch = folder is not None and is_for_pytorch(subject, lambda: family_in(folder))
    if by_pytorch:
        subject = fitted(subject, checkpoints["full"])
    else:
        require_fit(subject, checkpoints)
        require_one_vocabulary(checkpoints)
    return Request(
        subject=subject,
        schemes=tuple(dict.fromkeys((REFERENCE, *(schemes or subject.schemes)))),
        corpus_path=None if corpus is None else corpus.resolve(),
        checkpoints=checkpoints,
        by_pytorch=by_pytorch,
    )


def make_plan(request: Request) -> Plan:
    """Compute the key of every artefact of a request from hashes, without importing a framework."""
    whole = corpus = _corpus_stage(request)
    if request.by_pytorch:
        return _plan_for_pytorch(request, corpus)
    full = cut = small = _model_stage(request, "full", whole)
    if request.subject.small:
        cut = small = _model_stage(request, "small", whole, full)
    if request.subject.shrunk:
        corpus = _pruned_stage(request, whole, full)
        cut = _cut_stage(request, corpus, full)
        small = _rounded_stage(request.subject.shrunk, corpus, cut)
    variants = {name: _variant_stage(name, request, small, corpus) for name in request.schemes}
    return Plan(request, whole, corpus, full, cut, small, variants)


def _plan_for_pytorch(request: Request, corpus: Stage) -> Plan:
    """Return the plan of a subject whose single model is a checkpoint, converted by PyTorch.

    The float32 FlatBuffer is compared with PyTorch first, and all others are made from it.
    """
    table = request.subject.full
    # The checkpoint's bytes decide the key, not its folder or its name on the hub.
    recipe = {
        "model": msgspec.to_builtins(table) | {"pretrained": False, "checkpoint": True},
        "labels": list(request.subject.corpus.labels),
        "corpus": corpus.key,
        "checkpoint": _hash_checkpoint(request.checkpoints["full"]),
    }
    full = Stage(MODEL, recipe | _code_recipe("_make_model", _PYTORCH))
    lengths = list(request.subject.tokenizer.row_lengths)
    conversion = {"model": full.key, "lengths": lengths, "corpus": corpus.key}
    converted = Stage(CONVERTED, conversion | _code_recipe("_convert", _PYTORCH))
    comparison = {"converted": converted.key, "model": full.key, "corpus": corpus.key}
    parity = Stage(PARITY, comparison | _code_recipe("_compare", _PYTORCH))
    variants = {name: _quantized_stage(name, converted, parity, corpus) for name in request.schemes}
    return Plan(request, corpus, corpus, full, full, full, variants, converted, parity)


def _quantized_stage(scheme: str, converted: Stage, parity: Stage, corpus: Stage) -> Stage:
    recipe = {
        "scheme": scheme,
        "converted": converted.key,
        # Only a float32 file that agrees with PyTorch is quantized.
        "parity": None if scheme == REFERENCE else parity.key,
        "calibration": corpus.key if scheme_named(scheme).calibrated else None,
        **_code_recipe("_make_variant", _PYTORCH),
    }
    return Stage(VARIANT, recipe)


def _code_recipe(method: str, builder: str = _KERAS) -> dict[str, Any]:
    """Return the part of a recipe about code: a method's hash, and its packages' versions."""
    maker = f"{builder}.{method}"
    packages = sources_of(maker).packages
    return {"source": hash_imports(maker), "versions": versions(*sorted(packages))}


def _hash_checkpoint(folder: Path | None) -> dict[str, str] | None:
    if folder is None:
        return None
    return {path.name: hash_file(path) for path in published.members(folder)}


def _corpus_stage(request: Request) -> Stage:
    subject, path = request.subject, request.corpus_path
    recipe: dict[str, Any] = {
        "corpus": msgspec.to_builtins(subject.corpus),
        "tokenizer": _tokenizer_recipe(subject),
        "file": None if path is None else hash_corpus(path),
        "tokenizer_files": _hash_tokenizer(request.tokenizer_folder),
        "family": _family_recipe(request.tokenizer_folder),
        **_code_recipe("_make_corpus", _PYTORCH if request.by_pytorch else _KERAS),
    }
    return Stage(CORPUS, recipe)


def _tokenizer_recipe(subject: Subject) -> dict[str, Any]:
    """Return the settings that decide the encoding of texts, without the row lengths."""
    recipe: dict[str, Any] = msgspec.to_builtins(subject.tokenizer)
    del recipe["lengths"]
    decided = {"max_tokens": subject.max_tokens, "pair_with_entity": subject.pairs_with_group}
    return recipe | decided


def _hash_tokenizer(folder: Path | None) -> dict[str, str] | None:
    if folder is None:
        return None
    # The network's config is hashed too: it decides padding, the number of tokens and segments.
    present = (folder / name for name in (*FILES, CONFIG))
    return {path.name: hash_file(path) for path in present if path.is_file()}


def _family_recipe(folder: Path | None) -> dict[str, Any] | None:
    """Return the row of a checkpoint's family in the table of encoder families."""
    if folder is None:
        return None
    row: dict[str, Any] = msgspec.to_builtins(family_of(family_in(folder)))
    del row["tried"]
    return row


def _model_stage(request: Request, role: str, corpus: Stage, teacher: Stage | None = None) -> Stage:
    table = request.subject.models()[role]
    # The checkpoint's bytes decide the key, not its folder or its name on the hub.
    checkpoint = {"pretrained": bool(table.pretrained), "checkpoint": False}
    recipe = {
        "model": msgspec.to_builtins(table) | checkpoint,
        "classes": len(request.subject.corpus.labels),
        "corpus": corpus.key,
        "checkpoint": _hash_checkpoint(request.checkpoints.get(role)),
        "teacher": teacher.key if teacher and table.distillation else None,
        **_code_recipe("_make_model"),
    }
    return Stage(MODEL, recipe)


def _pruned_stage(request: Request, whole: Stage, full: Stage) -> Stage:
    """Return the stage of a shrunk model's corpus: `whole`, if all word pieces are kept."""
    table = _shrunk(request)
    if table.pieces is None and table.bytes is None:
        return whole
    recipe = {
        "pieces": table.pieces,
        "corpus": whole.key,
        **_search_recipe(request, full),
        **_code_recipe("_prune_corpus"),
    }
    return Stage(CORPUS, recipe)


def _shrunk(request: Request) -> ShrunkTable:
    table = request.subject.shrunk
    if table is None:
        raise ValueError("the subject has no `shrunk`")
    return table


def _search_recipe(request: Request, full: Stage) -> dict[str, Any]:
    """Return the inputs of the search for a shrunk model's sizes, except the corpus."""
    table = _shrunk(request)
    if table.bytes is None:
        return {}
    return {
        "bytes": table.bytes,
        "speed": table.speed,
        "lengths": list(request.subject.tokenizer.row_lengths),
        "full": full.key,
    }


def _cut_stage(request: Request, corpus: Stage, full: Stage) -> Stage:
    unrounded = msgspec.to_builtins(_shrunk(request))
    del unrounded["rounding"]
    recipe = {
        "shrunk": unrounded,
        "corpus": corpus.key,
        **_search_recipe(request, full),
        "full": full.key,
        **_code_recipe("_make_cut"),
    }
    return Stage(MODEL, recipe)


def _rounded_stage(table: ShrunkTable, corpus: Stage, cut: Stage) -> Stage:
    """Return the stage of the model with few-bit weights: `cut`, if nothing is rounded."""
    if table.rounding is None and table.bytes is None:
        return cut
    recipe = {
        "rounding": table.rounding,
        "corpus": corpus.key,
        "model": cut.key,
        **_code_recipe("_round"),
    }
    return Stage(MODEL, recipe)


def _variant_stage(scheme: str, request: Request, small: Stage, corpus: Stage) -> Stage:
    recipe = {
        "scheme": scheme,
        "lengths": list(request.subject.tokenizer.row_lengths),
        "model": small.key,
        "calibration": corpus.key,
        **_code_recipe("_make_variant"),
    }
    return Stage(VARIANT, recipe)
