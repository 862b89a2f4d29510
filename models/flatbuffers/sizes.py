"""Compute the sizes of a subject in bytes, and their ratios."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from models.errors import EdgeproofError
from models.verdicts.sizes import BERT_LARGE_WEIGHTS, CHECKPOINT_OVER_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOAT32_BYTES = 4
# Ratio of the sizes of BERT-large and of the FlatBuffer in arXiv 2310.03971. The paper does not say
# how bytes were counted.
PUBLISHED_RATIO = 160


@dataclass(frozen=True)
class FlatBufferSizes:
    """The sizes of one variant in bytes.

    Attributes:
        flatbuffer: size of the file.
        flatbuffer_zipped: size of the file after zlib level 9.
        resident: peak memory of a runner that has loaded it; None if it was not measured.
    """

    flatbuffer: int
    flatbuffer_zipped: int
    resident: int | None = None


def subject_sizes(
    full: Mapping[str, int], small: Mapping[str, int], flatbuffers: Mapping[str, FlatBufferSizes]
) -> dict[str, Any]:
    """Return all sizes and ratios of a subject as plain values.

    Args:
        full: the number of parameters of each part of the full model.
        small: the same for the converted model; equal to `full` if there is no small model.
        flatbuffers: sizes by scheme.

    Returns:
        `full_model`, `small_model`: parameters by part and in all, `weights` (float32 bytes) and
        `checkpoint` (weights with Adam's two moments). `variants`: by scheme, its sizes and
        `ratios`, each under the name "what/over what". `paper`: see `paper_arithmetic`.

    Raises:
        EdgeproofError: a file has no bytes.
    """
    models = {"full_model": _model(full), "small_model": _model(small)}
    large = {"weights": BERT_LARGE_WEIGHTS, "checkpoint": _checkpoint(BERT_LARGE_WEIGHTS)}
    compared = {
        f"{model}_{size}": sizes[size]
        for model, sizes in (*models.items(), ("bert_large", large))
        for size in ("weights", "checkpoint")
    }
    variants = {scheme: _variant(compared, sizes) for scheme, sizes in flatbuffers.items()}
    return {**models, "variants": variants, "paper": paper_arithmetic()}


def candidate_sizes(flatbuffers: Mapping[str, FlatBufferSizes]) -> dict[str, Any]:
    """Return the sizes of given candidates: `variants`, as in `subject_sizes`.

    Raises:
        EdgeproofError: a file has no bytes.
    """
    return {"variants": {name: _variant({}, sizes) for name, sizes in flatbuffers.items()}}


def paper_arithmetic() -> dict[str, Any]:
    """Return the pairs of sizes that the published ratio of 160 could mean, in bytes.

    Relative to BERT-large's training checkpoint, the ratio means a FlatBuffer of 25 MB, nearly the
    size of MobileBERT with dynamic range quantization. Relative to BERT-large's weights, it means a
    FlatBuffer of at most 8,378,547 bytes.
    """
    checkpoint = _checkpoint(BERT_LARGE_WEIGHTS)
    return {
        "published_ratio": PUBLISHED_RATIO,
        "bert_large_parameters": BERT_LARGE_WEIGHTS // FLOAT32_BYTES,
        "bert_large_weights": BERT_LARGE_WEIGHTS,
        "bert_large_checkpoint": checkpoint,
        "flatbuffer_for_bert_large_weights": BERT_LARGE_WEIGHTS // PUBLISHED_RATIO,
        "flatbuffer_for_bert_large_checkpoint": checkpoint // PUBLISHED_RATIO,
    }


def _model(counts: Mapping[str, int]) -> dict[str, Any]:
    total = sum(counts.values())
    weights = FLOAT32_BYTES * total
    return {
        "parameters": dict(counts) | {"total": total},
        "weights": weights,
        "checkpoint": _checkpoint(weights),
    }


def _checkpoint(weights: int) -> int:
    return CHECKPOINT_OVER_WEIGHTS * weights


def _variant(compared: Mapping[str, int], sizes: FlatBufferSizes) -> dict[str, Any]:
    files = {"flatbuffer": sizes.flatbuffer, "flatbuffer_zipped": sizes.flatbuffer_zipped}
    if min(files.values()) <= 0:
        raise EdgeproofError(
            f"no size ratio can be computed for a file of {min(files.values())} bytes",
            remedy="Give sizes above 0 bytes",
        )
    ratios = {
        f"{name}/{file}": size / bytes_
        for name, size in compared.items()
        for file, bytes_ in files.items()
    }
    return asdict(sizes) | {"ratios": ratios}
