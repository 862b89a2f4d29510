"""Read a published checkpoint's config: Hugging Face's config.json or Google's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from models.errors import UsageMistake
from models.files.json_documents import parse_json, problem_and_place
from models.files.regular_files import LARGEST_TABLE, read_text

if TYPE_CHECKING:
    from pathlib import Path

HUGGING_FACE = "config.json"
# Class name endings of checkpoints that were not fine-tuned for a user's task.
_UNTUNED = ("Model", "ForPreTraining", "ForMaskedLM", "LMHeadModel", "ForNextSentencePrediction")
GOOGLE = "bert_config.json"

# Limits well above a published BERT (24 layers, 1,024 units, a million word pieces): with larger
# numbers it would take hours to find that weights are missing.
Size = Annotated[int, Meta(ge=1, le=1 << 16)]
Count = Annotated[int, Meta(ge=1, le=256)]
Vocabulary = Annotated[int, Meta(ge=1, le=1 << 22)]
Share = Annotated[float, Meta(ge=0.0, lt=1.0)]
Positive = Annotated[float, Meta(gt=0.0, le=1e3)]

# Defaults of MobileBertConfig in `transformers` for missing keys. The defaults below are those of
# Google's two repositories and of BertConfig.
_MOBILEBERT_DEFAULTS = {
    "embedding_size": 128,
    "trigram_input": True,
    "use_bottleneck": True,
    "intra_bottleneck_size": 128,
    "key_query_shared_bottleneck": True,
    "num_feedforward_networks": 4,
    "normalization_type": "no_norm",
}
_MOBILEBERT_KEYS = {*_MOBILEBERT_DEFAULTS, "use_bottleneck_attention", "classifier_activation"}
_REMEDY = "Give the config.json that was published with these weights"


class Config(Struct, frozen=True, kw_only=True):
    """The keys that determine a network, under their published names; others are ignored.

    BERT is a MobileBERT without bottlenecks, as in google-research/mobilebert.
    """

    family: Literal["bert", "mobilebert"]
    vocab_size: Vocabulary
    hidden_size: Size
    num_hidden_layers: Count
    num_attention_heads: Count
    intermediate_size: Size
    max_position_embeddings: Size
    type_vocab_size: Size
    hidden_act: Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "relu6"]
    hidden_dropout_prob: Share
    attention_probs_dropout_prob: Share
    classifier_dropout: Share | None = None
    initializer_range: Positive = 0.02
    layer_norm_eps: Positive = 1e-12
    position_embedding_type: Literal["absolute"] | None = "absolute"
    embedding_size: Size | None = None
    trigram_input: bool = False
    use_bottleneck: bool = False
    intra_bottleneck_size: Size | None = None
    use_bottleneck_attention: bool = False
    key_query_shared_bottleneck: bool = False
    num_feedforward_networks: Count = 1
    normalization_type: Literal["layer_norm", "no_norm"] = "layer_norm"
    classifier_activation: bool = True


def read_config(folder: Path) -> Config:
    """Read the config in a checkpoint's folder.

    Raises:
        UsageMistake: the config is missing or of another family, or a key is missing or wrong.
    """
    path = config_path(folder)
    document = _read_object(path)
    # Google also published MobileBERT's config under this name, without a family; its own keys
    # identify it.
    google = path.name == GOOGLE or (
        "model_type" not in document and bool(_MOBILEBERT_KEYS & document.keys())
    )
    document = _from_google(document) if google else _from_hugging_face(document, path)
    try:
        config = msgspec.convert(document, Config)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        problem, key = problem_and_place(error)
        raise UsageMistake(problem, file=path, key=key or None, remedy=_REMEDY) from None
    _check_sizes(config, path)
    return config


def head_of(folder: Path) -> str | None:
    """Return the task of a checkpoint's head in words; None if it has only an encoder."""
    document = _read_object(config_path(folder))
    architectures = document.get("architectures")
    heads = (
        [name for name in architectures if isinstance(name, str)]
        if isinstance(architectures, list)
        else []
    )
    fine_tuned = next((name for name in heads if not name.endswith(_UNTUNED)), None)
    if fine_tuned is None:
        return None
    outputs = _outputs_in_words(document)
    return f"{fine_tuned}, {outputs}" if outputs else fine_tuned


def _outputs_in_words(document: dict[str, Any]) -> str:
    """Return in words what a fine-tuned head answers; "" if the config does not name labels."""
    labels, problem = document.get("id2label"), document.get("problem_type")
    count = len(labels) if isinstance(labels, dict) else None
    if problem == "regression" or count == 1:
        return "which gives a number and no label (a regression)"
    if problem == "multi_label_classification":
        labels_in_words = f"{count} labels" if count else "labels"
        return f"which may give a text several of its {labels_in_words} (multi-label)"
    return f"{count} labels" if count else ""


def config_path(folder: Path) -> Path:
    """Return the path of Google's config if only that exists, otherwise of Hugging Face's."""
    google = folder / GOOGLE
    return (
        google
        if google.is_file() and not (folder / HUGGING_FACE).is_file()
        else (folder / HUGGING_FACE)
    )


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = parse_json(read_text(path, LARGEST_TABLE))
    except FileNotFoundError:
        raise UsageMistake(
            f"neither this file nor {GOOGLE} exists",
            file=path,
            remedy="Point --edge-pretrained at a folder with a checkpoint and its config",
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageMistake(
            f"cannot be read as JSON ({error})", file=path, remedy="Download the checkpoint again"
        ) from None
    if not isinstance(document, dict):
        raise UsageMistake(
            "contains JSON, but not an object at the top level",
            file=path,
            remedy="Download the checkpoint again",
        )
    return document


def _from_hugging_face(document: dict[str, Any], path: Path) -> dict[str, Any]:
    family = document.get("model_type")
    if family is None:
        raise UsageMistake(
            "is missing, so the kind of network is unknown",
            file=path,
            key="model_type",
            remedy="Write 'bert' or 'mobilebert', whichever the network is; if this is "
            f"Google's own config, which has no model_type, rename the file to {GOOGLE}",
        )
    if family == "bert":
        return {k: v for k, v in document.items() if k not in _MOBILEBERT_KEYS} | {"family": "bert"}
    if family == "mobilebert":
        return _MOBILEBERT_DEFAULTS | document | {"family": "mobilebert"}
    raise UsageMistake(
        f"model_type is {family!r}, which is not supported",
        file=path,
        key="model_type",
        remedy="Give a checkpoint whose model_type is 'bert' or 'mobilebert'",
    )


def _from_google(document: dict[str, Any]) -> dict[str, Any]:
    """Add the family to Google's config, and rename its "gelu", which is computed by tanh."""
    family = "mobilebert" if _MOBILEBERT_KEYS & document.keys() else "bert"
    activation = document.get("hidden_act")
    renamed = {"hidden_act": "gelu_new"} if activation == "gelu" else {}
    return document | renamed | {"family": family}


def _check_sizes(config: Config, path: Path) -> None:
    inner = config.hidden_size
    key = "hidden_size"
    if config.use_bottleneck and config.intra_bottleneck_size:
        inner, key = config.intra_bottleneck_size, "intra_bottleneck_size"
    if inner % config.num_attention_heads:
        raise UsageMistake(
            f"{inner} is not a multiple of num_attention_heads, {config.num_attention_heads}",
            file=path,
            key=key,
            remedy=_REMEDY,
        )
