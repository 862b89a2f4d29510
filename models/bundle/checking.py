"""Check the contents of an unpacked bundle once, before they are used.

A bundle's hashes show that it was not changed on the way, but not that its contents are valid.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from models.artefact import MANIFEST as ARTEFACT_MANIFEST
from models.artefact_names import FLATBUFFER, LOGITS, MODEL_CARD, REFUSED, VARIANT_CARD
from models.bundle.manifest import BUDGETS, KNOWN_FAILURES, RECORDED, golden_member
from models.bundle.members import Members
from models.bundle.recorded import recording_in
from models.candidates.artefacts import CandidateCard
from models.candidates.candidate import bind, open_candidate
from models.corpus.artefact import (
    ENCODED,
    LEFT_OUT,
    SUMMARY,
    TEXTS,
    TOKENIZER,
    load_corpus,
    load_encoded,
)
from models.corpus.texts import SPLITS
from models.errors import EdgeproofError
from models.files.toml_tables import Table
from models.flatbuffers.schemes import SCHEMES
from models.input_roles import IDS
from models.networks.architecture import Architecture
from models.store import Stage
from models.verdicts.budgets import load_budgets

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.artefact import Artefact
    from models.bundle.manifest import Manifest
    from models.candidates.spec import CandidateSpec
    from models.corpus.texts import Corpus
    from models.corpus.tokenize import Encoded

_JUDGED = ("validation", "calibration", "test")
# Splits with inputs for the board. Of the other splits it needs only the labels.
_ANSWERED = {"test", "calibration"}
# `_MOST` limits the number of texts, of word pieces and of units in a layer; `_MOST_LAYERS` limits
# the number of layers (BERT-large has 24).
_MOST, _MOST_LAYERS = 10_000_000, 10_000
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Share = Annotated[float, Meta(ge=0, le=1)]
_HASH = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
# Errors that occur when values have an unexpected type.
_NONSENSE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


class _ModelCard(msgspec.Struct):
    parameters: Annotated[int, Meta(ge=1, le=1 << 40)]
    architecture: dict[str, Any]
    history: list[dict[str, float]]
    head_left_out: str | None = None


class _Hashes(msgspec.Struct):
    """The keys of a candidate's card that need a stricter check than `CandidateCard` makes."""

    calibration: list[_HASH] | None = None
    length: Annotated[int, Meta(ge=1, le=_MOST)] | None = None


class _Split(msgspec.Struct):
    texts: Count
    unknown_share: Share | None = None
    out_of_vocabulary_share: Share | None = None


class _Summary(msgspec.Struct):
    labels: tuple[str, ...]
    vocabulary: Annotated[int, Meta(ge=1, le=_MOST)] | None
    splits: dict[str, _Split]


class _InnerManifest(Table, frozen=True, kw_only=True):
    stage: str
    recipe: dict[str, Any]
    members: dict[str, str]


@dataclass(frozen=True)
class _Candidate:
    """A checked candidate: its spec, its row length, and the number of rows of its embedding."""

    spec: CandidateSpec
    length: int
    rows: int | None


def check_contents(artefact: Artefact, manifest: Manifest, file: Path) -> None:
    """Check every member of an unpacked bundle, and that the members agree with each other.

    Args:
        artefact: the unpacked members.
        manifest: the bundle's manifest.
        file: path of the bundle, for messages.

    Raises:
        UsageMistake: the content of a member is not valid; the message names the member.
    """
    _Checker(artefact, manifest, file).check()


