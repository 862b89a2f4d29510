"""Read a subject: a TOML file that names corpus, models, schemes and training.

The structures below are the file's grammar: what is not here is refused by name, and so is what can
be told from the file alone to fail later. Every number has an upper bound, far above what anybody
has a use for, so that a slip of the pen ends in a message and not in hours of work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field
from msgspec.structs import replace

from models.errors import UsageMistake
from models.files.paths import (
    NAMES,
    TOML,
    absolute,
    common_form,
    find_lookalikes,
    id_or_folder,
    is_name,
    name_or_file,
)
from models.files.toml_tables import Table, read_table
from models.row_lengths import Lengths, check_lengths
from models.subjects.limits import too_large

FOLDER = Path(__file__).parent
ENGLISH = ("EN",)
MOBILEBERT_KEYS = (
    "embedding",
    "bottleneck",
    "feedforward_networks",
    "trigram_embedding",
    "attention_input",
)

# Fewest tokens of a row: a shorter row has no room for text beside the special tokens.
SHORTEST = 8
# Length of a row in tokens, if neither the subject nor a classifier's own tokenizer gives one.
DEFAULT_TOKENS = 64
# Limit for the texts of a split and the units of a network: ten times the largest published
# encoders.
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
# Splits for judging or for choosing a model need at least two labels, so at least two texts.
Several = Annotated[int, Meta(ge=2, le=10_000_000)]
Layers = Annotated[int, Meta(ge=1, le=256)]
Width = Annotated[int, Meta(ge=1, le=65_536)]
Heads = Annotated[int, Meta(ge=1, le=1_024)]
Epochs = Annotated[int, Meta(ge=1, le=10_000)]
Batch = Annotated[int, Meta(ge=1, le=65_536)]
Pieces = Annotated[int, Meta(ge=100, le=1_000_000)]
Seed = Annotated[int, Meta(ge=0, lt=2**31)]
Share = Annotated[float, Meta(ge=0.0, lt=1.0)]
Rate = Annotated[float, Meta(gt=0.0, le=1.0)]


class Columns(Table, frozen=True, kw_only=True):
    """The meaning of the columns of a user's file."""

    text: str
    polarity: str
    entity: str | None = None
    id: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        columns = [name for name in msgspec.structs.astuple(self) if name is not None]
        for name in columns:
            if not name.strip() or columns.count(name) > 1:
                problem = "has two uses" if name.strip() else "is not a column"
                raise ValueError(f"{name!r} {problem}")


class Counts(Table, frozen=True, kw_only=True):
    """Texts per split. A missing `train` takes all that the other splits leave.

    A missing `test` takes the whole official test split, which only the source `replab` has.
    """

    train: Several | None = None
    validation: Several
    calibration: Count
    test: Several | None = None


class CorpusTable(Table, frozen=True, kw_only=True):
    """`[corpus]`: where labelled texts come from and how they are split.

    `labels` is ordered from the worst to the best, where they are ordered. `polarities` maps the
    values of the label's column, `columns.polarity`, to labels; a value mapped to "" is left out on
    purpose and counted; none at all means that the column holds the labels. `fallback_encoding`
    decodes the lines that `encoding` cannot. `header` names the columns of a file without header
    line. `languages` are those to take of the source `replab`; none at all takes every one, known
    or not.
    """

    source: Literal["generated", "files", "replab"]
    labels: Annotated[tuple[str, ...], Meta(min_length=2, max_length=1000)]
    counts: Counts
    seed: Seed
    columns: Columns | None = None
    polarities: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    header: tuple[str, ...] | None = None
    languages: tuple[str, ...] = ENGLISH

    def __post_init__(self) -> None:
        self._check_labels()
        self._check_columns()
        for key in ("encoding", "fallback_encoding"):
            check_encoding(key, getattr(self, key))
        if self.source == "replab":
            return
        if self.counts.test is None:
            raise ValueError("Object missing required field `counts.test`")
        if self.languages != ENGLISH:
            raise ValueError("`languages` applies only to the source `replab`")

    def _check_labels(self) -> None:
        for label in self.labels:
            if label != label.strip() or not label:
                raise ValueError(f"`labels`: {label!r} is empty, or begins or ends with a space")
        lookalikes = find_lookalikes(self.labels)
        if lookalikes is not None:
            raise ValueError(f"`labels`: {lookalikes[0]!r} and {lookalikes[1]!r} look the same")
        if not self.polarities or self.source == "replab":
            return
        labels_mapped = set(self.polarities.values()) - {""}
        for value, label in self.polarities.items():
            if label and label not in self.labels:
                raise ValueError(
                    f"`polarities.{value}`: {label!r} is not one of the labels, "
                    f"{', '.join(self.labels)}; an empty text skips texts with this "
                    "value"
                )
        for label in self.labels:
            if label not in labels_mapped:
                raise ValueError(f"`polarities`: no value is mapped to the label {label!r}")

    def _check_columns(self) -> None:
        if self.columns is None or self.header is None:
            return
        for key, name in msgspec.structs.asdict(self.columns).items():
            if name is not None and self.header.count(name) != 1:
                raise ValueError(
                    f"`columns.{key}`: {name!r} is {self.header.count(name)} times in `header`"
                )


