"""Compare the time model in `models/shrinking/cost.py` with measured answers on this machine.

Networks run in turns with the paper's recipe, at each of their lengths, on one thread. Their
weights are random, and their shapes were not used to fit the rates of the time model. The
fastest answer at each length counts, because slower answers include delays by other work of the
machine.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.building import in_own_process
from benchmarks.limits import judged
from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.input_roles import IDS, LENGTH, MASK, SEGMENTS
from models.networks.architecture import from_table
from models.paper_recipe import PAPER_RECIPE, TOKENS, paper_binding, paper_file
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from models.shrinking.cost import TEXT, paper_time, text_time
from models.store import Store, default_root
from models.subjects import NetworkTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.networks.architecture import Architecture

    Rows = dict[str, NDArray[np.int32]]

BACKENDS = ("ai_edge_litert", "litert-cpu")
SCHEME = "dynamic_wi4_afp32"
LENGTHS = (16, 24, 32, 48, 64)
# Layers, heads, units of each layer, and width of the word vectors.
SHAPES = (
    (1, 12, 640, 64),
    (2, 12, 128, 64),
    (2, 6, 512, 64),
    (3, 6, 1024, 384),
    (4, 12, 1536, 384),
)
WORDS, HIDDEN, HEAD = 3000, 384, 32
# Answers per length in one turn, and number of turns.
ANSWERS, TURNS = 10, 30
# The processor feature that the estimate assumes: multiplication of tiles of eight-bit integers.
PROCESSOR = "amx_int8"


def measure_times() -> dict[str, Any]:
    """Return measured and estimated times by backend and shape, and the largest error."""
    shapes = {
        f"{layers} x {units}, {heads} heads": shape_of(layers, heads, units, width)
        for layers, heads, units, width in SHAPES
    }
    paper = paper_file(Store(default_root()), _say)
    with tempfile.TemporaryDirectory() as folder:
        in_own_process(_make, shapes, folder)
        files = {name: Path(folder) / f"{name}.tflite" for name in shapes}
        rows_of = {backend: _compare(backend, shapes, files, paper) for backend in BACKENDS}
    worst = max(abs(row["error"]) for rows in rows_of.values() for row in rows.values())
    if PROCESSOR not in Path("/proc/cpuinfo").read_text(encoding="utf-8").split():
        return {
            "backends": rows_of,
            "largest_error": worst,
            "not_judged": f"this processor lacks {PROCESSOR}, for which the rates hold",
        }
    return judged("times", {"largest_error": worst}, {"backends": rows_of})


def shape_of(layers: int, heads: int, units: int, width: int) -> Architecture:
    """Return a network that `[shrunk]` makes from MiniLM.

    Args:
        layers: number of layers.
        heads: number of attention heads in each layer.
        units: number of units in each layer's feed-forward network.
        width: size of the word vectors.
    """
    all_heads = HIDDEN // HEAD
    network = NetworkTable(
        family="bert",
        layers=layers,
        hidden=HIDDEN,
        heads=all_heads,
        intermediate=units,
        activation="relu",
        normalization="layer_norm",
    )
    published = from_table(network, vocabulary=WORDS, classes=3, positions=LENGTHS[-1])
    return replace(
        published,
        family="bert" if width == HIDDEN else "mobilebert",
        embedding=width,
        heads=heads,
        attention_width=None if heads == all_heads else heads * HEAD,
        first_token_last=True,
    )


def _make(shapes: dict[str, Architecture], folder: str) -> None:
    from models.building.convert import convert  # noqa: PLC0415 - imports TensorFlow
    from models.corpus.tokenize import Encoded  # noqa: PLC0415 - imported only in a separate process
    from models.flatbuffers.schemes import scheme_named  # noqa: PLC0415 - likewise
    from models.networks.parameters import initial_values  # noqa: PLC0415 - likewise

    draw = np.random.default_rng(0)
    ones = np.ones((2, LENGTHS[-1]), np.int32)
    # The file gets its shorter lengths only if calibration texts fit them.
    mask = (np.arange(LENGTHS[-1]) < LENGTHS[0]).astype(np.int32) * ones
    calibration = Encoded(ids=ones, mask=mask, segments=ones * 0, labels=np.array([0, 1], np.int32))
    for name, shape in shapes.items():
        # Random differences make all vectors of a file distinct, as in trained weights.
        values = {
            key: (value + 0.05 * draw.normal(size=value.shape)).astype(np.float32)
            for key, value in initial_values(shape, seed=0).items()
        }
        files = convert(scheme_named(SCHEME), shape, values, LENGTHS, calibration)
        Path(folder, f"{name}.tflite").write_bytes(files)


def _compare(
    backend: str, shapes: dict[str, Architecture], files: dict[str, Path], paper: Path
) -> dict[str, Any]:
    """Return estimated and measured times for the paper's recipe, and for each shape and length."""
    with Runner(LocalTransport(), backend) as runner:
        runner.load(PAPER_RECIPE, paper, binding=paper_binding(paper))
        for name, file in files.items():
            binding = binding_of(read_candidate(file), below=WORDS, length=LENGTHS[-1])
            runner.load(name, file, binding=binding)
        measured = _in_turns(runner, list(files))
    recipe = measured[PAPER_RECIPE, TOKENS]
    rows = {PAPER_RECIPE: _row(paper_time(), recipe, recipe)}
    for name, shape in shapes.items():
        for length in LENGTHS:
            row = _row(text_time(shape, length), measured[name, length], recipe)
            rows[f"{name}, {length} tokens"] = row
    return rows


def _in_turns(runner: Runner, names: list[str]) -> dict[tuple[str, int], float]:
    """Return the microseconds for a text, by model and length.

    They are the time of the fastest answer of the graph, plus `TEXT` for the work outside of it.
    """
    pairs = [(name, length) for name in names for length in LENGTHS] + [(PAPER_RECIPE, TOKENS)]
    times: dict[tuple[str, int], list[float]] = {pair: [] for pair in pairs}
    for _ in range(TURNS):
        for name, length in pairs:
            rows = _rows(length, LENGTHS[-1] if name in names else TOKENS)
            times[name, length] += runner.answer(name, rows).invoke_ns.tolist()
    return {pair: min(ns) / 1e3 + TEXT for pair, ns in times.items()}


def _rows(length: int, longest: int) -> Rows:
    """Return rows of `length` tokens, and the length itself for a file with several lengths."""
    ids = np.ones((ANSWERS, longest), np.int32)
    mask = np.tile((np.arange(longest) < length).astype(np.int32), (ANSWERS, 1))
    rows = {IDS: ids, MASK: mask, SEGMENTS: np.zeros_like(ids)}
    return rows if longest == TOKENS else rows | {LENGTH: np.full(ANSWERS, length, np.int32)}


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _row(estimated: float, measured: float, recipe: float) -> dict[str, float]:
    return {
        "estimated_us": round(estimated, 1),
        "measured_us": round(measured, 1),
        "estimated_times_paper": round(paper_time() / estimated, 1),
        "measured_times_paper": round(recipe / measured, 1),
        "error": round(estimated / measured - 1, 3),
    }
