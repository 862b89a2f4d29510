"""Where a quantized FlatBuffer leaves the float32 one: `python -m models.localize`.

Both files answer the same texts with every tensor kept. For each operator of the quantized file
whose tensor the other has too: how many NaN and Inf it holds, counted first because no ratio means
anything beside them; its signal-to-quantization-noise ratio; its cosine. Of all operators of the
quantized file, whether the other has them or not: the first that gives NaN or Inf. Where there is
none, and the scheme is static: the smallest set of kinds of operators whose return to float mends
the answers.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.commands import run_command
from models.flatbuffers.constants import Constants
from models.flatbuffers.graph import Graph
from models.flatbuffers.leveling import level
from models.flatbuffers.observing import Observer, ranges_of
from models.flatbuffers.reading import read_contents
from models.flatbuffers.recipes import quantize
from models.flatbuffers.schemes import scheme_named
from models.flatbuffers.signature import NAMES
from models.numpy_files import open_npz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.flatbuffers.observing import Samples
    from models.flatbuffers.schemes import Scheme

    Array = NDArray[np.float32]

# Noise of a tenth: from here on labels flip.
DIVERGED_DB = 20.0
# Texts that the curve is drawn from: more change it by fractions of a decibel.
CURVE_TEXTS = 8
LARGEST_SET = 2
# They round nothing of their own.
MOVES = {"RESHAPE", "TRANSPOSE"}
UNPACKS = "DEQUANTIZE"


@dataclass
class _Difference:
    """Sums over texts, from which a point of the curve is made."""

    nan: int = 0
    inf: int = 0
    signal: float = 0.0
    noise: float = 0.0
    product: float = 0.0
    found: float = 0.0

    def add(self, expected: Array, found: Array) -> None:
        self.nan += int(np.isnan(found).sum())
        self.inf += int(np.isinf(found).sum())
        reference, candidate = expected.astype(np.float64), found.astype(np.float64)
        self.signal += float((reference**2).sum())
        self.noise += float(((reference - candidate) ** 2).sum())
        self.product += float((reference * candidate).sum())
        self.found += float((candidate**2).sum())

    def point(self) -> dict[str, Any]:
        """NaN and Inf; in their absence SQNR in dB (None: without either) and cosine."""
        counts: dict[str, Any] = {"nan": self.nan, "inf": self.inf}
        if self.nan or self.inf:
            return counts | {"sqnr_db": None, "cosine": None}
        ratio = self.signal / self.noise if self.noise and self.signal else None
        length = (self.signal * self.found) ** 0.5
        return counts | {
            "sqnr_db": None if ratio is None else round(float(10 * np.log10(ratio)), 1),
            "cosine": round(self.product / length, 6) if length else None,
        }


def error_curve(reference: bytes, candidate: bytes, samples: Samples) -> list[dict[str, Any]]:
    """Return one point for each operator whose tensor both files have, in execution order."""
    known = set(Graph(reference).written())
    operators = [one for one in Graph(candidate).outputs() if one[1] in known]
    names = [name for _, name in operators]
    differences = {name: _Difference() for name in names}
    pairs = zip(
        Observer(reference).each(samples, names),
        Observer(candidate).each(samples, names),
        strict=True,
    )
    for expected, found in pairs:
        for name, difference in differences.items():
            if expected[name].shape == found[name].shape:
                difference.add(expected[name], found[name])
    return [
        {"operator": kind, "tensor": name} | differences[name].point() for kind, name in operators
    ]


def first_divergence(curve: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first point with NaN or Inf, else with less than `DIVERGED_DB` of signal."""
    broken = (point for point in curve if point["nan"] or point["inf"])
    known = (point for point in curve if point["sqnr_db"] is not None)
    noisy = (point for point in known if point["sqnr_db"] < DIVERGED_DB)
    return next(itertools.chain(broken, noisy), None)


def first_not_finite(reference: bytes, candidate: bytes, samples: Samples) -> dict[str, Any] | None:
    """Return the first operator of a file that gives NaN or Inf, in execution order.

    Infinities that the reference has in the same tensor, such as a mask of -inf, are no fault.
    """
    meant = {} if reference == candidate else _not_finite(reference, samples)
    found = _not_finite(candidate, samples)
    kinds = {name: kind for kind, name in Graph(candidate).outputs()}
    first = next((name for name in found if name not in meant), None)
    if first is None:
        return None
    nan, inf = found[first]
    return {"operator": kinds[first], "tensor": first, "nan": nan, "inf": inf, "sqnr_db": None}


def _not_finite(flatbuffer: bytes, samples: Samples) -> dict[str, tuple[int, int]]:
    """Return how many NaN and Inf a file's tensors hold, by name; those that hold some."""
    names = list(dict.fromkeys(Graph(flatbuffer).written()))
    counts = {name: np.zeros(2, np.int64) for name in names}
    unpacked = _unpacked(flatbuffer)
    for values in Observer(flatbuffer).each(samples, names):
        for name, array in (values | unpacked).items():
            counts[name] += np.isnan(array).sum(), np.isinf(array).sum()
    return {name: (int(nan), int(inf)) for name, (nan, inf) in counts.items() if nan or inf}