class TokenizerTable(Table, frozen=True, kw_only=True):
    """`[tokenizer]`: WordPiece, trained on the train split or taken from the checkpoint.

    A text longer than `max_tokens` is cut. `lengths`, the last of which is `max_tokens`, are those
    of the rows that a converted file takes, each behind a signature of its own over the same
    weights: a text is answered by the shortest that it fits, and so with little padding.
    """

    source: Literal["trained", "pretrained"]
    vocabulary: Pieces | None = None
    # By default, the length of a fine-tuned classifier's own tokenizer, if it is one.
    max_tokens: Annotated[int, Meta(ge=SHORTEST, le=512)] | None = None
    lengths: Lengths = ()
    # By default, the setting of a checkpoint's own tokenizer; True for a trained tokenizer.
    lowercase: bool | None = None
    # By default, texts are paired with their group, except for a classifier that is fine-tuned
    # already.
    pair_with_entity: bool | None = None
    cleaning: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Tokens of a row, padding included."""
        return self.max_tokens or DEFAULT_TOKENS

    def __post_init__(self) -> None:
        if self.source == "pretrained" and self.vocabulary is not None:
            raise ValueError("`vocabulary` comes from the checkpoint: remove the key")
        check_lengths(self.lengths)
        if self.lengths and self.lengths[-1] != self.length:
            raise ValueError(
                f"`lengths` ends with {self.lengths[-1]}, but `max_tokens` is "
                f"{self.length}: both must be equal"
            )
        if self.lengths and self.lengths[0] < SHORTEST:
            raise ValueError(
                f"`lengths`: {self.lengths[0]} is less than the shortest possible row, "
                f"{SHORTEST} tokens"
            )

    @property
    def row_lengths(self) -> tuple[int, ...]:
        """Tokens of the rows that converted files take, ascending."""
        return self.lengths or (self.length,)


class NetworkTable(Table, frozen=True, kw_only=True):
    """`[full.network]`, `[small.network]`: an encoder's shape. The last five are MobileBERT's.

    `attention_input` is "shared" where it is left out and there is a bottleneck, else "hidden".
    """

    family: Literal["bert", "mobilebert"]
    layers: Layers
    hidden: Width
    heads: Heads
    intermediate: Width
    activation: Literal["gelu", "relu", "relu6"]
    normalization: Literal["layer_norm", "no_norm"]
    dropout: Share = 0.0
    mask_value: Annotated[float, Meta(lt=0.0, ge=-1e9)] | None = None
    embedding: Width | None = None
    bottleneck: Width | None = None
    feedforward_networks: Annotated[int, Meta(ge=1, le=64)] | None = None
    trigram_embedding: bool | None = None
    attention_input: Literal["shared", "bottleneck", "hidden"] | None = None

    def __post_init__(self) -> None:
        if self.family == "bert":
            for key in MOBILEBERT_KEYS:
                if getattr(self, key) is not None:
                    raise ValueError(
                        f'`{key}` is a key of family = "mobilebert" and would be ignored'
                    )
        width = "hidden" if self.bottleneck is None else "bottleneck"
        if getattr(self, width) % self.heads:
            raise ValueError(
                f"`heads` is {self.heads}, which does not divide `{width}`, {getattr(self, width)}"
            )
        if self.bottleneck is None and self.attention_input not in {None, "hidden"}:
            raise ValueError(f'`attention_input` = "{self.attention_input}" needs a `bottleneck`')


class TrainingTable(Table, frozen=True, kw_only=True):
    """`[full.training]`, `[small.training]`: AdamW, linear warm-up and decay, gradient clipping.

    `accumulation` computes a batch in that many parts, for models whose batch does not fit in
    memory; `precision` says in which type. Neither is meant to change what is learned.
    `averaging` is the momentum of a moving average of the weights over the updates (Polyak and
    Juditsky 1992), which replaces the weights after each epoch; 0 averages nothing. With `patience`
    the weights of the epoch with the smallest loss on the validation split are kept, and the
    training ends after that many epochs without a smaller one; 0 takes the last epoch's weights.
    """

    epochs: Epochs
    batch: Batch
    learning_rate: Rate
    warmup: Share = 0.1
    weight_decay: Share = 0.01
    clip_norm: Annotated[float, Meta(gt=0.0, le=1e6)] = 1.0
    seed: Seed = 0
    accumulation: Batch = 1
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    averaging: Share = 0.0
    patience: Annotated[int, Meta(ge=0, le=10_000)] = 0

    def __post_init__(self) -> None:
        if self.accumulation > self.batch:
            raise ValueError("`accumulation` cannot be more than `batch`")


class DistillationTable(Table, frozen=True, kw_only=True):
    """`[small.distillation]`: learn from the full model's answers, too (Hinton et al. 2015).

    `weight` is that of the soft targets in the sum of both losses, the labels' is 1 - `weight`.
    """

    temperature: Annotated[float, Meta(ge=1.0, le=1e3)]
    weight: Annotated[float, Meta(gt=0.0, le=1.0)]


class LessonTable(DistillationTable, frozen=True, kw_only=True):
    """`[shrunk.distillation]`: as above, and from altered copies of the train texts.

    `copies` says how many of each text. They have no labels: what is learned from them is the full
    model's answers.
    """

    copies: Annotated[int, Meta(ge=0, le=100)] = 0


class ModelTable(Table, frozen=True, kw_only=True):
    """`[full]` or `[small]`: a network trained from scratch, or a published checkpoint's.

    `pretrained` and `checkpoint` are a checkpoint's folder or hub id, or true where the user is to
    give it. `pretrained` is an encoder, fine-tuned by `training` with the network of this project
    where there is one of its family, else with PyTorch. `checkpoint` is always PyTorch's: with
    `trained = true` a classifier as it is, else it is fine-tuned by `training`. `labels` maps the
    names in a classifier's `id2label` to those of `[corpus]`.
    """

    training: TrainingTable | None = None
    network: NetworkTable | None = None
    pretrained: bool | Annotated[str, Meta(min_length=1)] = False
    checkpoint: bool | Annotated[str, Meta(min_length=1)] = False
    trained: bool = False
    labels: Annotated[dict[str, str], Meta(max_length=1000)] = field(default_factory=dict)
    distillation: DistillationTable | None = None

    def __post_init__(self) -> None:
        starts = (self.network is not None, bool(self.pretrained), bool(self.checkpoint))
        if sum(starts) != 1:
            raise ValueError("needs one of `network`, `pretrained` and `checkpoint`")
        if self.trained and not self.checkpoint:
            raise ValueError(
                "`trained` applies only to a `checkpoint`, which is a fine-tuned classifier"
            )
        if self.trained and self.training is not None:
            raise ValueError("`trained = true` uses the checkpoint unchanged: remove `training`")
        if not self.trained and self.training is None:
            raise ValueError(
                "Object missing required field `training`"
                + ("; or say `trained = true`" if self.checkpoint else "")
            )
        if self.labels and not self.trained:
            raise ValueError(
                "`labels` applies only to `trained = true`: a new head gets the corpus's labels"
            )

    @property
    def start(self) -> bool | str:
        """The checkpoint to start from: folder, hub id, or true for the user's."""
        return self.pretrained or self.checkpoint

    def require_training(self) -> TrainingTable:
        """Return the training table, which must be present.

        Raises:
            ValueError: it is taken as it is.
        """
        if self.training is None:
            raise ValueError("`training` is missing")
        return self.training

    @property
    def seed(self) -> int:
        """Seed of its training; 0 if it is not trained here."""
        return 0 if self.training is None else self.training.seed


