"""Convert a small encoder under every scheme, and print the results.

It runs in a separate process, because pytest does not import a runtime.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers import quantizing
from models.flatbuffers.contract import (
    CONTRACTS,
    float_breaches,
    product_breaches,
    weight_breaches,
    zero_point_breaches,
)
from models.flatbuffers.gathers import with_gathers
from models.flatbuffers.graph import CODES, Graph
from models.flatbuffers.inspect import report_of
from models.flatbuffers.masks import LIMIT, clip_masks, needed_mask_range
from models.flatbuffers.observing import Observer, ranges_of
from models.flatbuffers.quantizing import UnsupportedSchemeError, make_variant
from models.flatbuffers.reading import read_contents
from models.flatbuffers.runtimes import minimum_runtime, version_key
from models.flatbuffers.schemes import SCHEMES
from models.flatbuffers.signature import NAMES
from models.flatbuffers.simplifying import simplify
from models.flatbuffers.token_axes import token_axes
from models.input_roles import IDS, MASK
from suites.meta.flatbuffers import converted_encoder as encoder

if TYPE_CHECKING:
    from models.flatbuffers.structure import FlatBufferReport

INTEGER = "static_wi8_ai8_integer"


class Check:
    """An encoder, its calibration texts, other texts, and the encoder's answers to the others."""

    def __init__(self) -> None:
        self.raw = encoder.converted_encoder()
        self.plain = simplify(self.raw)
        self.calibration, self.texts = encoder.texts(40), encoder.texts(40, seed=6)
        self.exact = Observer(self.raw).answers(self.texts)

    def simplified(self) -> dict[str, Any]:
        """Return what simplification removes, and whether it keeps the answers."""
        kinds = [{kind for kind, _ in Graph(file).outputs()} for file in (self.raw, self.plain)]
        return {
            "same": self._same(self.plain),
            "gone": sorted(kinds[0] - kinds[1]),
            "runtimes": [minimum_runtime(_report(file)) for file in (self.raw, self.plain)],
            "again": simplify(self.plain) == self.plain,
        }

    def axes(self) -> dict[str, list[int]]:
        """Return, by name of the tensor, the axes along which its tokens are."""
        graph = Graph(self.plain)
        axes = {
            graph.name(tensor): sorted(axes_of_tensor)
            for tensor, axes_of_tensor in token_axes(graph).items()
        }
        shown = (encoder.KEYS, encoder.SCORES, encoder.MASKED, encoder.WORDS)
        return {name: axes[name] for name in shown}

    def masks(self) -> dict[str, Any]:
        """Return the effect of clipping on the mask and on other readers of its constant."""
        clipped = clip_masks(self.plain)
        fills = {
            kind: [_fill(Graph(file), code) for file in (self.plain, clipped)]
            for kind, code in (("mask", CODES.SELECT_V2), ("other", CODES.MAXIMUM))
        }
        limit, ends = needed_mask_range(clipped, self.calibration)
        lowered = clip_masks(clipped, limit)
        return fills | {
            "same": self._same(clipped),
            "again": clip_masks(clipped) == clipped,
            "lowered": _fill(Graph(lowered), CODES.SELECT_V2),
            "end": ends[encoder.MASKED],
            "lowered_error": self._error(lowered),
        }

    def gathers(self) -> dict[str, Any]:
        """Return whether GATHER replaces every lookup, and whether its range covers unused rows."""
        gathered = with_gathers(self.plain)
        kinds = [kind for kind, _ in Graph(gathered).outputs()]
        words = ranges_of(Graph(gathered), Observer(gathered), self.calibration[:1])[encoder.WORDS]
        table = max(_tables(Graph(gathered)), key=len)
        return {
            "same": self._same(gathered),
            "left": kinds.count("EMBEDDING_LOOKUP"),
            "every_row": bool(words["min"] == table.min() and words["max"] == table.max()),
        }

    def schemes(self) -> dict[str, Any]:
        """Return the measured properties of the file of every scheme."""
        return {name: self._made(name) for name in SCHEMES}

    def faults(self) -> dict[str, Any]:
        """Return the results of the integer scheme with three faults.

        The mask is not clipped, the mask is clipped too much, or there are no calibration texts.
        """
        # The imported function is replaced in the importing module.
        replaced: Any = quantizing
        original, replaced.needed_mask_range = replaced.needed_mask_range, lambda *_: (LIMIT, {})
        wide = self._made(INTEGER)["error"]
        replaced.needed_mask_range = lambda *_: (LIMIT, {encoder.MASKED: -1.0})
        shallow = self._made(INTEGER)["padding_matters"]
        replaced.needed_mask_range = original
        try:
            make_variant(self.plain, SCHEMES[INTEGER], None)
        except UnsupportedSchemeError as error:
            return {"wide": wide, "shallow": shallow, "without_texts": error.what}
        return {"wide": wide, "shallow": shallow, "without_texts": None}

    def _made(self, scheme: str) -> dict[str, Any]:
        quantized = make_variant(self.plain, SCHEMES[scheme], self.calibration)
        report, contract = _report(quantized), CONTRACTS[scheme]
        newest = version_key(contract.runtime)
        return {
            "error": self._error(quantized),
            "bytes": len(quantized),
            "padding_matters": self._padding_matters(quantized),
            "breaches": [
                *product_breaches(contract, report),
                *weight_breaches(contract, report),
                *zero_point_breaches(report),
                *float_breaches(contract, report),
            ],
            "new_enough": version_key(minimum_runtime(report)) <= newest,
        }

    def _padding_matters(self, flatbuffer: bytes) -> bool:
        """Tell whether other ids in the padding change an answer."""
        ids, mask = NAMES[IDS], NAMES[MASK]
        padded = [text | {ids: np.where(text[mask], text[ids], 7)} for text in self.texts]
        observer = Observer(flatbuffer)
        return not np.array_equal(observer.answers(self.texts), observer.answers(padded))

    def _same(self, flatbuffer: bytes) -> bool:
        return bool(np.array_equal(Observer(flatbuffer).answers(self.texts), self.exact))

    def _error(self, flatbuffer: bytes) -> float:
        """Return the mean error of a logit, in standard deviations of the float32 logits."""
        answers = Observer(flatbuffer).answers(self.texts).astype(np.float64)
        (logits,) = _report(flatbuffer).signatures[0].outputs.values()
        if logits.quantization is not None:
            (scale,), (zero,) = logits.quantization.scales, logits.quantization.zero_points
            answers = (answers - zero) * scale
        return float(np.abs(answers - self.exact).mean() / self.exact.std())


def _report(flatbuffer: bytes) -> FlatBufferReport:
    path = Path("made.tflite")
    return report_of(path, flatbuffer, read_contents(path, flatbuffer))


def _tables(graph: Graph) -> list[Any]:
    return [graph.constant(int(operator.inputs[0])) for operator in graph.operators(CODES.GATHER)]


def _fill(graph: Graph, code: int) -> float:
    (operator,) = graph.operators(code)
    fill = graph.constant(int(operator.inputs[-1]))
    assert fill is not None
    return float(fill)


def main() -> None:
    """Print the results as JSON."""
    check = Check()
    parts = (check.simplified, check.axes, check.masks, check.gathers, check.schemes, check.faults)
    print(json.dumps({part.__name__: part() for part in parts}))  # noqa: T201 - the calling test reads it


if __name__ == "__main__":
    main()
