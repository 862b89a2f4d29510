"""An encoder's shape, from a subject's table or from a published checkpoint's config.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake

if TYPE_CHECKING:
    from pathlib import Path

    from models.subjects import NetworkTable


@dataclass(frozen=True)
class Architecture:
    """Everything that fixes the parameters and the arithmetic of a classifier.

    Names follow Devlin et al. 2019 (BERT) and Sun et al. 2020 (MobileBERT); `bottleneck` is the
    intra-bottleneck size, and is `hidden` for BERT.
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
    initializer_range: float | None
    mask_value: float
    pooled: bool
    embedding: int
    bottleneck: int
    feedforward_networks: int
    trigram_embedding: bool
    share_key_query: bool

    def describe(self) -> dict[str, Any]:
        """Return the fields as plain values, for keys and results."""
        return asdict(self)


def from_table(
    table: NetworkTable, *, vocabulary: int, classes: int, positions: int
) -> Architecture:
    """Build the architecture of a network that is trained from scratch."""
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
        # Glorot: a network this narrow starts too quiet at BERT's 0.02.
        initializer_range=None,
        mask_value=table.mask_value,
        pooled=table.family == "bert",
        embedding=table.embedding or table.hidden,
        bottleneck=table.bottleneck or table.hidden,
        feedforward_networks=table.feedforward_networks,
        trigram_embedding=table.trigram_embedding,
        share_key_query=table.share_key_query,
    )


def from_published(folder: Path, *, classes: int, mask_value: float = -30.0) -> Architecture:
    """Read the architecture of a published BERT from its `config.json` (Hugging Face layout).

    Raises:
        UsageMistake: the file is missing, not JSON, lacks a key or is of another family.
    """
    path = folder / "config.json"
    config = _read_config(path)
    family = config.get("model_type")
    if family != "bert":
        raise UsageMistake(
            f"model_type is {family!r}",
            file=path,
            key="model_type",
            remedy="Give a checkpoint whose model_type is 'bert'",
        )
    try:
        return Architecture(
            family="bert",
            vocabulary=config["vocab_size"],
            classes=classes,
            positions=config["max_position_embeddings"],
            types=config["type_vocab_size"],
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            heads=config["num_attention_heads"],
            intermediate=config["intermediate_size"],
            activation=config["hidden_act"],
            normalization="layer_norm",
            epsilon=config["layer_norm_eps"],
            dropout=config["hidden_dropout_prob"],
            initializer_range=config["initializer_range"],
            mask_value=mask_value,
            pooled=True,
            embedding=config["hidden_size"],
            bottleneck=config["hidden_size"],
            feedforward_networks=1,
            trigram_embedding=False,
            share_key_query=False,
        )
    except KeyError as error:
        raise UsageMistake(
            "the key is missing",
            file=path,
            key=str(error.args[0]),
            remedy="Take the config.json that was published with these weights",
        ) from None


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageMistake(
            "no such file",
            file=path,
            remedy="Point --edge-pretrained at a folder with config.json and model.safetensors",
        ) from None
    except (OSError, ValueError) as error:
        raise UsageMistake(
            f"cannot be read as JSON ({error})", file=path, remedy="Download the checkpoint again"
        ) from None
    if not isinstance(config, dict):
        raise UsageMistake(
            "does not hold a JSON object", file=path, remedy="Download the checkpoint again"
        )
    return config
