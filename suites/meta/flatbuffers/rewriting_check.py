"""Rewrite the FlatBuffer of a random network with outliers, and print the results.

It runs in a separate process, because pytest does not import TensorFlow. In every layer, the values
of one unit of the feed-forward network and of one attention channel are a hundred times larger than
usual. The next layer divides by this factor, so in exact arithmetic the outliers change nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.building import convert
from models.corpus.tokenize import Encoded
from models.flatbuffers.added_constants import store_added_constants
from models.flatbuffers.graph import CODES, Graph
from models.flatbuffers.observing import Observer, ranges_of
from models.flatbuffers.outlier_smoothing import level
from models.flatbuffers.schemes import scheme_named
from models.networks.architecture import from_table
from models.subjects import NetworkTable
from suites.meta.networks.weights import random_values

if TYPE_CHECKING:
    from models.networks.architecture import Architecture

TOKENS, TEXTS, VOCABULARY, HIDDEN, HEADS = 16, 24, 90, 256, 4
OUTLIER, TIMES = 7, 100.0
# Layers whose output has outliers, and the layers that read it.
LOUD = {"intermediate.dense": "output.dense", "attention.self.value": "attention.output.dense"}


def make_shape() -> Architecture:
    """Return a post-norm encoder of two layers."""
    table = NetworkTable(
        family="bert",
        layers=2,
        hidden=HIDDEN,
        heads=HEADS,
        intermediate=64,
        activation="relu",
        normalization="layer_norm",
    )
    return from_table(table, vocabulary=VOCABULARY, classes=3, positions=TOKENS)


def make_values(shape: Architecture) -> dict[str, Any]:
    """Return random weights with outliers."""
    values = random_values(shape, gain=1.5)
    for layer in range(shape.layers):
        for loud, reader in LOUD.items():
            prefix = f"encoder.layer.{layer}"
            values[f"{prefix}.{loud}.weight"][OUTLIER] *= TIMES
            values[f"{prefix}.{loud}.bias"][OUTLIER] *= TIMES
            values[f"{prefix}.{reader}.weight"][:, OUTLIER] /= TIMES
    return values


def make_texts() -> Encoded:
    """Return random texts of random lengths."""
    generator = np.random.default_rng(6)
    ids = generator.integers(5, VOCABULARY, (TEXTS, TOKENS)).astype(np.int32)
    lengths = generator.integers(4, TOKENS + 1, TEXTS)
    mask = (np.arange(TOKENS) < lengths[:, None]).astype(np.int32)
    return Encoded(ids * mask, mask, np.zeros_like(ids), np.zeros(TEXTS, np.int32))


class Check:
    """The network, its float32 FlatBuffer, and the answers that this FlatBuffer gives."""

    def __init__(self) -> None:
        self.shape, self.texts = make_shape(), make_texts()
        self.values = make_values(self.shape)
        self.samples = convert._samples(self.texts)
        self.plain = self.made("float32")
        self.exact = Observer(self.plain).answers(self.samples)

    def made(self, scheme: str, **changes: Any) -> bytes:
        """Return the FlatBuffer under a scheme with some of the scheme's fields changed."""
        changed = msgspec.structs.replace(scheme_named(scheme), **changes)
        return convert.convert(changed, self.shape, self.values, (TOKENS,), self.texts)

    def error(self, flatbuffer: bytes) -> float:
        """Return the largest error of a logit, in standard deviations of the float32 logits."""
        missed = np.abs(Observer(flatbuffer).answers(self.samples) - self.exact).max()
        return float(missed / self.exact.std())

    def leveled(self) -> dict[str, Any]:
        """Return the effect of outlier smoothing on the logits and on the outliers."""
        leveled, scores = level(self.plain, self.samples)
        return {
            "error": self.error(leveled),
            "scores": sorted(scores),
            "worst_outlier_before": _spread(self.plain, self.samples),
            "worst_outlier_after": _spread(leveled, self.samples),
        }

    def static(self) -> dict[str, Any]:
        """Return the errors of a static 8-bit file, with and without outlier smoothing."""
        return {
            "leveled": self.error(self.made("static_wi8_ai8_dense")),
            "plain": self.error(self.made("static_wi8_ai8_dense", leveled=False)),
        }

    def addends(self) -> dict[str, Any]:
        """Return the effect of storing the position table as integers."""
        folded = store_added_constants(self.plain)
        # Compare with a packed file, because packing alone already stores equal scales only once.
        packed = Graph(self.plain).pack()
        return {
            "error": self.error(folded),
            "saved": len(packed) - len(folded),
            "kinds": [kind for kind, _ in Graph(folded).outputs()],
            "again": store_added_constants(folded) == folded,
            "table": TOKENS * HIDDEN,
        }

    def ranges(self) -> dict[str, bool]:
        """Return whether each written tensor has a range, and whether every range is ordered."""
        graph = Graph(self.plain)
        watched = ranges_of(graph, Observer(self.plain), self.samples)
        return {
            "all": set(watched) == set(graph.written()),
            "ordered": all(
                range_of_tensor["min"] <= range_of_tensor["max"]
                for range_of_tensor in watched.values()
            ),
        }

    def packing(self) -> bool:
        """Tell whether a graph gives bit for bit the same answers after it is packed again."""
        again = Observer(Graph(self.plain).pack()).answers(self.samples)
        return bool(np.array_equal(again, self.exact))


def main() -> None:
    """Print the results as JSON."""
    check = Check()
    parts = (check.leveled, check.static, check.addends, check.ranges, check.packing)
    print(json.dumps({part.__name__: part() for part in parts}))  # noqa: T201 - the calling test reads it


def _spread(flatbuffer: bytes, samples: Any) -> float:
    """Return the largest channel's maximum over the median one's, for the worst dense input."""
    graph, observer = Graph(flatbuffer), Observer(flatbuffer)
    sources = {
        graph.name(int(operator.inputs[0])) for operator in graph.operators(CODES.FULLY_CONNECTED)
    }
    reach: dict[str, Any] = {}
    for values in observer.each(samples, sources):
        for name, array in values.items():
            largest = np.abs(array.reshape(-1, array.shape[-1])).max(axis=0)
            reach[name] = np.maximum(reach.get(name, 0), largest)
    return max(
        float(reach_of_tensor.max() / np.median(reach_of_tensor))
        for reach_of_tensor in reach.values()
    )


if __name__ == "__main__":
    main()
