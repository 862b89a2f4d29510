"""Find where a file deviates from its reference: `python -m models.localizing REQUEST ANSWER`.

Both files classify the same texts, and all their tensors are read. The answer contains the noise
and the numbers of NaN and Inf for each operator whose output tensor exists in both files, and the
first operator that gives NaN or Inf. If there is none, and the scheme is static, it also contains
the smallest set of kinds of operators that, computed in float, correct the answers. REQUEST and
ANSWER are JSON files.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.command_line import run_command
from models.files.numpy_files import read_npz
from models.flatbuffers.schemes import SCHEMES
from models.flatbuffers.signature import NAMES
from models.input_roles import IDS
from models.localizing.curve import (
    DIVERGED_DB,
    File,
    error_curve,
    first_divergence,
    first_not_finite,
)
from models.localizing.files import answer_file
from models.localizing.matching import match
from models.localizing.mending import mending, why_not_tried
from models.localizing.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.flatbuffers.schemes import Scheme
    from models.localizing.watching import Rows

# Maximum number of texts with NaN or infinity to examine: more of them show the same operator.
MOST_BROKEN = 8
REFERENCE, CANDIDATE = "reference", "candidate"
CALIBRATION, TEST, CURVE = "calibration", "test", "curve"
FINITE = (
    "computed operator by operator (by ai-edge-litert without XNNPACK), {} texts have finite "
    "answers"
)
STOOD_IN = "there is no calibration split, so ranges were found on texts of the test split"


class Fed(msgspec.Struct, frozen=True):
    """A FlatBuffer with the roles of its inputs.

    Attributes:
        file: path of the file.
        binding: roles of its inputs, as in a runner's request.
    """

    file: str
    binding: dict[str, Any]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the request file.

    Attributes:
        candidate: the judged file.
        reference: the file to compare with; None if there is none.
        not_finite: whether answers of the candidate contain NaN or Inf; if so, only texts with such
            answers are used.
        texts: path of an .npz of inputs [n, tokens], whose names have the form FILE_SPLIT_ROLE.
            FILE is `reference` or `candidate`. SPLIT is `calibration`, `test` or `curve`; `curve`
            contains the texts for the error curve.
        scheme: name of the candidate's scheme, if it is known.
        leveled: whether the candidate was made from a leveled reference (outlier smoothing), as
            edgeproof's own variants are.
        enough: the share of labels (0..1) that must agree.
    """

    candidate: Fed
    reference: Fed | None
    not_finite: bool
    texts: str
    scheme: str | None
    leveled: bool
    enough: float


def localize(request: Request) -> dict[str, Any]:
    """Return the error curve, its first divergence, and the operators that repair it in float.

    Raises:
        Refusal: the runtime cannot run one of the files.
    """
    texts_by_name = read_npz(
        Path(request.texts), remedy="Run again: edgeproof writes this file anew for each run"
    )
    candidate = _open(request.candidate, _rows(texts_by_name, CANDIDATE, CURVE))
    curve = _rows(texts_by_name, REFERENCE, CURVE)
    if request.not_finite:
        wrong = _not_finite(candidate, _rows(texts_by_name, CANDIDATE, TEST))
        if not wrong.size:
            return {"not_localized": FINITE.format(len(texts_by_name[f"{CANDIDATE}_{TEST}_{IDS}"]))}
        candidate = replace(candidate, rows=_some(_rows(texts_by_name, CANDIDATE, TEST), wrong))
        curve = _some(_rows(texts_by_name, REFERENCE, TEST), wrong)
    if request.reference is None:
        return {"curve": [], "not_finite": first_not_finite(candidate)}
    scheme = SCHEMES.get(request.scheme or "")
    calibration, stood_in = _rows(texts_by_name, REFERENCE, CALIBRATION), False
    if not len(next(iter(calibration.values()), ())):
        calibration, stood_in = _rows(texts_by_name, REFERENCE, TEST), True
    reference = _open(request.reference, curve)
    matched = match(reference.contents, candidate.contents)
    broken = first_not_finite(candidate, reference, matched)
    if broken is None and request.not_finite:  # the reference gives NaN or infinity too
        broken = first_not_finite(candidate)
    if broken is not None:  # noise is not measured then, and repairs are not tried
        points = error_curve(reference, candidate, matched)
        return _answer(points, matched.by) | {"not_finite": broken}
    scores: frozenset[str] = frozenset()
    if scheme is not None and scheme.leveled and request.leveled:
        # Level the reference too: the values that leveling changes on purpose must not count as
        # errors.
        data, scores = _leveled(reference.data, calibration)
        watcher = Watcher(data, request.reference.binding)
        reference = File.of(data, watcher, reference.rows)
        matched = match(reference.contents, candidate.contents)
    answer = _answer(error_curve(reference, candidate, matched), matched.by)
    if scheme is None or not scheme.calibrated:
        return answer
    texts = _rows(texts_by_name, REFERENCE, TEST)
    return answer | _mended(request, reference.data, scheme, scores, calibration, texts, stood_in)