class _Checker(Members):
    """Checks that the content of each member of a bundle is valid and fits the others."""

    def __init__(self, artefact: Artefact, manifest: Manifest, file: Path) -> None:
        super().__init__(manifest, file)
        self._kept = artefact
        self._labels = self._facts.labels
        self._candidates: dict[str, _Candidate] = {}
        self._summaries: dict[str, _Summary] = {}
        self._tests: list[object] = []

    def check(self) -> None:
        held = self._held
        for folder in held.folders():
            self._sound(f"{folder}/{ARTEFACT_MANIFEST}", self._check_manifest)
        for name, folder in held.candidates.items():
            self._check_candidate(name, folder)
        for folder in held.all_texts:
            self._check_texts(folder)
        for folder in held.models:
            self._sound(f"{folder}/{MODEL_CARD}", self._check_model)
            self._sound(f"{folder}/{LOGITS}", self._check_logits)
        for backend, judged in self._manifest.backends.items():
            for name in judged.candidates:
                self._sound(golden_member(backend, name), self._check_golden)
        self._sound(BUDGETS, self._check_budgets)
        optional = {KNOWN_FAILURES: self._check_toml, RECORDED: self._check_recorded}
        for member, check in optional.items():
            if member in self._kept.members:
                self._sound(member, check)

    def _sound(self, member: str, check: Callable[[str], None]) -> None:
        """Check a member, and convert any error into one message that names the member."""
        try:
            check(member)
        except EdgeproofError as error:
            prefix = f"{error.key}: " if error.key else ""
            raise self._mistake(f"{prefix}{error.what}", member) from None
        except (*_NONSENSE, RecursionError, MemoryError) as error:
            message = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise self._mistake(f"does not have the required content ({message})", member) from None

    def _check_manifest(self, member: str) -> None:
        """Check that an artefact's manifest belongs to the artefact and lists exactly its files."""
        folder = member.removesuffix(f"/{ARTEFACT_MANIFEST}")
        name, key = folder.split("/")
        inner = msgspec.json.decode(self._kept.read(member), type=_InnerManifest)
        if (inner.stage, Stage.key_of(inner.recipe)) != (name, key):
            raise ValueError("its manifest belongs to another artefact")
        below = {
            path.removeprefix(f"{folder}/"): digest
            for path, digest in self._kept.members.items()
            if path.startswith(f"{folder}/") and path != member
        }
        if below != inner.members:
            raise ValueError("its manifest lists other files or hashes than the bundle")

    def _check_candidate(self, name: str, folder: str) -> None:
        """Check a candidate's card and its FlatBuffer against the manifest of the bundle."""
        cards: list[CandidateCard] = []

        def check_card(member: str) -> None:
            data = self._kept.read(member)
            msgspec.json.decode(data, type=_Hashes)
            card = msgspec.json.decode(data, type=CandidateCard)
            promised = self._facts.schemes.get(name)
            if card.scheme != promised:
                raise ValueError(f"it is a card of {str(card.scheme)[:40]!r}, not of {promised!r}")
            if card.refused is not None:
                raise ValueError(f"{REFUSED} says that the converter could not make this candidate")
            cards.append(card)

        self._sound(f"{folder}/{VARIANT_CARD}", check_card)
        file = f"{folder}/{FLATBUFFER}"
        self._sound(file, lambda member: self._check_file(name, member, cards[0]))

    def _check_file(self, name: str, member: str, card: CandidateCard) -> None:
        opened = open_candidate(self._kept.path(member))
        spec = bind(opened, replace(card.declared, labels=self._labels))
        roles = tuple(port.role for port in spec.inputs)
        if self._facts.roles.get(name, roles) != roles:
            raise ValueError(f"its inputs are {', '.join(roles)}, but the bundle says otherwise")
        if self._facts.lengths.get(name, ()) != (spec.lengths if spec.shorter else ()):
            raise ValueError(
                f"it accepts rows of {spec.lengths} tokens, but the bundle says otherwise"
            )
        if self._facts.bindings.get(name, spec.binding) != spec.binding:
            raise ValueError(
                f"its inputs and output are {spec.binding}, but the bundle says otherwise"
            )
        ids = next(port for port in spec.inputs if port.role == IDS)
        if card.rows not in {None, ids.rows}:
            raise ValueError(
                f"its card says that its embedding has {card.rows} rows, but it has {ids.rows}"
            )
        if None not in {card.length, spec.length} and card.length != spec.length:
            raise ValueError(
                f"its card says that a row has {card.length} tokens, but it accepts {spec.length}"
            )
        length = card.length or spec.length
        if length is None:
            raise ValueError("neither the file nor its card says how many tokens a row has")
        self._candidates[name] = _Candidate(spec, length, card.rows)

    def _check_texts(self, folder: str) -> None:
        corpus: list[Corpus] = []
        self._sound(f"{folder}/{SUMMARY}", lambda member: self._check_summary(folder, member))
        self._sound(f"{folder}/{LEFT_OUT}", self._check_empty)
        self._sound(f"{folder}/{TEXTS}", lambda _: corpus.append(self._texts(folder)))
        self._sound(f"{folder}/{ENCODED}", lambda _: self._check_encoded(folder, corpus[0]))
        tokenizer = f"{folder}/{TOKENIZER}"
        if tokenizer in self._kept.members:
            self._sound(tokenizer, lambda member: self._check_tokenizer(folder, member))

    def _below(self, folder: str) -> Artefact:
        below = f"{folder}/"
        members = {
            name.removeprefix(below): digest
            for name, digest in self._kept.members.items()
            if name.startswith(below)
        }
        kept = self._kept
        return type(kept)(kept.folder / folder, members, {}, kept.kept_as, {})

    def _check_summary(self, folder: str, member: str) -> None:
        summary = msgspec.json.decode(self._kept.read(member), type=_Summary)
        if summary.labels != self._labels:
            raise ValueError("its labels are not the subject's")
        needed = _JUDGED if self._facts.taught else ("test",)
        if not {*needed} <= {*summary.splits} <= {*SPLITS}:
            raise ValueError("it lacks a split, or has an unknown one")
        self._summaries[folder] = summary

    def _texts(self, folder: str) -> Corpus:
        corpus, counted = load_corpus(self._below(folder)), self._summaries[folder].splits
        for split, texts in corpus.splits.items():
            for row in texts:
                _check_text(row, len(self._labels))
            if len(texts) != (counted[split].texts if split in counted else 0):
                raise ValueError(
                    f"its {split} split has another number of texts than {SUMMARY} says"
                )
        if not corpus.splits["test"]:
            raise ValueError("it has no test text")
        self._tests.append(corpus.splits["test"])
        if self._tests[-1] != self._tests[0]:
            raise ValueError("its test texts are not those of the other candidates")
        return corpus

    def _check_empty(self, member: str) -> None:
        if self._kept.read(member):
            raise ValueError("it lists texts that were left out, but must list none in a bundle")

    def _check_encoded(self, folder: str, corpus: Corpus) -> None:
        encoded_splits = load_encoded(self._below(folder))
        missing = [
            split for split, texts in corpus.splits.items() if texts and split not in encoded_splits
        ]
        if missing:
            raise ValueError(f"the arrays of its {missing[0]} split are missing")
        for split, encoded in encoded_splits.items():
            labels = [row.label for row in corpus.splits[split]]
            self._check_inputs(folder, split, encoded, len(labels))
            if encoded.labels.dtype != np.int32 or encoded.labels.tolist() != labels:
                raise ValueError(f"the labels of its {split} split are not those of {TEXTS}")

    def _check_inputs(self, folder: str, split: str, encoded: Encoded, texts: int) -> None:
        """Check the inputs of a split; they may be empty if no board classifies the split."""
        ids, mask, segments = encoded.ids, encoded.mask, encoded.segments
        names = [name for name in self._candidates if self._held.texts_of(name) == folder]
        for length in dict.fromkeys(self._candidates[name].length for name in names):
            shape = len(ids), length
            if any(
                array.shape != shape or array.dtype != np.int32 for array in (ids, mask, segments)
            ):
                raise ValueError(f"the inputs of its {split} split are not int32 of {list(shape)}")
        if len(ids) not in ({texts} if split in _ANSWERED else {0, texts}):
            raise ValueError(f"the inputs of its {split} split are not of {texts} texts")
        tables = [self._candidates[name].rows for name in names]
        sizes = [rows for rows in (self._summaries[folder].vocabulary, *tables) if rows]
        if ids.size and not 0 <= ids.min() <= ids.max() < min(sizes, default=1 << 31):
            raise ValueError(f"its {split} split has ids outside of the vocabulary")
        if not (np.isin(mask, (0, 1)).all() and np.isin(segments, (0, 1)).all()):
            raise ValueError(f"its {split} split has masks or segments that are neither 0 nor 1")

    def _check_tokenizer(self, folder: str, member: str) -> None:
        # Imported here because only the unpacking of a bundle needs it.
        from models.tokenizers.library_json import read_library  # noqa: PLC0415

        tokenizer = read_library(self._kept.text(member), Path(member))
        # For a user's file, the summary contains the largest id plus one, which may differ from the
        # number of the tokenizer's pieces.
        size, expected = tokenizer.get_vocab_size(), self._summaries[folder].vocabulary
        if self._facts.taught and size != expected:
            raise ValueError(f"its vocabulary has another size than {SUMMARY} says")

    def _check_model(self, member: str) -> None:
        card = msgspec.json.decode(self._kept.read(member), type=_ModelCard)
        shape = msgspec.convert(card.architecture, Architecture)
        for name, value in asdict(shape).items():
            if isinstance(value, int) and not 0 <= value <= _MOST:
                raise ValueError(f"architecture.{name} is {value}")
        if shape.layers * shape.feedforward_networks > _MOST_LAYERS:
            raise ValueError(f"its architecture has more than {_MOST_LAYERS:,} layers")

    def _check_logits(self, member: str) -> None:
        arrays = self._kept.arrays(member)
        for split in _JUDGED:
            texts = self._summaries[self._held.texts].splits[split].texts
            _check_array(arrays[split], (texts, len(self._labels)))

    def _check_golden(self, member: str) -> None:
        name = member.rsplit("/", 1)[-1].removesuffix(".npy")
        output = self._candidates[name].spec.output
        # A single sigmoid gives one number for two labels.
        values = len(self._labels) if output.threshold is None else 1
        _check_array(self._kept.array(member), (self._texts_answered, values))

    @property
    def _texts_answered(self) -> int:
        return self._summaries[self._held.texts].splits["test"].texts

    def _check_recorded(self, member: str) -> None:
        recording_in(
            self._kept.arrays(member), texts=self._texts_answered, classes=len(self._labels)
        )
        if self._facts.reference is not None:
            raise ValueError(
                "the subject's candidates are compared with one of them, not with a recording"
            )

    def _check_toml(self, member: str) -> None:
        tomllib.loads(self._kept.text(member))

    def _check_budgets(self, member: str) -> None:
        facts = self._facts
        budgets = load_budgets(
            str(self._kept.path(member)),
            schemes=tuple(dict.fromkeys((*facts.all_candidates, *SCHEMES))),
            classes=len(self._labels),
        )
        if not budgets.limits:
            raise ValueError("it holds no limit")


def _check_array(logits: Any, shape: tuple[int, int]) -> None:
    if logits.shape != shape or logits.dtype != np.float32:
        actual = f"{logits.dtype} of {list(logits.shape)}"
        raise ValueError(f"its logits are {actual}, not float32 of {list(shape)}")
    if not np.isfinite(logits).all():
        raise ValueError("its logits hold NaN or infinity")


def _check_text(row: Any, labels: int) -> None:
    texts = (row.text_id, row.group_id, row.text, row.group_name, row.second)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text's row holds values other than strings")
    if type(row.label) is not int or not 0 <= row.label < labels:
        raise ValueError("a text has a label that the subject does not have")
