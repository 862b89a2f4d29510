"""Measure, operator by operator, how much a file's tensors differ from its reference's.

For each tensor, count NaN and Inf. If there are none, also compute the signal-to-quantization-noise
ratio and the cosine, which would be meaningless beside NaN or Inf.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.constants import Constants
from models.flatbuffers.reading import read_contents
from models.localizing.matching import written_by

if TYPE_CHECKING:
    from models.flatbuffers.structure import Contents
    from models.localizing.matching import Matched
    from models.localizing.watching import Array, Rows, Watcher

# SQNR in dB at which the noise has a tenth of the signal's amplitude. Below it, labels change.
DIVERGED_DB = 20.0
_UNPACKS = "DEQUANTIZE"


@dataclass(frozen=True)
class File:
    """A FlatBuffer, the watcher that runs it, and the texts that it classifies.

    Attributes:
        data: bytes of the file.
        contents: decoded contents of the file.
        watcher: runs the file and reads its tensors.
        rows: the texts, tokenized for the file.
    """

    data: bytes
    contents: Contents
    watcher: Watcher
    rows: Rows

    @classmethod
    def of(cls, data: bytes, watcher: Watcher, rows: Rows) -> File:
        """Create a `File` from the bytes of a FlatBuffer, and decode its contents."""
        return cls(data, read_contents(Path("the FlatBuffer"), data), watcher, rows)


@dataclass
class _Difference:
    """Sums over texts, from which a point of the curve is computed."""

    texts: int = 0
    nan: int = 0
    inf: int = 0
    signal: float = 0.0
    noise: float = 0.0
    product: float = 0.0
    found: float = 0.0

    def add(self, expected: Array, actual: Array) -> None:
        self.texts += 1
        self.nan += int(np.isnan(actual).sum())
        self.inf += int(np.isinf(actual).sum())
        reference, candidate = expected.astype(np.float64), actual.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            self.signal += float((reference**2).sum())
            self.noise += float(((reference - candidate) ** 2).sum())
            self.product += float((reference * candidate).sum())
            self.found += float((candidate**2).sum())

    def point(self) -> dict[str, Any]:
        """Return the numbers of NaN and Inf, and SQNR in dB and cosine; None if undefined."""
        counts: dict[str, Any] = {"nan": self.nan, "inf": self.inf}
        if self.nan or self.inf or not np.isfinite(self.noise):
            return counts | {"sqnr_db": None, "cosine": None}
        ratio = self.signal / self.noise if self.noise and self.signal else None
        length = (self.signal * self.found) ** 0.5
        return counts | {
            "sqnr_db": None if ratio is None else round(float(10 * np.log10(ratio)), 1),
            "cosine": round(self.product / length, 6) if length else None,
        }


def error_curve(reference: File, candidate: File, matched: Matched) -> list[dict[str, Any]]:
    """Return one point for each operator whose output both files have, in execution order."""
    expected = [written.tensor.index for written, _ in matched.pairs]
    actual = [written.tensor.index for _, written in matched.pairs]
    differences = [_Difference() for _ in matched.pairs]
    texts = zip(
        reference.watcher.at(reference.rows, expected),
        candidate.watcher.at(candidate.rows, actual),
        strict=True,
    )
    for references, candidates in texts:
        for difference, reference_index, candidate_index in zip(
            differences, expected, actual, strict=True
        ):
            if (
                reference_index in references
                and candidate_index in candidates
                and references[reference_index].shape == candidates[candidate_index].shape
            ):
                difference.add(references[reference_index], candidates[candidate_index])
    return [
        {"operator": written.operator, "tensor": written.shown} | difference.point()
        for (_, written), difference in zip(matched.pairs, differences, strict=True)
        if difference.texts
    ]


def first_divergence(curve: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first point with NaN or Inf, else the first with an SQNR below `DIVERGED_DB`."""
    broken = (point for point in curve if point["nan"] or point["inf"])
    measured = (point for point in curve if point["sqnr_db"] is not None)
    noisy = (point for point in measured if point["sqnr_db"] < DIVERGED_DB)
    return next(itertools.chain(broken, noisy), None)


def first_not_finite(
    candidate: File, reference: File | None = None, matched: Matched | None = None
) -> dict[str, Any] | None:
    """Return the first operator of a file that gives NaN or Inf, in execution order.

    Infinities that are also in the reference's tensor, such as a mask of -inf, do not count. NaN
    counts even if it is in the reference as well.
    """
    meant: set[int] = set()
    if reference is not None and matched is not None:
        infinite = {index for index, (_, inf) in _not_finite(reference).items() if inf}
        meant = {
            candidate_written.tensor.index
            for reference_written, candidate_written in matched.pairs
            if reference_written.tensor.index in infinite
        }
    counts = _not_finite(candidate)
    for written in written_by(candidate.contents):
        nan, inf = counts.get(written.tensor.index, (0, 0))
        if nan or (inf and written.tensor.index not in meant):
            point = {"operator": written.operator, "tensor": written.shown, "nan": nan, "inf": inf}
            return point | {"sqnr_db": None}
    return None


def _not_finite(file: File) -> dict[int, tuple[int, int]]:
    """Return how many NaN and how many Inf each tensor contains, by index, if it has any."""
    tensors = list(dict.fromkeys(entry.tensor.index for entry in written_by(file.contents)))
    counts = {index: np.zeros(2, np.int64) for index in tensors}
    unpacked = _unpacked(file)
    for values in file.watcher.at(file.rows, tensors):
        for index, array in (values | unpacked).items():
            counts[index] += np.isnan(array).sum(), np.isinf(array).sum()
    return {index: (int(nan), int(inf)) for index, (nan, inf) in counts.items() if nan or inf}


def _unpacked(file: File) -> dict[int, Array]:
    """Return the values of float16 constants, by the index of the tensor that DEQUANTIZE writes.

    The runtime fuses a DEQUANTIZE with the operators that read its output, so the values that it
    returns for this output are undefined.
    """
    constants = Constants(file.data)
    dequantized = {}
    for operator in file.contents.operators:
        mine = operator.subgraph == 0 and operator.name == _UNPACKS
        source = operator.inputs[0] if mine and operator.inputs else None
        # A stored float16 can be infinite; an integer times its scale cannot.
        if source is not None and source.dtype == "float16":
            values = constants.of(source)
            if values is not None:
                dequantized[operator.outputs[0].index] = values
    return dequantized
