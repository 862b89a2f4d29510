"""Build from a checkpoint: corpus -> model -> float32 -> parity -> variants. Imports PyTorch."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from models.artefact_names import (
    DEPARTS,
    FLATBUFFER,
    LEFT_OUT,
    LOGITS,
    MODEL_CARD,
    PARITY_CARD,
    PARITY_ROWS,
    REFUSED,
    VARIANT_CARD,
)
from models.build_tasks import PlanBuilder, Task
from models.corpus.artefact import build_corpus, load_corpus, load_encoded
from models.corpus.texts import hash_texts
from models.errors import UsageMistake
from models.flatbuffers.inspect import inspect
from models.flatbuffers.schemes import REFERENCE, SCHEMES, scheme_named
from models.huggingface.checkpoint import CONFIG, read_checkpoint
from models.huggingface.parity import FULL, PADDED, UNPADDED, compare, full_length
from models.networks.config import head_of
from models.networks.published import SAFETENSORS
from models.progress import TrainingProgress
from models.training.resume import Resume
from models.verdicts.budgets import sound

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.huggingface.network import Network
    from models.huggingface.parity import Parity

_PACKAGES = ("torch", "transformers", "litert_torch", "accelerate")
# Number of texts for the comparison with PyTorch: those classified with and without padding, and
# those in rows of full length.
_UNPADDED_TEXTS, _FULL_TEXTS = 64, 16


def require_pytorch() -> None:
    """Check, without importing, that the packages which convert checkpoints are installed.

    Raises:
        UsageMistake: a package is missing; the message names the dependency group.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageMistake(
            "converting this checkpoint needs PyTorch, but these packages are not installed here: "
            f"{', '.join(missing)}",
            key="full.checkpoint",
            remedy="Run `python -m pip install --group torch` in edgeproof's folder, or "
            "`tox -e judge-checkpoint`",
        )


def use_every_core() -> None:
    """Let PyTorch use all cores; otherwise the builder's `OMP_NUM_THREADS` limits it to one."""
    import torch  # noqa: PLC0415 - takes seconds to import

    torch.set_num_threads(len(os.sched_getaffinity(0)))