def _mended(  # noqa: PLR0913, PLR0917 - arguments of a conversion and a comparison
    request: Request,
    reference: bytes,
    scheme: Scheme,
    scores: frozenset[str],
    calibration: Rows,
    texts: Rows,
    stood_in: bool,  # noqa: FBT001 - called once, by position
) -> dict[str, Any]:
    """Return the sets of operator kinds that were tried in float, and the one that helped."""
    missing = why_not_tried(scheme)
    if missing is not None or request.reference is None:
        return {"notes": [missing or ""]}
    tried = []
    try:
        for attempt in mending(
            reference,
            request.reference.binding,
            scheme,
            calibration=calibration,
            texts=texts,
            enough=request.enough,
            scores=scores,
        ):
            tried.append(attempt)  # noqa: PERF402 - attempts before a failure are reported
    except Exception as error:  # noqa: BLE001 - the library raises any class of exception
        reason = " ".join(str(error).split())[:200] or repr(error)
        return {"tried": tried, "notes": [f"litert-quantizer cannot quantize it anew ({reason})"]}
    mends = bool(tried) and tried[-1]["agreement"] >= request.enough
    notes = [STOOD_IN] if stood_in else []
    mended = tried[-1]["operators"] if mends else None
    return {"mended_by_float": mended, "tried": tried, "notes": notes}


def _not_finite(candidate: File, texts: Rows) -> NDArray[np.intp]:
    """Return the indices of the first texts whose answers contain NaN or Inf."""
    values, _ = candidate.watcher.answers(texts)
    return np.flatnonzero(~np.isfinite(values).all(axis=1))[:MOST_BROKEN]


def _some(rows: Rows, chosen: NDArray[np.intp]) -> Rows:
    return {role: array[chosen] for role, array in rows.items()}


def _answer(curve: list[dict[str, Any]], by: str) -> dict[str, Any]:
    return {
        "matched": by,
        "diverges_at": first_divergence(curve),
        "diverged_db": DIVERGED_DB,
        "curve": curve,
    }


def _open(fed: Fed, rows: Rows) -> File:
    data = Path(fed.file).read_bytes()
    return File.of(data, Watcher(data, fed.binding), rows)


def _leveled(reference: bytes, calibration: Rows) -> tuple[bytes, frozenset[str]]:
    from models.flatbuffers.outlier_smoothing import level  # noqa: PLC0415 - only for leveled files

    columns = {name: calibration[role] for role, name in NAMES.items()}
    count = min(len(column) for column in columns.values())
    samples = [
        {name: column[row : row + 1] for name, column in columns.items()} for row in range(count)
    ]
    return level(reference, samples)


def _rows(texts_by_name: Mapping[str, NDArray[Any]], file: str, split: str) -> Rows:
    start = f"{file}_{split}_"
    return {
        name.removeprefix(start): texts_by_name[name]
        for name in texts_by_name
        if name.startswith(start)
    }


def main() -> int:
    """Read the request from the first file, and write the answer into the second."""
    return answer_file("python -m models.localizing", __doc__, Request, localize)


if __name__ == "__main__":
    sys.exit(run_command(main))
