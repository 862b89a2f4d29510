"""What an unpacked bundle must hold to be judged: checked once, before any of it is used.

Its hashes say that nothing was changed on the way. They do not say that who wrote it wrote sense.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from models.artefact import MANIFEST as ARTEFACT_MANIFEST
from models.bundle.manifest import BUDGETS, MANIFEST, golden_member
from models.corpus.artefact import (
    ENCODED,
    LEFT_OUT,
    SUMMARY,
    TOKENIZER,
    TWEETS,
    load_corpus,
    load_encoded,
)
from models.corpus.tweets import SPLITS
from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.reading import read_contents
from models.flatbuffers.schemes import REFERENCE, SCHEMES
from models.members import FLATBUFFER, LOGITS, MODEL_CARD, REFUSED, VARIANT_CARD
from models.networks.architecture import Architecture
from models.plan import CORPUS, MODEL, VARIANT
from models.runtime.available import EDGE_RUNTIMES
from models.store import Stage
from models.subjects import Subject
from models.tables import Table
from models.verdicts.budgets import load_budgets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from models.artefact import Artefact
    from models.bundle.manifest import Manifest
    from models.corpus.tokenize import Encoded
    from models.corpus.tweets import Corpus

_REMEDY = "Export it again with --edge-export-bundle, from a run that was judged"
_JUDGED = ("validation", "calibration", "test")
# Everything but FlatBuffers and the corpus is small.
_LARGEST_CARD = 16 << 20
_LARGEST_CORPUS = 256 << 20
_LARGE = {FLATBUFFER: None, **dict.fromkeys((TWEETS, ENCODED, TOKENIZER, LOGITS), _LARGEST_CORPUS)}
# Tweets, word pieces, widths; and layers, of which BERT-large has 24.
_MOST, _MOST_LAYERS = 10_000_000, 10_000
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Share = Annotated[float, Meta(ge=0, le=1)]
# What reading values of any type, where others were expected, can raise.
_NONSENSE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


class _ModelCard(msgspec.Struct):
    parameters: Annotated[int, Meta(ge=1, le=1 << 40)]
    architecture: dict[str, Any]
    history: list[dict[str, float]]


class _VariantCard(msgspec.Struct):
    scheme: str
    calibration: list[Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]]
    refused: str | None = None


class _Split(msgspec.Struct):
    tweets: Count
    unknown_share: Share | None = None
    out_of_vocabulary_share: Share | None = None


class _Summary(msgspec.Struct):
    labels: tuple[str, ...]
    vocabulary: Annotated[int, Meta(ge=1, le=_MOST)]
    splits: dict[Literal["train", "validation", "calibration", "test"], _Split]


class _InnerManifest(Table, frozen=True, kw_only=True):
    stage: str
    recipe: dict[str, Any]
    members: dict[str, str]


def check_manifest(manifest: Manifest, file: Path) -> None:
    """Check that a bundle says that it holds what is needed, and nothing else: nothing is unpacked.

    Args:
        manifest: what the bundle says of itself.
        file: the bundle, for messages.

    Raises:
        UsageMistake: a member is missing, foreign or too large; names it.
    """
    _Members(manifest, file).check()


def check_contents(kept: Artefact, manifest: Manifest, file: Path) -> None:
    """Check every member of an unpacked bundle, and that they fit together.

    Args:
        kept: the members, unpacked.
        manifest: what the bundle says of itself.
        file: the bundle, for messages.

    Raises:
        UsageMistake: one is not what it has to be; names it.
    """
    _Checker(kept, manifest, file).check()


class _Members:
    """Checks which members there are."""

    def __init__(self, manifest: Manifest, file: Path) -> None:
        self._manifest, self._file = manifest, file

    def check(self) -> None:
        self._check_judged()
        self._check_belonging()

    def _mistake(self, what: str, member: str) -> UsageMistake:
        return UsageMistake(what, file=self._file, key=member, remedy=_REMEDY)

    def _check_judged(self) -> None:
        """Check that what was judged is there, and known here."""
        stages, runtimes = self._manifest.stages, self._manifest.runtimes
        unknown = [name for name in stages.variants if name not in SCHEMES]
        strange = [name for name in runtimes if name not in EDGE_RUNTIMES]
        missing = [
            scheme
            for judged in runtimes.values()
            for scheme in judged.schemes
            if scheme not in stages.variants
        ]
        problems = {
            f"no scheme is called {unknown[:1]}": unknown,
            f"no runtime is called {strange[:1]}": strange,
            f"{missing[:1]} was judged right and is not held": missing,
            f"it holds no {REFERENCE}, which the others are compared with": REFERENCE
            not in stages.variants,
            "nothing was judged on its main runtime": self._manifest.main_runtime not in runtimes,
            "its stages share a key": len({*stages.variants.values()}) != len(stages.variants),
        }
        for what, found in problems.items():
            if found:
                raise self._mistake(what, MANIFEST)

    def _check_belonging(self) -> None:
        """Check that every member that is needed is held, that no other is, and their sizes."""
        needed = set(self._needed())
        for name in sorted(needed - self._manifest.members.keys()):
            raise self._mistake("is missing", name)
        for name, member in self._manifest.members.items():
            if name not in needed:
                raise self._mistake("belongs to nothing that it says it holds", name)
            most = _LARGE.get(name.rsplit("/", 1)[-1], _LARGEST_CARD)
            if most is not None and member.bytes > most:
                what = f"holds {member.bytes:,} bytes, at most {most:,} are read"
                raise self._mistake(what, name)

    def _folders(self) -> list[str]:
        stages = self._manifest.stages
        models = {f"{MODEL}/{key}": None for key in (stages.full, stages.small)}
        variants = [f"{VARIANT}/{key}" for key in stages.variants.values()]
        return [f"{CORPUS}/{stages.corpus}", *models, *variants]

    def _needed(self) -> Iterator[str]:
        yield BUDGETS
        for runtime, judged in self._manifest.runtimes.items():
            yield from (golden_member(runtime, scheme) for scheme in judged.schemes)
        names = {
            CORPUS: (TWEETS, LEFT_OUT, TOKENIZER, ENCODED, SUMMARY),
            MODEL: (MODEL_CARD, LOGITS),
            VARIANT: (VARIANT_CARD, FLATBUFFER),
        }
        for folder in self._folders():
            yield from (f"{folder}/{name}" for name in names[folder.split("/")[0]])
            yield f"{folder}/{ARTEFACT_MANIFEST}"


class _Checker(_Members):
    """Checks what is in the members."""

    def __init__(self, kept: Artefact, manifest: Manifest, file: Path) -> None:
        super().__init__(manifest, file)
        self._kept = kept
        self._subject = msgspec.convert(manifest.subject, Subject)
        self._labels = self._subject.corpus.labels

    def check(self) -> None:
        for folder in self._folders():
            self._sound(f"{folder}/{ARTEFACT_MANIFEST}", self._check_manifest)
        self._check_corpus(f"{CORPUS}/{self._manifest.stages.corpus}")
        for key in {self._manifest.stages.full, self._manifest.stages.small}:
            self._sound(f"{MODEL}/{key}/{MODEL_CARD}", self._check_model)
            self._sound(f"{MODEL}/{key}/{LOGITS}", self._check_logits)
        for scheme, key in self._manifest.stages.variants.items():
            self._check_variant(scheme, f"{VARIANT}/{key}")
        for runtime, judged in self._manifest.runtimes.items():
            for scheme in judged.schemes:
                self._sound(golden_member(runtime, scheme), self._check_golden)
        self._sound(BUDGETS, self._check_budgets)

    def _sound(self, member: str, check: Callable[[str], None]) -> None:
        """Check a member, and turn whatever is wrong with it into one message that names it."""
        try:
            check(member)
        except EdgeproofError as error:
            where = f"{error.key}: " if error.key else ""
            raise self._mistake(f"{where}{error.what}", member) from None
        except (*_NONSENSE, RecursionError, MemoryError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise self._mistake(f"holds something else than it has to ({said})", member) from None

    def _check_manifest(self, member: str) -> None:
        """Check that an artefact is the one it is called, and holds what its manifest lists."""
        folder = member.removesuffix(f"/{ARTEFACT_MANIFEST}")
        name, key = folder.split("/")
        held = msgspec.json.decode(self._kept.read(member), type=_InnerManifest)
        if (held.stage, Stage.key_of(held.recipe)) != (name, key):
            raise ValueError("it is another artefact's")
        below = {
            one.removeprefix(f"{folder}/"): digest
            for one, digest in self._kept.members.items()
            if one.startswith(f"{folder}/") and one != member
        }
        if below != held.members:
            raise ValueError("it lists other files, or other hashes")

    def _check_corpus(self, folder: str) -> None:
        self._sound(f"{folder}/{SUMMARY}", self._check_summary)
        corpus: list[Corpus] = []
        self._sound(f"{folder}/{LEFT_OUT}", self._check_empty)
        self._sound(f"{folder}/{TWEETS}", lambda _: corpus.append(self._tweets(folder)))
        self._sound(f"{folder}/{ENCODED}", lambda _: self._check_encoded(folder, corpus[0]))
        self._sound(f"{folder}/{TOKENIZER}", self._check_tokenizer)

    def _below(self, folder: str) -> Artefact:
        below = f"{folder}/"
        members = {
            name.removeprefix(below): digest
            for name, digest in self._kept.members.items()
            if name.startswith(below)
        }
        kept = self._kept
        return type(kept)(kept.folder / folder, members, {}, kept.kept_as, {})

    def _check_summary(self, member: str) -> None:
        summary = msgspec.json.decode(self._kept.read(member), type=_Summary)
        if summary.labels != self._labels:
            raise ValueError("its labels are not the subject's")
        if set(summary.splits) != set(SPLITS):
            raise ValueError("it lacks a split")
        self._summary = summary

    def _tweets(self, folder: str) -> Corpus:
        corpus = load_corpus(self._below(folder))
        for split, tweets in corpus.splits.items():
            for tweet in tweets:
                _check_tweet(tweet, len(self._labels))
            if len(tweets) != self._summary.splits[split].tweets:  # type: ignore[index] # as checked
                raise ValueError(f"its {split} split has not as many tweets as {SUMMARY} says")
        if not corpus.splits["test"]:
            raise ValueError("it has no test tweet")
        return corpus

    def _check_empty(self, member: str) -> None:
        if self._kept.read(member):
            raise ValueError("a board is told no tweet that was left out")

    def _check_encoded(self, folder: str, corpus: Corpus) -> None:
        held = load_encoded(self._below(folder))
        missing = [split for split, tweets in corpus.splits.items() if tweets and split not in held]
        if missing:
            raise ValueError(f"the arrays of its {missing[0]} split are missing")
        for split, encoded in held.items():
            labels = [tweet.label for tweet in corpus.splits[split]]
            self._check_inputs(split, encoded, len(labels))
            if encoded.labels.dtype != np.int32 or encoded.labels.tolist() != labels:
                raise ValueError(f"the labels of its {split} split are not those of {TWEETS}")

    def _check_inputs(self, split: str, encoded: Encoded, tweets: int) -> None:
        """Check what the network is given: a board answers two splits, the others are empty."""
        ids, mask, segments = encoded.ids, encoded.mask, encoded.segments
        shape = (len(ids), self._subject.tokenizer.max_tokens)
        if any(one.shape != shape or one.dtype != np.int32 for one in (ids, mask, segments)):
            raise ValueError(f"the inputs of its {split} split are no int32 of {list(shape)}")
        if len(ids) not in ({tweets} if split in {"test", "calibration"} else {0, tweets}):
            raise ValueError(f"the inputs of its {split} split are not of {tweets} tweets")
        if ids.size and not 0 <= ids.min() <= ids.max() < self._summary.vocabulary:
            raise ValueError(f"its {split} split has ids that are in no vocabulary")
        if not (np.isin(mask, (0, 1)).all() and np.isin(segments, (0, 1)).all()):
            raise ValueError(f"its {split} split has masks that are neither 0 nor 1")

    def _check_tokenizer(self, member: str) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - only where a bundle is unpacked

        try:
            tokenizer = Tokenizer.from_str(self._kept.text(member))
        except Exception as error:  # noqa: BLE001 - it raises nothing more narrow
            raise ValueError(str(error)) from None
        if tokenizer.get_vocab_size() != self._summary.vocabulary:
            raise ValueError(f"its vocabulary has not the size that {SUMMARY} says")

    def _check_model(self, member: str) -> None:
        card = msgspec.json.decode(self._kept.read(member), type=_ModelCard)
        shape = msgspec.convert(card.architecture, Architecture)
        for name, value in asdict(shape).items():
            if isinstance(value, int) and not 0 <= value <= _MOST:
                raise ValueError(f"architecture.{name} is {value}")
        if shape.layers * shape.feedforward_networks > _MOST_LAYERS:
            raise ValueError("its architecture has more layers than are counted")

    def _check_logits(self, member: str) -> None:
        arrays = self._kept.arrays(member)
        for split in _JUDGED:
            tweets = self._summary.splits[split].tweets  # type: ignore[index] # as checked
            self._check_array(arrays[split], tweets)

    def _check_golden(self, member: str) -> None:
        self._check_array(self._kept.array(member), self._summary.splits["test"].tweets)

    def _check_array(self, logits: Any, tweets: int) -> None:
        shape = (tweets, len(self._labels))
        if logits.shape != shape or logits.dtype != np.float32:
            found = f"{logits.dtype} of {list(logits.shape)}"
            raise ValueError(f"its logits are {found}, not float32 of {list(shape)}")
        if not np.isfinite(logits).all():
            raise ValueError("its logits hold NaN or infinity")

    def _check_variant(self, scheme: str, folder: str) -> None:
        def check_card(member: str) -> None:
            card = msgspec.json.decode(self._kept.read(member), type=_VariantCard)
            if card.scheme != scheme:
                raise ValueError(f"it is a card of {card.scheme[:40]!r}")
            if card.refused is not None:
                raise ValueError(f"{REFUSED}: its converter could not make it")

        self._sound(f"{folder}/{VARIANT_CARD}", check_card)
        self._sound(f"{folder}/{FLATBUFFER}", lambda member: _parse(self._kept, member))

    def _check_budgets(self, member: str) -> None:
        budgets = load_budgets(
            str(self._kept.path(member)), schemes=SCHEMES, classes=len(self._labels)
        )
        if not budgets.limits:
            raise ValueError("it limits nothing")


def _parse(kept: Artefact, member: str) -> None:
    read_contents(kept.folder / member, kept.read(member))


def _check_tweet(tweet: Any, labels: int) -> None:
    texts = (tweet.tweet_id, tweet.entity_id, tweet.text, tweet.entity_name)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a tweet has something else than texts")
    if type(tweet.label) is not int or not 0 <= tweet.label < labels:
        raise ValueError("a tweet has a label that the subject does not have")
