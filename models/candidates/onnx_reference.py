"""Use an ONNX file as the reference: bind it, run it with onnxruntime, store its answers."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.candidates.candidate import labels_of
from models.candidates.given_candidate import (
    GivenCandidate,
    length_of,
    refuse_changed,
    refuse_too_many,
)
from models.candidates.labels import MOST
from models.candidates.meaning import bind_output
from models.candidates.recorded import Recording
from models.candidates.reference_answers import OF_ITS_OWN
from models.candidates.roles import Port, bind_inputs
from models.candidates.scores import scores_of
from models.candidates.spec import CandidateSpec
from models.candidates.tokenizer_of import declared_encoder, nothing_says
from models.candidates.warnings import warnings_of
from models.errors import UsageMistake
from models.input_roles import IDS
from models.onnx.asking import MOST_THREADS, RUNTIME, Call, Fed, ask, require_onnxruntime
from models.onnx.reading import KEY, read_onnx
from models.runner.machine import usable_cores
from models.runtime.predictions import processor_features
from models.store import Stage, hash_sources, versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.candidates.declaration import Declaration
    from models.candidates.spec import InputSpec
    from models.candidates.texts import Texts
    from models.flatbuffers.structure import Tensor
    from models.onnx.reading import OnnxFile
    from models.store import Store
    from models.tokenizers.encoder import Encoder
    from models.tokenizers.kinds import TokenizerSettings

STAGE = "reference"
ANSWERS = "answers.npy"


@dataclass(frozen=True, kw_only=True, repr=False)
class OnnxReference:
    """An ONNX file with the texts that it classifies.

    Attributes:
        candidate: the file with its inputs and output.
        rows: the tokenized texts, arrays [n, tokens] by role.
        remarks: sentences that the user needs to know about the file.
    """

    candidate: GivenCandidate
    rows: Mapping[str, NDArray[np.int32]] = field(repr=False)
    remarks: tuple[str, ...]
    name: str = OF_ITS_OWN
    has_scores: bool = True

    @property
    def binding(self) -> str:
        """Return the inputs and the output of the file on one line."""
        return self.candidate.spec.binding

    @property
    def stage(self) -> Stage:
        """Return the stage of the file's answers, keyed by everything that can change them."""
        recipe = {
            "onnx": self.candidate.sha256,
            "call": asdict(self._call()) | {"file": None},
            "rows": {
                port.role: _digest(self.rows[port.role]) for port in self.candidate.spec.inputs
            },
            "source": hash_sources("onnx"),
            "versions": versions(RUNTIME, "numpy"),
            "machine": platform.machine(),
            "processor": processor_features(),
        }
        return Stage(STAGE, recipe)

    def make(self, store: Store) -> None:
        """Run the file and store its answers, if a store lacks them.

        Raises:
            UsageMistake: the file cannot be run, or its output is not an answer to a text.
        """
        store.get(self.stage, lambda out: np.save(out / ANSWERS, self._asked()))

    def recording(self, store: Store) -> Recording:
        """Return the stored answers to the texts."""
        answers = store.artefact(self.stage)
        raw = answers.numbers(ANSWERS, len(self.rows[IDS]))
        if not np.isfinite(raw.astype(np.float64)).all():
            raise answers.damaged(ANSWERS)
        scores = scores_of(self.candidate.spec.output, raw, self._classes)
        return Recording(
            labels=scores.labels,
            logits=scores.logits,
            probabilities=scores.probabilities,
            held=("logits", "probabilities"),
        )

    def _asked(self) -> NDArray[Any]:
        raw = ask(self._call(), self.rows)
        spec = self.candidate.spec
        # The runtime opened the file by its path, so verify that the file has not changed since it
        # was read.
        refuse_changed(spec.file, read_onnx(spec.file).sha256, self.candidate.sha256)
        wrong = ~np.isfinite(raw.astype(np.float64)).all(axis=1)
        if wrong.any():
            raise UsageMistake(
                f"gives NaN or infinity for {int(wrong.sum()):,} of {len(raw):,} texts",
                file=spec.file,
                key=KEY,
                remedy="Export the model again in float32, or name the output that holds "
                "the scores",
            )
        try:
            scores_of(spec.output, raw, self._classes)
        except UsageMistake as mistake:
            parts = mistake.describe() | {"file": str(spec.file)}
            raise UsageMistake(**parts) from None  # type: ignore[arg-type] # an error's own fields
        return raw

    def _call(self) -> Call:
        spec = self.candidate.spec
        return Call(
            file=spec.file,
            inputs=tuple(_fed(port, self.candidate.length) for port in spec.inputs),
            output=spec.output.tensor,
            values=1 if spec.output.threshold is not None else self._classes,
            most=MOST,
            threads=min(usable_cores(), MOST_THREADS),
        )

    @property
    def _classes(self) -> int:
        return len(self.candidate.spec.labels or ())


