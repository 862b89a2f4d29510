"""Compare networks of edgeproof and of `transformers` with the same config and random weights.

`python parity_check.py FOLDER CASE...` writes each random model into FOLDER in Hugging Face's
layout, reads it back like a user's checkpoint, and prints the results by case as JSON. It runs in a
separate process, because pytest imports neither PyTorch nor a Keras backend.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from models.networks import published
from models.networks.architecture import from_published
from models.networks.parameters import count

CLASSES = 3
LENGTHS = (1, 7, 16, 64)
BATCH = 5
SMALL_BERT = {
    "vocab_size": 120,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 64,
    "initializer_range": 0.1,
}
SMALL_MOBILEBERT = {
    "vocab_size": 120,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "embedding_size": 24,
    "intra_bottleneck_size": 32,
    "classifier_activation": False,
    "initializer_range": 0.1,
}
TINY = {"use_bottleneck_attention": True, "num_feedforward_networks": 2}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", SMALL_BERT),
    "bert_gelu_new": ("bert", {**SMALL_BERT, "hidden_act": "gelu_new"}),
    "mobilebert": ("mobilebert", SMALL_MOBILEBERT),
    "mobilebert_pooled": ("mobilebert", {**SMALL_MOBILEBERT, "classifier_activation": True}),
    "mobilebert_tiny": ("mobilebert", {**SMALL_MOBILEBERT, **TINY}),
    "mobilebert_tiny_unshared": (
        "mobilebert",
        {**SMALL_MOBILEBERT, **TINY, "key_query_shared_bottleneck": False},
    ),
    "mobilebert_layer_norm": (
        "mobilebert",
        {**SMALL_MOBILEBERT, "normalization_type": "layer_norm", "hidden_act": "gelu"},
    ),
    "mobilebert_without_bottlenecks": (
        "mobilebert",
        {**SMALL_MOBILEBERT, "use_bottleneck": False, "trigram_input": False},
    ),
    "mobilebert_published": ("mobilebert", {"classifier_activation": False}),
    "mobilebert_tiny_published": ("mobilebert", {"classifier_activation": False, **TINY}),
}


def make_model(case: str) -> Any:
    """Return a randomly initialized classifier of `transformers`."""
    family, keys = CASES[case]
    torch.manual_seed(11)
    prefix = {"bert": "Bert", "mobilebert": "MobileBert"}[family]
    config = getattr(transformers, f"{prefix}Config")(**keys, num_labels=CLASSES)
    model = getattr(transformers, f"{prefix}ForSequenceClassification")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:  # biases are 0 and norms 1 by default
                parameter.add_(0.05 * torch.randn_like(parameter))
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            # Two norms of MobileBERT in transformers ignore the layer_norm_eps of the config.
            module.eps = config.layer_norm_eps
    return model


def make_inputs(tokens: int, vocabulary: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return encoded pairs of different lengths, padded to `tokens`; the first has no padding."""
    generator = np.random.default_rng(tokens)
    lengths = np.maximum(tokens - np.arange(BATCH) * tokens // BATCH, 1)[:, None]
    place = np.arange(tokens)[None]
    mask = (place < lengths).astype(np.int32)
    return {
        "input_ids": generator.integers(1, vocabulary, mask.shape).astype(np.int32) * mask,
        "attention_mask": mask,
        "token_type_ids": (place >= lengths // 3).astype(np.int32) * mask,
    }


def compare(case: str, folder: Path) -> dict[str, Any]:
    """Return the largest error by length, the effect of two faults, and the parameter count."""
    model = make_model(case)
    model.save_pretrained(folder)
    shape = from_published(folder, classes=CLASSES)
    values = published.read_values(folder, shape, seed=0)
    for name in ("weight", "bias"):
        values[f"classifier.{name}"] = getattr(model.classifier, name).detach().numpy()
    errors, unmasked, untyped = {}, {}, {}
    for tokens in LENGTHS:
        inputs = make_inputs(tokens, shape.vocabulary)
        with torch.no_grad():
            expected = model(**{k: torch.tensor(v).long() for k, v in inputs.items()}).logits
        expected = expected.numpy()
        mask, types = inputs["attention_mask"], inputs["token_type_ids"]
        errors[tokens] = difference(answer(values, shape, **inputs), expected)
        without = {**inputs, "attention_mask": np.ones_like(mask)}
        unmasked[tokens] = difference(answer(values, shape, **without), expected)
        without = {**inputs, "token_type_ids": np.zeros_like(types)}
        untyped[tokens] = difference(answer(values, shape, **without), expected)
    return {
        "errors": errors,
        "unmasked": unmasked,
        "untyped": untyped,
        "parameters": count(shape),
        "same_from_bin": {
            name: same_from_bin(model, shape, values, folder / name, zipped=name == "zipped")
            for name in ("zipped", "legacy")
        },
    }


def answer(values: Any, shape: Any, **inputs: Any) -> np.ndarray[Any, Any]:
    """Return edgeproof's logits, computed on the Keras backend in KERAS_BACKEND."""
    from keras import ops  # noqa: PLC0415 - slow to import

    from models.networks.blocks import Blocks  # noqa: PLC0415 - likewise
    from models.networks.classifier import forward  # noqa: PLC0415 - likewise

    blocks = Blocks({name: ops.convert_to_tensor(value) for name, value in values.items()}, shape)
    tensors = [ops.convert_to_tensor(tensor) for tensor in inputs.values()]
    return np.asarray(ops.convert_to_numpy(forward(blocks, *tensors)))


def difference(actual: Any, expected: Any) -> float:
    """Return the largest difference of the logits, relative to the range of the expected logits."""
    return float(np.abs(actual - expected).max() / np.ptp(expected, axis=0).max())


def same_from_bin(model: Any, shape: Any, values: Any, folder: Path, *, zipped: bool) -> bool:
    """Tell whether a PyTorch file of the same model gives the same values, bit for bit."""
    folder.mkdir()
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / published.TORCH, _use_new_zipfile_serialization=zipped)
    read = published.read_values(folder, shape, seed=0)
    return all(
        np.array_equal(read[name], values[name])
        for name in values
        if not name.startswith("classifier.")
    )


def main(folder: str, *cases: str) -> None:
    """Print the result of `compare` for each case."""
    warnings.filterwarnings("ignore", message="You are using a softmax over axis -1")
    answers = {case: compare(case, Path(folder) / case) for case in cases}
    print(json.dumps(answers))  # noqa: T201 - the calling test reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