# Keys of `[shrunk]` that are determined automatically if it gives the allowed bytes of a file.
_FOUND = (
    "pieces",
    "layers",
    "heads",
    "intermediate",
    "embedding",
    "activation",
    "pooler",
    "training",
    "distillation",
    "rounding",
)
# Default number of altered copies per train text, if the training is determined automatically.
_COPIES = 6


class ShrunkTable(Table, frozen=True, kw_only=True):
    """`[shrunk]`: a small model made from the full one instead of trained from scratch.

    Either `bytes` says how large its file may be, and the rest is found; or what is not named stays
    whole. It learns from the full model's answers where it has
    `training` and `distillation`; cut only in its word pieces it may need neither.

    Attributes:
        bytes: how large the file may be under a scheme of four bits, such as "1340567 bytes".
        speed: how many texts it answers while the paper's recipe answers one, such as
            "10 x paper"; with `bytes` alone.
        pieces: of the vocabulary that stay, those that the train split uses most. Words of other
            pieces are spelled in smaller ones.
        layers: of the full model, from 0 on, those that stay.
        heads: of each layer's attention that stay, those that are busiest.
        intermediate: units of each feed-forward network that stay, those that are busiest.
        embedding: width of the word vectors, which a matrix then widens again.
        activation: of the feed-forward networks, where it is another than the full model's. "relu"
            is no operator of its own in a FlatBuffer: dense layers end with it.
        pooler: whether the dense layer before the classifier stays.
        rounding: the integers whose grid the weights end on, rounded for the layers' inputs.
    """

    bytes: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,11} bytes$")] | None = None
    speed: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,5}(\.[0-9]{1,3})? x paper$")] | None = None
    pieces: Annotated[int, Meta(ge=200, le=1_000_000)] | None = None
    layers: Annotated[tuple[Annotated[int, Meta(ge=0, le=255)], ...], Meta(min_length=1)] | None = (
        None
    )
    heads: Heads | None = None
    intermediate: Width | None = None
    embedding: Width | None = None
    activation: Literal["gelu", "relu"] | None = None
    pooler: bool | None = None
    training: TrainingTable | None = None
    distillation: LessonTable | None = None
    rounding: Literal["int4"] | None = None

    def __post_init__(self) -> None:
        if self.speed and not self.bytes:
            raise ValueError(
                "`shrunk.speed` is given without `shrunk.bytes`: the search for a shape needs both"
            )
        for key in _FOUND if self.bytes else ():
            if getattr(self, key) is not None:
                raise ValueError(
                    f"`shrunk.{key}` and `shrunk.bytes` are both given: give only one, "
                    "because `shrunk.bytes` makes edgeproof search for this value"
                )
        if self.distillation and not self.training:
            raise ValueError("`shrunk.distillation` needs `shrunk.training`")
        if self.activation and not self.training:
            raise ValueError(
                "`shrunk.activation` needs `shrunk.training`: the weights were "
                "trained with another activation"
            )
        if self.pooler is False and not self.training:
            raise ValueError(
                "`shrunk.pooler = false` needs `shrunk.training`: the classifier reads what is "
                "before it"
            )
        if self.layers is not None and len(set(self.layers)) < len(self.layers):
            raise ValueError("`shrunk.layers` names a layer twice")

    @property
    def copies(self) -> int:
        """Largest number of altered copies of each train text that are used for training."""
        return _COPIES if self.bytes else self.distillation.copies if self.distillation else 0

    @property
    def byte_limit(self) -> int:
        """Limit on the size of the file; 0 without one."""
        return int(self.bytes.split()[0]) if self.bytes else 0

    @property
    def times_paper(self) -> float:
        """Required speed, as a multiple of the paper's recipe; 0 without one."""
        return float(self.speed.split()[0]) if self.speed else 0.0

    def require_fit(
        self, *, layers: int, heads: int, intermediate: int, embedding: int, pieces: int | None
    ) -> None:
        """Check that the full model has everything that is kept of it.

        Args:
            layers: the full model's.
            heads: of each of its layers.
            intermediate: the units of its feed-forward networks.
            embedding: the width of its word vectors.
            pieces: its vocabulary; None if that is not known yet.

        Raises:
            ValueError: names the key.
        """
        if self.layers is not None and max(self.layers) >= layers:
            raise ValueError(
                f"`shrunk.layers`: {max(self.layers)} is not one of the full "
                f"model's layers, 0 to {layers - 1}"
            )
        of_full_model = {
            "heads": heads,
            "intermediate": intermediate,
            "embedding": embedding,
            "pieces": pieces,
        }
        for key, most in of_full_model.items():
            requested = getattr(self, key)
            if requested is not None and most is not None and requested > most:
                raise ValueError(
                    f"`shrunk.{key}`: {requested} is more than the full model has, {most}"
                )