class Builder(PlanBuilder):
    """Makes the missing artefacts of a plan whose model is a checkpoint."""

    @property
    def _folder(self) -> Path:
        """Return the folder of the checkpoint that is converted."""
        return self._plan.request.checkpoints["full"]

    def tasks(self) -> list[Task]:
        """Return the tasks of the plan, each after the tasks whose artefacts it needs.

        Raises:
            UsageMistake: artefacts must be built, but PyTorch is not installed.
        """
        plan, converted, parity = self._plan, self._plan.converted, self._plan.parity
        if converted is None or parity is None:
            raise ValueError("the plan is not one for PyTorch")
        if not all(self._store.has(stage) for stage in plan.stages()):
            require_pytorch()
            use_every_core()
        resume = Resume(self._store.path(plan.full).with_name(f"{plan.full.key}.resume"))
        learn = functools.partial(self._make_model, resume.path.parent)
        return [
            Task(plan.whole, self._make_corpus),
            Task(plan.full, learn, needs=(plan.whole,), tidy=resume.forget),
            Task(converted, self._convert, needs=(plan.full,)),
            Task(parity, self._compare, needs=(converted,)),
            *(
                Task(stage, functools.partial(self._make_variant, scheme), needs=(parity,))
                for scheme, stage in plan.variants.items()
            ),
        ]

    def _make_corpus(self, out: Path) -> None:
        self._progress.say(f"corpus: reading and encoding for subject {self._subject.name!r}")
        path = self._plan.request.corpus_path
        tick = self._progress.tick
        build_corpus(self._subject, out, path, self._folder, tick, as_published=True)

    @functools.cached_property
    def _splits(self) -> dict[str, Encoded]:
        return load_encoded(self._store.artefact(self._plan.whole))

    def _make_model(self, resumed: Path, out: Path) -> None:
        """Load the checkpoint, fine-tune it if the subject has `training`, and store its logits."""
        from models.huggingface.network import load_network  # noqa: PLC0415 - imports PyTorch

        table, labels = self._subject.full, self._subject.corpus.labels
        checkpoint, history, head = read_checkpoint(self._folder), [], None
        if table.training is None:
            self._progress.say(f"full model: loading the {checkpoint.model_type} classifier")
            network = load_network(checkpoint)
        else:
            head = head_of(self._folder)
            self._say_left_out(head)
            network = load_network(checkpoint, classes=len(labels), seed=table.seed)
            history = self._fine_tune(network, resumed)
        self._progress.say("full model: classifying the validation, calibration and test splits")
        judged = ("validation", "calibration", "test")
        logits: dict[str, Any] = {name: network.answer(self._splits[name]) for name in judged}
        np.savez(out / LOGITS, **logits)
        (out / SAFETENSORS).write_bytes(network.weights())
        _write_json(out / CONFIG, network.config(labels))
        card: dict[str, Any] = {
            "family": checkpoint.model_type,
            "parameters": network.parameters,
            "parts": network.parts(),
            "history": history,
        }
        _write_json(out / MODEL_CARD, card | ({} if head is None else {LEFT_OUT: head}))

    def _say_left_out(self, head: str | None) -> None:
        if head is not None:
            self._progress.say(
                f"full model: the checkpoint's own head ({head}) is left out, and a new one is "
                "trained"
            )

    def _fine_tune(self, network: Network, folder: Path) -> list[dict[str, Any]]:
        from models.huggingface.training import fine_tune, finished_epochs  # noqa: PLC0415 - imports PyTorch

        table = self._subject.full.training
        if table is None:
            return []
        finished = len(finished_epochs(folder))
        continuation = ", resuming after the last complete epoch" if finished else ""
        self._progress.say(
            f"full model: fine-tuning {network.parameters:,} parameters{continuation}"
        )
        texts = len(self._splits["train"])
        report = TrainingProgress("full", texts, 0, table.epochs, self._progress)
        epochs = fine_tune(network, table, self._splits, report, folder)
        return [asdict(epoch) for epoch in epochs]

    def _network(self) -> Network:
        """Return the stored model as a network of PyTorch."""
        from models.huggingface.network import load_network  # noqa: PLC0415 - imports PyTorch

        artefact = self._store.artefact(self._plan.full)
        artefact.path(SAFETENSORS)
        return load_network(read_checkpoint(artefact.path(CONFIG).parent))

    def _convert(self, out: Path) -> None:
        """Convert the network to one float32 FlatBuffer for each length."""
        from models.huggingface.convert import convert  # noqa: PLC0415 - imports PyTorch

        network = self._network()
        for tokens in self._lengths:
            self._progress.say(f"float32: converting at {tokens} tokens by litert-torch")
            (out / _file_of(tokens)).write_bytes(convert(network, tokens))

    @property
    def _lengths(self) -> tuple[int, ...]:
        return self._subject.tokenizer.row_lengths

    def _converted(self) -> dict[int, bytes]:
        """Return the float32 FlatBuffers by row length in tokens."""
        stage = self._plan.converted
        if stage is None:
            raise ValueError("the plan is not one for PyTorch")
        artefact = self._store.artefact(stage)
        return {tokens: artefact.read(_file_of(tokens)) for tokens in self._lengths}

    def _compare(self, out: Path) -> None:
        """Compare the float32 file with PyTorch, and store the inputs of both."""
        self._progress.say("float32: comparing it with PyTorch")
        test, network = self._splits["test"], self._network()
        padded, full = test.rows(slice(_UNPADDED_TEXTS)), full_length(test, _FULL_TEXTS)
        rows_of = {PADDED: padded, UNPADDED: padded} | ({FULL: full} if len(full) else {})
        expected = {
            form: (network.answer_unpadded if form == UNPADDED else network.answer)(rows)
            for form, rows in rows_of.items()
        }
        flatbuffer = self._converted()[self._lengths[-1]]
        answers = {form: _answers(flatbuffer, network, rows) for form, rows in rows_of.items()}
        parities = {form: compare(expected[form], answers[form]) for form in rows_of}
        deviating_form = next(
            (form for form, parity in parities.items() if not _may_be_quantized(parity)), None
        )
        departs = None
        if deviating_form is not None:
            worst = int(
                np.abs(expected[deviating_form] - answers[deviating_form]).max(axis=1).argmax()
            )
            departs = self._departure(
                network, flatbuffer, deviating_form, rows_of[deviating_form].rows([worst])
            )
        forms = {form: asdict(parity) for form, parity in parities.items()}
        _write_json(out / PARITY_CARD, {"forms": forms, DEPARTS: departs})
        _write_rows(
            out, {form: (rows_of[form], expected[form]) for form in rows_of if form != PADDED}
        )

    def _departure(self, network: Network, flatbuffer: bytes, form: str, row: Encoded) -> str:
        from models.huggingface.departure import first_departure  # noqa: PLC0415 - imports PyTorch

        layer = first_departure(network, flatbuffer, row)
        self._progress.say(f"float32: departs from PyTorch ({form}) at {layer}")
        return f"{form}, at {layer}"

    def _make_variant(self, scheme: str, out: Path) -> None:
        from models.flatbuffers.merging import merge_lengths  # noqa: PLC0415 - imports the FlatBuffer schema
        from models.flatbuffers.quantizing import (  # noqa: PLC0415 - imports the quantizer
            UnsupportedSchemeError,
            make_variants,
        )

        chosen, departs = scheme_named(scheme), self._stored_departure()
        if departs is not None and scheme != REFERENCE:
            self._write_refused(out, scheme, f"the float32 file departs from PyTorch: {departs}")
            return
        self._progress.say(f"variant {scheme}: converting")
        calibration = self._splits["calibration"]
        samples = self._network().samples(calibration) if chosen.calibrated else None
        try:
            files = merge_lengths(make_variants(self._converted(), chosen, samples))
        except UnsupportedSchemeError as error:
            self._write_refused(out, scheme, error.what)
            return
        self._write_variant(
            out, scheme, files, self._calibration_hashes() if chosen.calibrated else []
        )

    def _stored_departure(self) -> str | None:
        """Return in words where the float32 file deviates from PyTorch; None if it agrees."""
        if self._plan.parity is None:
            return None
        layer: str | None = self._store.artefact(self._plan.parity).document(PARITY_CARD)[DEPARTS]
        return layer

    def _write_refused(self, out: Path, scheme: str, reason: str) -> None:
        self._progress.say(f"variant {scheme}: not made, {reason}")
        card = {
            "scheme": scheme,
            "converter": "litert_quantizer",
            "calibration": [],
            REFUSED: reason,
        }
        _write_json(out / VARIANT_CARD, card)

    def _write_variant(
        self, out: Path, scheme: str, flatbuffer: bytes, calibration: list[str]
    ) -> None:
        (out / FLATBUFFER).write_bytes(flatbuffer)
        # Find files that the converter wrote incorrectly now, and not later on a board.
        inspect(out / FLATBUFFER)
        card = {
            "scheme": scheme,
            "converter": "litert_torch" if scheme == REFERENCE else "litert_quantizer",
            "source": "litert_torch",
            "calibration": calibration,
        }
        _write_json(out / VARIANT_CARD, card)
        self._progress.say(f"variant {scheme}: {len(flatbuffer):,} bytes")

    def _calibration_hashes(self) -> list[str]:
        corpus = load_corpus(self._store.artefact(self._plan.corpus))
        return hash_texts(corpus.splits["calibration"])


def _answers(flatbuffer: bytes, network: Network, rows: Encoded) -> NDArray[np.float32]:
    from models.flatbuffers.observing import Observer  # noqa: PLC0415 - imports a runtime

    return Observer(flatbuffer).answers(network.samples(rows))


def _file_of(tokens: int) -> str:
    return f"float32_{tokens}.tflite"


def _may_be_quantized(parity: Parity) -> bool:
    """Tell whether a file may be quantized: it must meet the limits of the parity gate."""
    return (
        sound("pytorch_labels", SCHEMES).keeps(parity.same_labels)
        and sound("pytorch_logits", SCHEMES).keeps(parity.logits)
        and sound("pytorch_divergence", SCHEMES).keeps(parity.divergence)
    )


def _write_rows(out: Path, forms: dict[str, tuple[Encoded, NDArray[np.float32]]]) -> None:
    arrays: dict[str, Any] = {}
    for form, (rows, logits) in forms.items():
        name = form.replace(" ", "_")
        arrays |= {f"{name}_{role}": getattr(rows, role) for role in ("ids", "mask", "segments")}
        arrays[f"{name}_logits"] = logits
    np.savez_compressed(out / PARITY_ROWS, **arrays)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