def read_reference(  # noqa: PLR0913 - the file, its declarations, and the three things to check it against
    file: Path,
    declared: Declaration,
    texts: Texts,
    candidates: Sequence[GivenCandidate],
    *,
    tokenizer: str | None,
    settings: TokenizerSettings | None,
) -> OnnxReference:
    """Read the ONNX file with which candidates are compared, and check that it fits the texts.

    Args:
        file: the ONNX file.
        declared: the user's declarations about the file, with the labels.
        texts: the texts to classify.
        candidates: the candidates that are compared with the file.
        tokenizer: the file's own tokenizer; None if it uses that of the candidates.
        settings: the common tokenizer of all candidates; None if each candidate's metadata contains
            one.

    Raises:
        UsageMistake: the file cannot be read or run, does not fit the texts, or a property of it is
            uncertain.
    """
    read = read_onnx(file)
    require_onnxruntime(file)
    spec = bind_onnx(read, declared)
    has_ids = texts.rows[0].ids is not None
    encoder = _encoder(file, candidates, tokenizer, settings, has_ids=has_ids)
    length, remarks = _length(spec, texts, encoder, candidates)
    ids = next(port for port in spec.inputs if port.role == IDS)
    candidate = GivenCandidate(
        name=OF_ITS_OWN,
        spec=spec,
        declared=declared,
        sha256=read.sha256,
        scheme=None,
        encoder=encoder,
        length=length,
        rows=ids.rows,
    )
    refuse_too_many(candidate, texts)
    fixed = [replace(port, length=length) for port in spec.inputs]
    sentences = (*warnings_of(None, None, fixed, spec.output), *remarks)
    warned = (f"{file.name}: {sentence}" for sentence in sentences)
    return OnnxReference(
        candidate=candidate, rows=candidate.arrays(texts.rows), remarks=tuple(warned)
    )


def bind_onnx(read: OnnxFile, declared: Declaration) -> CandidateSpec:
    """Return inputs, output and labels of an ONNX file, like `models.candidates.candidate.bind`.

    Raises:
        UsageMistake: a property is uncertain, or a declaration does not fit the file.
    """
    inputs = bind_inputs(read.file, _ports(read.inputs), read.operators, declared)
    output = bind_output(read.file, _ports(read.outputs), read.operators, declared)
    labels, source, _ = labels_of(read.file, output, declared, (None, []))
    return CandidateSpec(
        file=read.file,
        signature=None,
        graph=0,
        inputs=inputs,
        output=output,
        labels=labels,
        labels_found=source,
        warnings=(),
    )


def _ports(tensors: Sequence[Tensor]) -> list[Port]:
    return [
        Port(name=tensor.name, tensor=tensor, position=position)
        for position, tensor in enumerate(tensors)
    ]


def _encoder(
    file: Path,
    candidates: Sequence[GivenCandidate],
    tokenizer: str | None,
    settings: TokenizerSettings | None,
    *,
    has_ids: bool,
) -> Encoder | None:
    """Return the declared tokenizer, or else the tokenizer that all candidates share."""
    if tokenizer is not None or settings is not None or has_ids:
        return declared_encoder(tokenizer, settings, has_ids=has_ids)
    encoders = {candidate.encoding[0]: candidate.encoder for candidate in candidates}
    if len(encoders) != 1:
        raise nothing_says(file)
    return next(iter(encoders.values()))


def _length(
    spec: CandidateSpec,
    texts: Texts,
    encoder: Encoder | None,
    candidates: Sequence[GivenCandidate],
) -> tuple[int, list[str]]:
    """Return the row length, with a remark about it.

    If the file's length is dynamic, use the candidates' length, so that all files get equal rows.
    """
    if spec.length is not None:
        return length_of(spec, texts, encoder), []
    lengths = {candidate.length for candidate in candidates}
    if len(lengths) == 1:
        (length,) = lengths
        return length, [f"its rows have {length} tokens, like those of the candidates."]
    length = length_of(spec, texts, encoder)
    return length, [f"its rows have {length} tokens, like the longest text."]


def _fed(port: InputSpec, length: int) -> Fed:
    """Return the role and name of an input, and dtype and shape of its array for one text."""
    sizes = tuple(1 if size == 1 else length for size in port.shape[1:])
    shape = (1, *sizes) if len(port.shape) > 1 else (length,)
    return Fed(role=port.role, name=port.tensor, dtype=port.dtype, shape=shape)


def _digest(array: NDArray[np.int32]) -> str:
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
