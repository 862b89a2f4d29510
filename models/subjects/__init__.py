"""A subject: one TOML file that says which corpus, which models, which schemes, how it is trained.

The structures below are the file's grammar: what is not here is refused by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from models.errors import UsageMistake
from models.tables import Table, read_table

FOLDER = Path(__file__).parent
ENGLISH = ("EN",)

Count = Annotated[int, Meta(ge=1)]
Seed = Annotated[int, Meta(ge=0, lt=2**31)]
Share = Annotated[float, Meta(ge=0.0, lt=1.0)]
Rate = Annotated[float, Meta(gt=0.0, le=1.0)]


class Columns(Table, frozen=True, kw_only=True):
    """Which column of a user's file holds what."""

    text: str
    polarity: str
    entity: str | None = None
    id: str | None = None
    split: str | None = None


class Counts(Table, frozen=True, kw_only=True):
    """Tweets per split. A missing `train` takes all that the other splits leave.

    A missing `test` takes the whole official test split, which only the source `replab` has.
    """

    train: Count | None = None
    validation: Count
    calibration: Count
    test: Count | None = None


class CorpusTable(Table, frozen=True, kw_only=True):
    """`[corpus]`: where labelled tweets come from and how they are split.

    `labels` is ordered from the worst polarity to the best. `polarities` maps the values of
    the polarity column to labels; a value mapped to "" is left out on purpose and counted; none at
    all means that the column holds the labels. `fallback_encoding` decodes the lines that
    `encoding` cannot. `header` names the columns of a file without header line. `languages` are
    those to take of the source `replab`; none at all takes every one, known or not.
    """

    source: Literal["generated", "files", "replab"]
    labels: Annotated[tuple[str, ...], Meta(min_length=2)]
    counts: Counts
    seed: Seed
    columns: Columns | None = None
    polarities: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    header: tuple[str, ...] | None = None
    languages: tuple[str, ...] = ENGLISH

    def __post_init__(self) -> None:
        if self.source == "replab":
            return
        if self.counts.test is None:
            raise ValueError("Object missing required field `counts.test`")
        if self.languages != ENGLISH:
            raise ValueError("`languages` is for the source `replab`")


class TokenizerTable(Table, frozen=True, kw_only=True):
    """`[tokenizer]`: WordPiece, trained on the train split or taken from the checkpoint."""

    source: Literal["trained", "pretrained"]
    vocabulary: Annotated[int, Meta(ge=100)] | None = None
    max_tokens: Annotated[int, Meta(ge=8, le=512)] = 64
    lowercase: bool = True
    pair_with_entity: bool = True
    cleaning: tuple[str, ...] = ()


class NetworkTable(Table, frozen=True, kw_only=True):
    """`[full.network]`, `[small.network]`: an encoder's shape; MobileBERT's keys come last."""

    family: Literal["bert", "mobilebert"]
    layers: Count
    hidden: Count
    heads: Count
    intermediate: Count
    activation: Literal["gelu", "relu", "relu6"]
    normalization: Literal["layer_norm", "no_norm"]
    dropout: Share = 0.0
    embedding: Count | None = None
    bottleneck: Count | None = None
    feedforward_networks: Count = 1
    trigram_embedding: bool = False
    attention_input: Literal["shared", "bottleneck", "hidden"] = "shared"
    mask_value: Annotated[float, Meta(lt=0.0)] = -30.0


class TrainingTable(Table, frozen=True, kw_only=True):
    """`[full.training]`, `[small.training]`: AdamW, linear warm-up and decay, gradient clipping.

    `accumulation` computes a batch in that many parts, for models whose batch does not fit in
    memory; `precision` says in which type. Neither is meant to change what is learned.
    """

    epochs: Count
    batch: Count
    learning_rate: Rate
    warmup: Share = 0.1
    weight_decay: Share = 0.01
    clip_norm: Annotated[float, Meta(gt=0.0)] = 1.0
    seed: Seed = 0
    accumulation: Count = 1
    precision: Literal["float32", "mixed_bfloat16"] = "float32"

    def __post_init__(self) -> None:
        if self.accumulation > self.batch:
            raise ValueError("`accumulation` cannot be more than `batch`")


class DistillationTable(Table, frozen=True, kw_only=True):
    """`[small.distillation]`: learning from the full model's answers too (Hinton et al. 2015).

    `weight` is that of the soft targets in the sum of both losses, the labels' is 1 - `weight`.
    """

    temperature: Annotated[float, Meta(ge=1.0)]
    weight: Annotated[float, Meta(gt=0.0, le=1.0)]


class ModelTable(Table, frozen=True, kw_only=True):
    """`[full]` or `[small]`: a network trained from scratch, or a published checkpoint's.

    `pretrained` is a checkpoint's folder or hub id, or true where the user is to give it.
    """

    training: TrainingTable
    network: NetworkTable | None = None
    pretrained: bool | Annotated[str, Meta(min_length=1)] = False
    distillation: DistillationTable | None = None

    def __post_init__(self) -> None:
        if bool(self.pretrained) == (self.network is not None):
            raise ValueError("needs either `network` or `pretrained`")


class ShrunkTable(Table, frozen=True, kw_only=True):
    """`[shrunk]`: a small model that is made out of the full one instead of trained from scratch.

    What is not named stays whole. It learns from the full model's answers where it has
    `training` and `distillation`; cut only in its word pieces it may need neither.

    Attributes:
        pieces: of the vocabulary that stay, those that the train split uses most. Words of other
            pieces are spelled in smaller ones.
        layers: of the full model, from 0 on, those that stay.
        intermediate: units of each feed-forward network that stay, those that are busiest.
        embedding: width of the word vectors, which a matrix then widens again.
        rounding: the integers whose grid the weights end on, rounded for the layers' inputs.
    """

    pieces: Annotated[int, Meta(ge=200)] | None = None
    layers: Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(min_length=1)] | None = None
    intermediate: Count | None = None
    embedding: Count | None = None
    training: TrainingTable | None = None
    distillation: DistillationTable | None = None
    rounding: Literal["int4"] | None = None

    def __post_init__(self) -> None:
        if self.distillation and not self.training:
            raise ValueError("`shrunk.distillation` needs `shrunk.training`")


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
        if self.full.distillation:
            raise ValueError("`full.distillation` has no model to learn from")
        if self.small and self.shrunk:
            raise ValueError("`small` and `shrunk` are two ways to one model: give one")
        pretrained = any(table.pretrained for table in self.models().values())
        if pretrained != (self.tokenizer.source == "pretrained"):
            raise ValueError(
                '`tokenizer.source` is "pretrained" if, and only if, a model\'s network is'
            )

    def small_seed(self) -> int:
        """The seed of the model that is converted."""
        if self.shrunk is None:
            return (self.small or self.full).training.seed
        return self.shrunk.training.seed if self.shrunk.training else 0

    def models(self) -> dict[str, ModelTable]:
        """The models that start from a table or a checkpoint, by role."""
        small = {} if self.small is None else {"small": self.small}
        return {"full": self.full, **small}


def subject_names() -> list[str]:
    """Names of the subjects that ship with edgeproof, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_subject(name_or_path: str) -> Subject:
    """Load a shipped subject by name, or any TOML file by its path.

    Raises:
        UsageMistake: no such subject, or the file does not fit the grammar.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
        if not path.is_file():
            raise UsageMistake(
                f"no subject is called {name_or_path!r}",
                key="--edge-subject",
                remedy=f"Give one of {', '.join(subject_names())}, or the path of a TOML file",
            )
    return read_table(path, Subject)
