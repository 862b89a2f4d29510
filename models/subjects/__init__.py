"""Read a subject: a TOML file that names corpus, models, schemes and training.

The classes below define the keys of the file. A file is rejected if it has another key, or a value
that is recognizable as wrong from the file alone; the message names the key. Every number has an
upper limit, far above any useful value, so that a typing error leads to a message and not to hours
of work.
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

# Minimum number of tokens in a row: a shorter row has no room for text beside the special tokens.
SHORTEST = 8
# Length of a row in tokens, if neither the subject nor a classifier's own tokenizer gives one.
DEFAULT_TOKENS = 64
# Limits for the number of texts in a split and for the sizes of a network: ten times those of the
# largest published encoders.
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
    """The names of a user's columns, by their meaning."""

    text: str
    polarity: str
    entity: str | None = None
    id: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        columns = [name for name in msgspec.structs.astuple(self) if name is not None]
        for name in columns:
            if not name.strip() or columns.count(name) > 1:
                problem = "is given for two uses" if name.strip() else "is not a column name"
                raise ValueError(f"{name!r} {problem}")


class Counts(Table, frozen=True, kw_only=True):
    """The number of texts of each split. Without `train`, the train split gets all other texts.

    Without `test`, the test split is the whole official one, which only the source `replab` has.
    """

    train: Several | None = None
    validation: Several
    calibration: Count
    test: Several | None = None


class CorpusTable(Table, frozen=True, kw_only=True):
    """`[corpus]`: where labelled texts come from and how they are split.

    `labels` go from the worst to the best if they are ordered. `polarities` maps the values of the
    column `columns.polarity` to labels; texts with a value mapped to "" are left out and counted;
    without `polarities` the column holds the labels themselves. `fallback_encoding` is the encoding
    of lines that `encoding` cannot decode. `header` names the columns of a file without a header
    line. `languages` are the languages to select from the source `replab`; an empty list selects
    all texts, also those whose language is unknown.
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
                    f"`columns.{key}`: {name!r} occurs {self.header.count(name)} times in "
                    "`header`, but must occur once"
                )


class TokenizerTable(Table, frozen=True, kw_only=True):
    """`[tokenizer]`: WordPiece, trained on the train split or taken from the checkpoint.

    A text longer than `max_tokens` is truncated. `lengths` are the row lengths of a converted file;
    the last one is `max_tokens`. Each length has its own signature over the same weights, and each
    text uses the shortest row that it fits, with little padding.
    """

    source: Literal["trained", "pretrained"]
    vocabulary: Pieces | None = None
    # By default, `DEFAULT_TOKENS`; for a full model that is already a fine-tuned classifier, the
    # longest rows that its checkpoint allows, up to 512 tokens.
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
        """Return the length of a row in tokens, padding included."""
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
        """Return the row lengths of converted files in tokens, ascending."""
        return self.lengths or (self.length,)


class NetworkTable(Table, frozen=True, kw_only=True):
    """`[full.network]`, `[small.network]`: an encoder's shape; the last five keys are MobileBERT's.

    The default of `attention_input` is "shared" with a bottleneck, otherwise "hidden".
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
    """`[full.training]`, `[small.training]`: training by AdamW with warm-up, decay and clipping.

    `accumulation` is the number of parts in which a batch is computed, if a whole batch does not
    fit into memory; `precision` is the type of the computation. Neither is meant to change the
    result. `averaging` is the momentum of a moving average of the weights over the updates (Polyak
    and Juditsky 1992), which replaces the weights after each epoch; 0 means no averaging. With
    `patience`, the weights of the epoch with the smallest loss on the validation split are used,
    and the training ends after that many epochs without a smaller loss; 0 means that all epochs are
    trained and the weights of the last one are used.
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
    """`[small.distillation]`: training with the full model's answers, too (Hinton et al. 2015).

    `weight` is the weight of the soft targets in the loss; the labels have the weight 1 - `weight`.
    """

    temperature: Annotated[float, Meta(ge=1.0, le=1e3)]
    weight: Annotated[float, Meta(gt=0.0, le=1.0)]


class LessonTable(DistillationTable, frozen=True, kw_only=True):
    """`[shrunk.distillation]`: distillation that also uses altered copies of the train texts.

    `copies` is the number of copies of each text. They have no labels, so that only the full
    model's answers are learned from them.
    """

    copies: Annotated[int, Meta(ge=0, le=100)] = 0


class ModelTable(Table, frozen=True, kw_only=True):
    """`[full]` or `[small]`: a network trained from scratch, or a published checkpoint.

    `pretrained` and `checkpoint` are a checkpoint's folder or hub id, or true if the user must give
    it. `pretrained` is an encoder that is fine-tuned according to `training`: with this project's
    network if there is one of its family, otherwise with PyTorch. `checkpoint` is always converted
    by PyTorch: with `trained = true` it is a classifier that is used unchanged, otherwise it is
    fine-tuned according to `training`. `labels` maps the names in a classifier's `id2label` to the
    labels of `[corpus]`.
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
                + ("; or write `trained = true`" if self.checkpoint else "")
            )
        if self.labels and not self.trained:
            raise ValueError(
                "`labels` applies only to `trained = true`: a new head gets the corpus's labels"
            )

    @property
    def start(self) -> bool | str:
        """Return the checkpoint to start from: its folder or hub id, or true if the user gives it.

        Return false if the model does not start from a checkpoint.
        """
        return self.pretrained or self.checkpoint

    def require_training(self) -> TrainingTable:
        """Return the training table, which must be present.

        Raises:
            ValueError: the table is missing, because the checkpoint is used unchanged.
        """
        if self.training is None:
            raise ValueError("`training` is missing")
        return self.training

    @property
    def seed(self) -> int:
        """Return the seed of the model's training; 0 if the checkpoint is used unchanged."""
        return 0 if self.training is None else self.training.seed


