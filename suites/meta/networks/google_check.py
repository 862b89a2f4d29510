"""Write a TensorFlow 1 checkpoint with Google's names, read it back, and print the results.

This script runs in a separate process, because pytest does not import TensorFlow. The names are
those of the variable scopes in google-research/mobilebert/modeling.py and
google-research/bert/modeling.py.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from models.errors import UsageMistake
from models.networks import published
from models.networks.architecture import from_published
from models.networks.parameters import parameters
from suites.meta.networks.configs import GOOGLE_BERT_LARGE, MOBILEBERT

if TYPE_CHECKING:
    from models.networks.architecture import Architecture

CLASSES = 3
SMALL = {
    "hidden_size": 12,
    "intermediate_size": 20,
    "max_position_embeddings": 9,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": 30,
}
NARROW = {"embedding_size": 5, "intra_bottleneck_size": 8, "num_feedforward_networks": 3}
CONFIGS = {"bert": GOOGLE_BERT_LARGE | SMALL, "mobilebert": MOBILEBERT | SMALL | NARROW}
TABLES = ("word_embeddings", "token_type_embeddings", "position_embeddings")
DENSE = ("attention/self/query", "attention/self/key", "attention/self/value")
RESIDUAL = ("attention/output", "output")
BOTTLENECKS = ("bottleneck/input", "bottleneck/attention", "output/bottleneck")


def google_names(config: dict[str, Any], norm: str) -> dict[str, str]:
    """Return edgeproof's name of each variable of a checkpoint."""
    mobile = "use_bottleneck" in config
    dense = [*DENSE, *(f"{name}/dense" for name in (*RESIDUAL, "intermediate"))]
    norms = list(RESIDUAL)
    if mobile:
        dense += [f"{name}/dense" for name in BOTTLENECKS]
        norms += BOTTLENECKS
        for number in range(config["num_feedforward_networks"] - 1):
            dense += [f"ffn_layer_{number}/{name}/dense" for name in ("intermediate", "output")]
            norms.append(f"ffn_layer_{number}/output")
    layers = [f"encoder/layer_{number}" for number in range(config["num_hidden_layers"])]
    dense = [f"{layer}/{name}" for layer in layers for name in dense]
    norms = ["embeddings", *(f"{layer}/{name}" for layer in layers for name in norms)]
    dense.append("embeddings/embedding_transformation" if mobile else "pooler/dense")
    names = {f"bert/embeddings/{table}": f"embeddings.{table}.weight" for table in TABLES}
    for name in dense:
        names |= {f"bert/{name}/kernel": f"{ours(name)}.weight"}
        names |= {f"bert/{name}/bias": f"{ours(name)}.bias"}
    for name in norms:
        names |= {f"bert/{name}/{norm}/gamma": f"{ours(name)}.LayerNorm.weight"}
        names |= {f"bert/{name}/{norm}/beta": f"{ours(name)}.LayerNorm.bias"}
    return names


def ours(scope: str) -> str:
    """Return edgeproof's name of a variable scope."""
    return re.sub(r"(ffn)?_?layer_(\d+)", lambda m: f"{m[1] or 'layer'}.{m[2]}", scope).replace(
        "/", "."
    )


def write(prefix: Path, variables: dict[str, np.ndarray]) -> None:
    """Write a checkpoint with Adam's moments and a counter, as a training run writes it."""
    extra = {f"{name}/adam_m": np.zeros_like(value) for name, value in variables.items()}
    extra["global_step"] = np.array(7, np.int64)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        saved = {
            name: tf.compat.v1.get_variable(name, initializer=value)
            for name, value in (variables | extra).items()
        }
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(saved).save(session, str(prefix), write_meta_graph=False)


def round_trip(folder: Path, config: dict[str, object], norm: str) -> dict[str, object]:
    """Write and read a checkpoint; return whether its values are equal, and errors of bad files."""
    folder.mkdir()
    (folder / "bert_config.json").write_text(json.dumps(config))
    shape = from_published(folder, classes=CLASSES)
    generator = np.random.default_rng(3)
    values = {
        parameter.name: generator.standard_normal(parameter.shape).astype(np.float32)
        for parameter in parameters(shape)
    }
    names = google_names(config, norm)
    unmatched = {name for name in values if not name.startswith("classifier")} ^ {*names.values()}
    variables = {
        google: values[name].T if google.endswith("/kernel") else values[name]
        for google, name in names.items()
    }
    write(folder / "model.ckpt", variables)
    read = published.read_values(published.resolve(str(folder), offline=True), shape, seed=0)
    equal = all(np.array_equal(read[name], values[name]) for name in names.values())
    shard = next(folder.glob("*.data-*"))
    shard.write_bytes(shard.read_bytes()[:100])
    truncated = refusal(folder, shape)
    shard.unlink()
    return {
        "unmatched": sorted(unmatched),
        "equal": equal,
        "truncated": truncated,
        "missing_shard": refusal(folder, shape),
    }


def refusal(folder: Path, shape: Architecture) -> str | None:
    """Return the error message of reading the folder; None without an error."""
    try:
        published.read_values(folder, shape, seed=0)
    except UsageMistake as error:
        return str(error)
    return None


if __name__ == "__main__":
    root = Path(sys.argv[1])
    answers = {
        "bert": round_trip(root / "bert", CONFIGS["bert"], "LayerNorm"),
        "mobilebert": round_trip(root / "mobilebert", CONFIGS["mobilebert"], "FakeLayerNorm"),
    }
    print(json.dumps(answers))  # noqa: T201 - the calling test reads it
