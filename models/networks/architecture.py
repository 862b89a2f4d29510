"""Describe an encoder's shape, from a subject's table or a published checkpoint's config."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from models.networks.config import read_config

if TYPE_CHECKING:
    from pathlib import Path

    from models.networks.config import Config
    from models.subjects import NetworkTable

# Far below any attention score, and within float16.
MASK_VALUE = -10_000.0


@dataclass(frozen=True)
class Architecture:
    """Everything that determines the parameters and the arithmetic of a classifier.

    Names follow Devlin et al. 2019 (BERT) and Sun et al. 2020 (MobileBERT).

    Attributes:
        epsilon: added to the variance in layer normalization.
        initializer_range: standard deviation of newly drawn matrices; None for Glorot
            initialization.
        mask_value: added to the attention scores of padding.
        pooled: whether a dense layer with tanh comes before the classifier.
        embedding: width of the word vectors.
        bottleneck: width inside a layer; None if layers have no bottlenecks.
        attention_input: the input of queries, keys and values. "shared": queries and keys are
            computed from a second bottleneck, values from the layer's input (MobileBERT).
            "bottleneck": all three are computed from the bottleneck (MobileBERT-tiny). "hidden":
            all three are computed from the layer's input (BERT, IB-BERT).
        attention_width: width of queries, keys and values, all heads together; None for the width
            inside a layer, as in published networks.
        first_token_last: whether the last layer computes the first token alone. The classifier
            reads no other token, so that the answers are the same and take less time.
    """

    family: str
    vocabulary: int
    classes: int
    positions: int
    types: int
    layers: int
    hidden: int
    heads: int
    intermediate: int
    activation: str
    normalization: str
    epsilon: float
    dropout: float
    attention_dropout: float
    classifier_dropout: float
    initializer_range: float | None
    mask_value: float
    pooled: bool
    embedding: int
    bottleneck: int | None
    attention_input: str
    feedforward_networks: int
    trigram_embedding: bool
    first_token_last: bool = False
    attention_width: int | None = None

    @property
    def inner(self) -> int:
        """Return the width of the blocks inside a layer."""
        return self.bottleneck or self.hidden

    @property
    def attended(self) -> int:
        """Return the width of queries, keys and values, all heads together."""
        return self.attention_width or self.inner

    def width_of(self, heads: int) -> int:
        """Return the width of queries, keys and values if this many heads are kept."""
        return self.attended // self.heads * heads

    @property
    def embedding_transformed(self) -> bool:
        """Return whether word vectors pass a dense layer before positions are added."""
        return self.trigram_embedding or self.embedding != self.hidden

    def describe(self) -> dict[str, Any]:
        """Return the fields as plain values, for the keys of the store and for results."""
        return asdict(self)


def from_table(
    table: NetworkTable, *, vocabulary: int, classes: int, positions: int
) -> Architecture:
    """Build the architecture of a network that is trained from scratch."""
    mobile = table.family == "mobilebert"
    return Architecture(
        family=table.family,
        vocabulary=vocabulary,
        classes=classes,
        positions=positions,
        types=2,
        layers=table.layers,
        hidden=table.hidden,
        heads=table.heads,
        intermediate=table.intermediate,
        activation=table.activation,
        normalization=table.normalization,
        epsilon=1e-12,
        dropout=table.dropout,
        attention_dropout=table.dropout,
        classifier_dropout=table.dropout,
        # Glorot initialization: with BERT's 0.02, the activations of a network this narrow are too
        # small at first.
        initializer_range=None,
        mask_value=MASK_VALUE if table.mask_value is None else table.mask_value,
        pooled=not mobile,
        embedding=table.embedding or table.hidden,
        bottleneck=table.bottleneck,
        attention_input=table.attention_input or ("shared" if table.bottleneck else "hidden"),
        feedforward_networks=table.feedforward_networks or 1,
        trigram_embedding=bool(table.trigram_embedding),
    )


def from_published(folder: Path, *, classes: int) -> Architecture:
    """Read the architecture of a published BERT or MobileBERT from its config.

    Raises:
        UsageMistake: see `read_config`.
    """
    config = read_config(folder)
    dropout = config.hidden_dropout_prob
    classifier = config.classifier_dropout
    return Architecture(
        family=config.family,
        vocabulary=config.vocab_size,
        classes=classes,
        positions=config.max_position_embeddings,
        types=config.type_vocab_size,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        intermediate=config.intermediate_size,
        activation=config.hidden_act,
        normalization=config.normalization_type,
        epsilon=config.layer_norm_eps,
        dropout=dropout,
        attention_dropout=config.attention_probs_dropout_prob,
        classifier_dropout=dropout if classifier is None else classifier,
        initializer_range=config.initializer_range,
        mask_value=MASK_VALUE,
        pooled=config.classifier_activation,
        embedding=config.embedding_size or config.hidden_size,
        bottleneck=_bottleneck(config),
        attention_input=_attention_input(config),
        feedforward_networks=config.num_feedforward_networks,
        trigram_embedding=config.trigram_input,
    )


def _bottleneck(config: Config) -> int | None:
    if not config.use_bottleneck:
        return None
    return config.intra_bottleneck_size or config.hidden_size


def _attention_input(config: Config) -> str:
    if config.use_bottleneck and config.use_bottleneck_attention:
        return "bottleneck"
    if config.use_bottleneck and config.key_query_shared_bottleneck:
        return "shared"
    return "hidden"
