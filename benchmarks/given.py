"""Measure how long judging an existing file takes: 1 MB, 2,000 texts."""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.limits import judged
from models.store import PROJECT
from suites.meta.flatbuffer_writer import Model, Scalar, f32

TEXTS = 2_000
# The word vectors, 30,000 rows of 8 float32 values, take 0.96 MB.
_ROWS, _WIDTH, _TOKENS, _LABELS = 30_000, 8, 64, ("bad", "fair", "good")
_SPECIAL = ("", "[UNK]")
_WRONG = 0.05


def measure_given() -> dict[str, Any]:
    """Return the seconds to the first verdict and to the last one, and the CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        options = _write(Path(folder))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        first, total = _judge(options, Path(folder))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = {"first_verdict": first, "whole": total}
    return judged("given", figures, {"cpu_seconds": processor, "texts": TEXTS})


def _judge(options: list[str], folder: Path) -> tuple[float, float]:
    """Run the suite with these options; return the seconds to the first verdict and to the end."""
    command = [sys.executable, "-m", "pytest", "suites", "--ignore=suites/meta", "-v"]
    command += ["-p", "no:cacheprovider", "--color=no", *options]
    command += [f"--edge-cache-dir={folder / 'store'}", f"--edge-report-dir={folder / 'report'}"]
    first, started = None, time.perf_counter()
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env=environment
    ) as run:
        lines = []
        for line in run.stdout or ():
            lines.append(line)
            if first is None and "::" in line and " PASSED" in line:
                first = time.perf_counter() - started
    total = time.perf_counter() - started
    if first is None or run.returncode != 0:
        raise RuntimeError(f"exit code {run.returncode}:\n{''.join(lines[-40:])}")
    return first, total


def _write(folder: Path) -> list[str]:
    """Write the classifier, its texts and vocabulary; return the options that name them."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(_ROWS, _WIDTH)).astype(np.float32)
    head = rng.normal(size=(len(_LABELS), _WIDTH)).astype(np.float32)
    words = [*_SPECIAL, *(f"word{number}" for number in range(len(_SPECIAL), _ROWS))]
    (folder / "given.tflite").write_bytes(_flatbuffer(table, head))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    ids = rng.integers(len(_SPECIAL), _ROWS, size=(TEXTS, _TOKENS))
    for row, length in enumerate(rng.integers(8, _TOKENS, size=TEXTS)):
        ids[row, length:] = 0
    labels = (table[ids].mean(axis=1) @ head.T).argmax(axis=1)
    wrong = rng.random(TEXTS) < _WRONG
    labels[wrong] = (labels[wrong] + 1) % len(_LABELS)
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        for row, label in zip(ids, labels, strict=True):
            writer.writerow((" ".join(words[token] for token in row if token), _LABELS[label]))
    return [
        f"--edge-flatbuffer=given={folder / 'given.tflite'}",
        f"--edge-corpus={folder / 'texts.csv'}",
        f"--edge-tokenizer={folder / 'vocab.txt'}",
        f"--edge-labels={','.join(_LABELS)}",
    ]


def _flatbuffer(table: Any, head: Any) -> bytes:
    """Return a classifier that averages the vectors of its words."""
    model = Model()
    ids = model.tensor("ids", (1, _TOKENS), "int32")
    rows = model.tensor("table", table.shape, values=table)
    axis = model.tensor("axis", (1,), "int32", values=[1])
    weights = model.tensor("head", head.shape, values=head)
    embedded = model.tensor("embedded", (1, _TOKENS, _WIDTH))
    mean = model.tensor("mean", (1, _WIDTH))
    dense = model.tensor("dense", (1, len(_LABELS)))
    out = model.tensor("probabilities", (1, len(_LABELS)))
    model.operator("GATHER", [rows, ids], [embedded], options=("GatherOptions", {0: _ZERO}))
    model.operator("MEAN", [embedded, axis], [mean], options=("ReducerOptions", {}))
    model.operator(
        "FULLY_CONNECTED", [mean, weights, -1], [dense], options=("FullyConnectedOptions", {})
    )
    model.operator("SOFTMAX", [dense], [out], options=("SoftmaxOptions", {0: f32(1.0)}))
    model.sign({"ids": ids}, {"probabilities": out})
    model.end_graph([ids], [out])
    return model.pack()


_ZERO = Scalar("Int32", 0)