class Subject(Table, frozen=True, kw_only=True):
    """One subject. Without `small` and `shrunk` the full model itself is converted."""

    name: str
    description: str
    corpus: CorpusTable
    tokenizer: TokenizerTable
    full: ModelTable
    schemes: Annotated[tuple[str, ...], Meta(min_length=1)]
    budgets: str
    small: ModelTable | None = None
    shrunk: ShrunkTable | None = None

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError(f"`name`: {self.name[:80]!r} cannot name a file. {NAMES}")
        lookalikes = find_lookalikes(self.schemes)
        if lookalikes is not None:
            raise ValueError(f"`schemes` names {lookalikes[1]!r} twice")
        self._check_models()
        for role, table in self.models().items():
            self._check_size(role, table)
        if self.shrunk is not None and self.full.network is not None:
            network = self.full.network
            self.shrunk.require_fit(
                layers=network.layers,
                heads=network.heads,
                intermediate=network.intermediate,
                embedding=network.embedding or network.hidden,
                pieces=self.tokenizer.vocabulary,
            )

    def _check_size(self, role: str, table: ModelTable) -> None:
        if table.network is None or table.training is None:
            return
        vocabulary = self.tokenizer.vocabulary
        problem = too_large(table.network, table.training, vocabulary, self.max_tokens)
        if problem is not None:
            raise ValueError(f"`{role}`: {problem}")

    def _check_models(self) -> None:
        if self.full.distillation:
            raise ValueError("`full.distillation` is given, but there is no model to learn from")
        if self.small and self.shrunk:
            raise ValueError(
                "`small` and `shrunk` both define the small model: give only one of them"
            )
        if self.full.checkpoint and (self.small or self.shrunk):
            raise ValueError(
                "`full.checkpoint` is converted as it is: give `full.pretrained`, an encoder of a "
                "family that this project has a network of, to make a smaller model of it"
            )
        if self.small and self.small.checkpoint:
            raise ValueError("`small.checkpoint`: only a full model starts from a `checkpoint`")
        pretrained = any(table.start for table in self.models().values())
        if pretrained != (self.tokenizer.source == "pretrained"):
            raise ValueError(
                '`tokenizer.source` is "pretrained" if, and only if, a model\'s network is'
            )

    @property
    def max_tokens(self) -> int:
        """Tokens of a row, padding included."""
        return self.tokenizer.length

    @property
    def pairs_with_group(self) -> bool:
        """Whether the classifier reads the group before the text."""
        paired = self.tokenizer.pair_with_entity
        return not self.full.trained if paired is None else paired

    def small_seed(self) -> int:
        """Return the seed of the model that is converted."""
        if self.shrunk is None:
            return (self.small or self.full).seed
        return self.shrunk.training.seed if self.shrunk.training else 0

    def models(self) -> dict[str, ModelTable]:
        """Return the models that start from a table or a checkpoint, by role."""
        small = {} if self.small is None else {"small": self.small}
        return {"full": self.full, **small}


