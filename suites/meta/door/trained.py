"""Provide files of real converters: networks trained by Keras, cached between runs.

Only the program `trained_files.py` imports TensorFlow. Its docstring lists the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from models.store import PROJECT
from suites.meta.scripts import printed_by

LABELS = ("negative", "neutral", "positive")
# Labels of the network with one sigmoid, whose score states whether a text is negative.
COMPLAINT = ("no", "yes")
LENGTH = 24
NETWORKS = ("average", "convolution", "recurrent", "model_maker")
# Without this corpus the networks are trained on generated texts.
AIRLINE = PROJECT.parent / "shared" / "data" / "airline" / "Tweets.csv"
PROGRAM = Path(__file__).with_name("trained_files.py")


def trained_files() -> Path:
    """Return the folder of the files, which are made if they are missing."""
    folder = _kept()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent))
        printed_by(PROGRAM, scratch, *([AIRLINE] if AIRLINE.exists() else []))
        try:
            scratch.rename(folder)
        except OSError:  # another process was faster, and its files are equivalent
            shutil.rmtree(scratch)
    return folder


def accuracy_of(folder: Path, network: str) -> float:
    """Return the accuracy that Keras measured for a network."""
    accuracies: dict[str, float] = json.loads((folder / "keras.json").read_text("utf-8"))
    return accuracies[network]


def _kept() -> Path:
    """Return the cache folder, whose name depends on these programs, the packages and the texts."""
    key = hashlib.sha256(PROGRAM.read_bytes() + Path(__file__).read_bytes())
    for package in ("tensorflow", "keras"):
        key.update(f"{package}={metadata.version(package)}".encode())
    key.update(AIRLINE.read_bytes() if AIRLINE.exists() else b"generated")
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "edgeproof" / "meta" / f"trained-{key.hexdigest()[:16]}"