# Keys of `[shrunk]` that must not be given together with `bytes`, because
# `models.shrinking.fitting` then determines their values.
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


class ShrunkTable(Table, frozen=True, kw_only=True):
    """`[shrunk]`: a small model made from the full one instead of trained from scratch.

    If `bytes` is given, `models.shrinking.fitting` determines all other properties except `speed`.
    Otherwise a property that is not given is taken from the full model. With `training` and
    `distillation`, the small model learns from the full model's answers; a model that only has
    fewer word pieces may need neither.

    Attributes:
        bytes: largest size of the model's file under a scheme with four bits, such as "1340567
            bytes".
        speed: number of texts that the model answers while the paper's recipe answers one, such as
            "10 x paper"; only together with `bytes`.
        pieces: number of word pieces to keep: the ones that the train split uses most. Words that
            contain other pieces are split into smaller pieces.
        layers: indices of the full model's layers to keep; the first layer has the index 0.
        heads: number of attention heads to keep in each layer: the ones that add most to its
            output.
        intermediate: number of units to keep in each feed-forward network: the ones that add most
            to its output.
        embedding: width of the word vectors; a matrix then widens them to the width of the network.
        activation: activation of the feed-forward networks, if it differs from the full model's.
            "relu" needs no operator in a FlatBuffer, because dense layers can apply it.
        pooler: whether to keep the dense layer before the classifier.
        rounding: type of the integers to which the weights are rounded, such that the layers'
            outputs for the train split change least.
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
        if self.layers is not None and list(self.layers) != sorted(self.layers):
            raise ValueError(
                "`shrunk.layers` is not ascending: a small model keeps the order of the full "
                "model's layers"
            )

    @property
    def is_taught(self) -> bool:
        """Return whether the small model learns from the answers of full models."""
        return bool(self.bytes or self.distillation)

    @property
    def byte_limit(self) -> int:
        """Return the largest size of the file in bytes; 0 if it is not limited."""
        return int(self.bytes.split()[0]) if self.bytes else 0

    @property
    def times_paper(self) -> float:
        """Return the required speed as a multiple of the paper's recipe; 0 if none is required."""
        return float(self.speed.split()[0]) if self.speed else 0.0

    def require_fit(
        self, *, layers: int, heads: int, intermediate: int, embedding: int, pieces: int | None
    ) -> None:
        """Check that the full model is at least as large as this table requires.

        Args:
            layers: number of layers of the full model.
            heads: number of heads in each of its layers.
            intermediate: number of units in its feed-forward networks.
            embedding: width of its word vectors.
            pieces: size of its vocabulary; None if it is not known yet.

        Raises:
            ValueError: the full model is smaller; the message names the key.
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
                "`full.checkpoint` is converted as it is: to make a smaller model, give a BERT or "
                "MobileBERT encoder as `full.pretrained`"
            )
        if self.small and self.small.checkpoint:
            raise ValueError("`small.checkpoint`: only a full model starts from a `checkpoint`")
        pretrained = any(table.start for table in self.models().values())
        if pretrained != (self.tokenizer.source == "pretrained"):
            raise ValueError(
                '`tokenizer.source` must be "pretrained" if a model starts from a checkpoint, '
                'otherwise "trained"'
            )

    @property
    def max_tokens(self) -> int:
        """Return the length of a row in tokens, padding included."""
        return self.tokenizer.length

    @property
    def pairs_with_group(self) -> bool:
        """Return whether the classifier reads the group before the text."""
        paired = self.tokenizer.pair_with_entity
        return not self.full.trained if paired is None else paired

    def small_seed(self) -> int:
        """Return the training seed of the model that is converted; 0 if it is not trained."""
        if self.shrunk is None:
            return (self.small or self.full).seed
        return self.shrunk.training.seed if self.shrunk.training else 0

    def models(self) -> dict[str, ModelTable]:
        """Return the tables of the full and the small model by role, without `[shrunk]`."""
        small = {} if self.small is None else {"small": self.small}
        return {"full": self.full, **small}


def subject_names() -> list[str]:
    """Return the names of the subjects that ship with edgeproof, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_subject(name_or_path: str) -> Subject:
    """Load a shipped subject by name, or any TOML file by its path.

    Paths in the file, of budgets and of checkpoints, are relative to the file.

    Raises:
        UsageMistake: the subject does not exist, the file is invalid, or it has the name of a
            shipped subject, whose baselines and known failures would be applied to it.
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
            f"{subject.name!r} is the name of a subject that ships with edgeproof, whose "
            "baselines and known failures would be applied to this file",
            file=path,
            key="name",
            remedy="Give the subject a different name",
        )
    return _anchored(subject, path.parent)


def _anchored(subject: Subject, folder: Path) -> Subject:
    """Return the subject with absolute paths; the paths in its file are relative to `folder`."""
    changes: dict[str, object] = {"budgets": name_or_file(subject.budgets, folder=folder)}
    for role, table in subject.models().items():
        for key in ("pretrained", "checkpoint"):
            start = getattr(table, key)
            if isinstance(start, str):
                resolved = id_or_folder(start, folder=folder, key=f"{role}.{key}")
                changes[role] = replace(table, **{key: resolved})
    return replace(subject, **changes)


def check_encoding(key: str, name: str | None) -> None:
    """Check that Python supports an encoding; None is accepted.

    Raises:
        ValueError: Python does not support it; the message names the key.
    """
    try:
        "a".encode("utf-8" if name is None else name)
    except (LookupError, ValueError):
        raise ValueError(
            f"`{key}`: Python has no encoding called {name!r}; "
            'write for example "utf-8" or "cp1252"'
        ) from None