def subject_names() -> list[str]:
    """Return the names of the subjects that ship with edgeproof, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_subject(name_or_path: str) -> Subject:
    """Load a shipped subject by name, or any TOML file by its path.

    Paths in the file, of budgets and of checkpoints, are relative to the file.

    Raises:
        UsageMistake: no such subject, or the file does not fit the grammar, or it has the name of
            a shipped subject, whose baselines and known failures it would take for its own.
    """
    path = Path(name_or_path)
    if path.suffix != TOML:
        path = FOLDER / f"{name_or_path}{TOML}"
        if name_or_path not in subject_names():
            raise UsageMistake(
                f"no subject is called {name_or_path!r}",
                key="--edge-subject",
                remedy=f"Give one of {', '.join(subject_names())}, or the path of a TOML file",
            )
    path = absolute(path, key="--edge-subject")
    subject = read_table(path, Subject)
    shipped = {common_form(name): name for name in subject_names()}.get(common_form(subject.name))
    if shipped is not None and path != (FOLDER / f"{shipped}{TOML}").resolve():
        raise UsageMistake(
            f"{subject.name!r} is the name of a subject that ships with edgeproof, and its "
            "baselines and known failures are not this file's",
            file=path,
            key="name",
            remedy="Give the subject a different name",
        )
    return _anchored(subject, path.parent)


def _anchored(subject: Subject, folder: Path) -> Subject:
    """Return the subject with the paths that its file holds made absolute."""
    changes: dict[str, object] = {"budgets": name_or_file(subject.budgets, folder=folder)}
    for role, table in subject.models().items():
        for key in ("pretrained", "checkpoint"):
            start = getattr(table, key)
            if isinstance(start, str):
                resolved = id_or_folder(start, folder=folder, key=f"{role}.{key}")
                changes[role] = replace(table, **{key: resolved})
    return replace(subject, **changes)


def check_encoding(key: str, name: str | None) -> None:
    """Reject an encoding that Python does not have; None stands for no declaration.

    Raises:
        ValueError: there is no such encoding of texts.
    """
    try:
        "a".encode("utf-8" if name is None else name)
    except (LookupError, ValueError):
        raise ValueError(
            f"`{key}`: Python has no encoding called {name!r}; "
            'write for example "utf-8" or "cp1252"'
        ) from None