def _unpacked(flatbuffer: bytes) -> dict[str, Array]:
    """Return what DEQUANTIZE makes of constants, by the name of what it writes.

    The runtime fuses these operators with what reads them: in their tensors stands anything.
    """
    constants = Constants(flatbuffer)
    contents = read_contents(Path("the FlatBuffer"), flatbuffer)
    found = {}
    for operator in contents.operators:
        source = operator.inputs[0] if operator.name == UNPACKS and operator.inputs else None
        # What is stored as float16 can overflow; an integer times its scale cannot.
        if source is not None and source.dtype == "float16":
            values = constants.of(source)
            if values is not None:
                found[operator.outputs[0].name] = values
    return found


def mending(  # noqa: PLR0913, PLR0917 - what conversion takes, and what is compared
    reference: bytes,
    scores: frozenset[str],
    scheme: Scheme,
    calibration: Samples,
    texts: Samples,
    enough: float,
) -> Iterator[dict[str, Any]]:
    """Yield sets of kinds of operators returned to float, smallest first, until one mends it.

    Args:
        reference: the float32 FlatBuffer, leveled where the scheme is.
        scores: names of its attention scores.
        scheme: a static one.
        calibration: texts to find ranges on.
        texts: texts to compare labels on.
        enough: the share of labels that have to agree.
    """
    graph, observer = Graph(reference), Observer(reference, scores)
    expected = observer.answers(texts).argmax(axis=1)
    ranges = ranges_of(graph, observer, calibration)
    for kinds in _sets(scheme, graph):
        remade = quantize(reference, scheme, ranges, floats=kinds)
        agreement = float((Observer(remade).answers(texts).argmax(axis=1) == expected).mean())
        yield {"operators": list(kinds), "agreement": agreement}
        if agreement >= enough:
            return


def _sets(scheme: Scheme, graph: Graph) -> Iterator[tuple[str, ...]]:
    named = {operator for rule in scheme.rules for operator in rule.operators}
    present = {kind for kind, _ in graph.outputs()}
    kinds = sorted((present if "*" in named else named & present) - MOVES)
    for size in range(1, LARGEST_SET + 1):
        yield from itertools.combinations(kinds, size)


def localize(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the curve, where it first diverges, and what was tried to mend it."""
    reference, candidate = arguments.reference.read_bytes(), arguments.candidate.read_bytes()
    scheme = scheme_named(arguments.scheme)
    with open_npz(arguments.texts, remedy="Run again: the file is written for each run") as held:
        calibration, texts = (_samples(held, split) for split in ("calibration", "test"))
    few = texts[:CURVE_TEXTS]
    broken = first_not_finite(reference, candidate, few)
    if broken is not None:  # no noise is looked for beside it, and nothing tried to mend that
        curve = error_curve(reference, candidate, few)
        return _answer(scheme, texts, curve) | {"not_finite": broken}
    scores: frozenset[str] = frozenset()
    if scheme.leveled:  # what leveling moved is no error
        reference, scores = level(reference, calibration)
    curve = error_curve(reference, candidate, few)
    given = reference, scores, scheme, calibration, texts, arguments.enough
    tried = list(mending(*given)) if scheme.calibrated else []
    mended = (
        tried[-1]["operators"] if tried and tried[-1]["agreement"] >= arguments.enough else None
    )
    return _answer(scheme, texts, curve) | {"mended_by_float": mended, "tried": tried}


def _answer(scheme: Scheme, texts: Samples, curve: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "scheme": scheme.name,
        "texts": len(texts),
        "diverges_at": first_divergence(curve),
        "diverged_db": DIVERGED_DB,
        "curve": curve,
    }


def _samples(held: Any, split: str) -> Samples:
    """Return the inputs [1, tokens] of each text of a split, kept as `SPLIT_ROLE`, by name."""
    columns = {name: held[f"{split}_{role}"] for role, name in NAMES.items()}
    rows = min(len(column) for column in columns.values())
    return [
        {name: column[row : row + 1] for name, column in columns.items()} for row in range(rows)
    ]


def main() -> int:
    """Write the answer to the file named last; what the libraries print goes elsewhere."""
    parser = argparse.ArgumentParser(prog="python -m models.localize", description=__doc__)
    parser.add_argument("reference", type=Path, help="the float32 FlatBuffer")
    parser.add_argument("candidate", type=Path, help="the quantized FlatBuffer")
    parser.add_argument("scheme", help="of the candidate")
    parser.add_argument("texts", type=Path, help="an .npz of calibration_* and test_* inputs")
    parser.add_argument("enough", type=float, help="share of labels that have to agree (0..1)")
    parser.add_argument("answer", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    arguments.answer.write_text(json.dumps(localize(arguments), indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
