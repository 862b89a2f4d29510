"""List every reader of files from outside.

To add a reader, write a function that reads a path, and decorate it with `@reader`. Its arguments
are the name of the file, a function that yields good files, a function that yields handmade bad
files, and a function that turns a good file into a bad one. Omit the last if changes of single
bytes are enough. Every good file must be accepted.
"""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from models.bundle.opening import open_bundle
from models.candidates.candidate import read_candidate
from models.candidates.texts import parse_columns, read_rows
from models.errors import EdgeproofError
from models.files.numpy_files import read_npy, read_npz
from models.flatbuffers.inspect import inspect
from models.flatbuffers.runtimes import minimum_runtime, unknown_operators
from models.networks import safetensors_file, tf1, torch_bin
from models.runner.framing import (
    LARGEST_ANSWER_ARRAYS,
    LARGEST_ANSWER_HEADER,
    FramingError,
    read_message,
)
from models.store import Store
from reports.documents.results import read_results
from suites.meta.fuzz import (
    arrays,
    bundles,
    checkpoint_tokenizers,
    checkpoints,
    onnx_files,
    recordings,
    tf1_files,
    tflites,
    user_files,
)
from suites.meta.fuzz import tokenizer_files as tokenizers
from suites.meta.fuzz.mutations import mutated_words
from suites.meta.fuzz.reader import READERS, reader

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["READERS"]

_REMEDY = "Make it again"


@reader(
    "pytorch_model.bin",
    seeds=checkpoints.torch_checkpoints,
    crafted=checkpoints.bad_torch_checkpoints,
    mutate=checkpoints.mutated_torch,
)
def torch(path: Path) -> object:
    """Read the weights of a PyTorch checkpoint."""
    return torch_bin.read(path, checkpoints.WANTED)


@reader(
    "model.safetensors",
    seeds=checkpoints.safetensors_files,
    crafted=checkpoints.bad_safetensors_files,
    mutate=checkpoints.mutated_safetensors,
)
def safetensors(path: Path) -> object:
    """Read the weights of a safetensors file."""
    return safetensors_file.read(path, checkpoints.WANTED)


@reader(
    tf1_files.INDEX,
    seeds=tf1_files.good_files,
    crafted=tf1_files.bad_files,
    mutate=tf1_files.mutated_index,
)
def tf1_checkpoint(path: Path) -> object:
    """Read the weights of a TensorFlow checkpoint by its index."""
    tf1_files.write_values(path.parent)
    return tf1.read(path, tf1_files.WANTED)


@reader(
    "board.edge",
    seeds=bundles.good_files,
    crafted=bundles.bad_files,
    mutate=bundles.mutated_bundle,
)
def bundle(path: Path) -> object:
    """Open a bundle and check its whole content."""
    board = path.parent.parent / "board"
    try:
        opened = open_bundle(path, Store(board))
        names = opened.manifest.backends[opened.manifest.main_backend].candidates
        golden = [opened.golden(opened.manifest.main_backend, name) for name in names]
        return opened.facts, opened.recorded, opened.artefacts(names), golden
    finally:
        shutil.rmtree(board, ignore_errors=True)


@reader("array.npy", seeds=arrays.npy_files, crafted=arrays.bad_npy_files)
def npy(path: Path) -> object:
    """Read numpy's file of one array."""
    return read_npy(path, remedy=_REMEDY)


@reader(
    "arrays.npz",
    seeds=arrays.npz_files,
    crafted=arrays.bad_npz_files,
    mutate=arrays.mutated_npz,
)
def npz(path: Path) -> object:
    """Read numpy's file of several arrays."""
    return read_npz(path, remedy=_REMEDY)


@reader(
    "message",
    seeds=arrays.messages,
    crafted=arrays.bad_messages,
    mutate=arrays.mutated_message,
)
def framing(path: Path) -> object:
    """Read a runner's answer; the client converts the error into one that names the runner."""
    with path.open("rb") as stream:
        try:
            return read_message(stream, LARGEST_ANSWER_HEADER, LARGEST_ANSWER_ARRAYS)
        except FramingError as error:
            raise EdgeproofError(str(error), remedy=_REMEDY) from None


@reader(
    "model.tflite",
    seeds=tflites.good_files,
    crafted=tflites.bad_files,
    mutate=mutated_words,
)
def tflite(path: Path) -> object:
    """Inspect a FlatBuffer."""
    report = inspect(path)
    return report, minimum_runtime(report), unknown_operators(report)


@reader(
    "model.tflite",
    seeds=tflites.networks,
    crafted=tflites.bad_networks,
    mutate=mutated_words,
)
def tflite_weights(path: Path) -> object:
    """Read the weights of a network out of a FlatBuffer."""
    return tflites.read_weights(path)


@reader("answers.jsonl", seeds=recordings.good_files, crafted=recordings.bad_files)
def recording(path: Path) -> object:
    """Read recorded answers in JSON lines."""
    return recordings.read(path)


@reader("answers.csv", seeds=recordings.good_tables, crafted=recordings.bad_tables)
def recorded_table(path: Path) -> object:
    """Read recorded answers in a CSV table."""
    return recordings.read(path)


for kind, files in tokenizers.KINDS.items():
    reader(
        files.name,
        name=f"{kind}_tokenizer",
        seeds=files.seeds,
        crafted=files.crafted,
        mutate=files.mutate,
    )(partial(tokenizers.read, kind=kind))


for name, its in checkpoint_tokenizers.KINDS.items():
    reader(its.name, name=name, seeds=its.seeds, crafted=its.crafted, mutate=its.mutate)(
        partial(checkpoint_tokenizers.read, family=its.family)
    )


@reader("texts.jsonl", seeds=user_files.texts, crafted=user_files.bad_texts)
def labelled_texts(path: Path) -> object:
    """Read a user's labelled texts."""
    return read_rows(parse_columns(path, "text=text,label=label,id=id"))


@reader(
    "results.json",
    seeds=user_files.results,
    crafted=user_files.bad_results,
    mutate=user_files.mutated_document,
)
def results(path: Path) -> object:
    """Read a results.json."""
    return read_results(path)


@reader(
    "given.tflite",
    seeds=user_files.classifiers,
    crafted=user_files.bad_classifiers,
    mutate=mutated_words,
)
def candidate(path: Path) -> object:
    """Find a classifier's inputs and output from its graph, signatures and metadata."""
    return read_candidate(path)


@reader("given.onnx", seeds=onnx_files.good_files, crafted=onnx_files.bad_files)
def onnx(path: Path) -> object:
    """Read an ONNX file of a reference."""
    return onnx_files.read(path)
