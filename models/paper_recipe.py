"""Make a FlatBuffer of the paper's recipe, to race against: `python -m models.paper_recipe`.

arXiv 2310.03971 runs MobileBERT (Sun et al. 2020) with dynamic int8 weights; published files of it
take rows of 128 tokens. The weights are random, so that the answers of this file are meaningless,
but its time is not: no kernel's time depends on the values. The file is made once and stored, which
takes 32 s of CPU time and 3.7 GB of memory on one x86-64 core. The file has 24.5 MB.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from models.artefact_names import FLATBUFFER
from models.build import ENVIRONMENT
from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.command_line import Parser, path, run_command
from models.corpus.tokenize import Encoded
from models.errors import EdgeproofError
from models.flatbuffers.schemes import scheme_named
from models.networks.architecture import MASK_VALUE, Architecture
from models.networks.parameters import initial_values
from models.processes.programs import run
from models.sources import hash_imports, sources_of
from models.store import PROJECT, Stage, Store, default_root, versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.runtime.binding import Binding

PAPER_RECIPE = "paper_recipe"
TOKENS = 128
SCHEME = "dynamic_wi8_afp32"
# google/mobilebert-uncased with three labels: 24,583,427 parameters.
SHAPE = Architecture(
    family="mobilebert",
    vocabulary=30_522,
    classes=3,
    positions=512,
    types=2,
    layers=24,
    hidden=512,
    heads=4,
    intermediate=512,
    activation="relu",
    normalization="no_norm",
    epsilon=1e-12,
    dropout=0.0,
    attention_dropout=0.0,
    classifier_dropout=0.0,
    initializer_range=0.02,
    mask_value=MASK_VALUE,
    pooled=False,
    embedding=128,
    bottleneck=128,
    attention_input="shared",
    feedforward_networks=4,
    trigram_embedding=True,
)
_MAKER = "models.paper_recipe:_make"
_SEED = 0
_SECONDS = 3600.0
_REMEDY = "Run again where TensorFlow is installed, with 4 GB of free memory"


def paper_stage() -> Stage:
    """Return the stage of the recipe's FlatBuffer, keyed by everything that decides its bytes."""
    recipe = {
        "network": SHAPE.describe(),
        "tokens": TOKENS,
        "scheme": SCHEME,
        "seed": _SEED,
        "source": hash_imports(_MAKER),
        "versions": versions(*sorted(sources_of(_MAKER).packages)),
    }
    return Stage(PAPER_RECIPE, recipe)


def paper_file(store: Store, say: Callable[[str], None]) -> Path:
    """Return the path of the recipe's FlatBuffer; a separate process makes it if it is missing.

    Args:
        store: the store of the file.
        say: called with a message if the file must be made.

    Raises:
        EdgeproofError: the file cannot be made, for example without TensorFlow.
    """
    stage = paper_stage()
    if not store.has(stage):
        store.require_writable()
        say("making the file of the paper's recipe to race against: a minute, once per store")
        ended = run(
            [sys.executable, "-m", "models.paper_recipe", f"--cache-dir={store.root}"],
            seconds=_SECONDS,
            remedy=_REMEDY,
            folder=PROJECT,
            environment=os.environ | ENVIRONMENT,
        )
        if ended.code:
            raise EdgeproofError(
                f"the file of the paper's recipe could not be made: {ended.last_error_line}",
                remedy=_REMEDY,
            )
    return store.artefact(stage).path(FLATBUFFER)


def paper_binding(file: Path) -> Binding:
    """Return which tensors of the recipe's FlatBuffer are its inputs and its output."""
    return binding_of(read_candidate(file), below=SHAPE.vocabulary, length=TOKENS)


def with_paper_rows(tokenizer: str) -> str:
    """Return a tokenizer with the recipe's row length, and otherwise unchanged.

    Args:
        tokenizer: JSON of the `tokenizers` library, with any row length.

    Raises:
        EdgeproofError: the tokenizer's ids exceed MobileBERT's table of word vectors.
    """
    document: dict[str, Any] = json.loads(tokenizer)
    words = _words_of(document)
    if words > SHAPE.vocabulary:
        raise EdgeproofError(
            f"the tokenizer gives {words:,} ids, but the paper's network takes only "
            f"{SHAPE.vocabulary:,}",
            remedy="Remove the goal: its race needs texts that both files can read",
        )
    usual = {"direction": "Right", "pad_to_multiple_of": None}
    token = {"pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    padding = usual | token | (document.get("padding") or {})
    document["padding"] = padding | {"strategy": {"Fixed": TOKENS}}
    cut = {"direction": "Right", "strategy": "LongestFirst", "stride": 0}
    truncation = cut | (document.get("truncation") or {})
    document["truncation"] = truncation | {"max_length": TOKENS}
    return json.dumps(document)


def _words_of(document: dict[str, Any]) -> int:
    """Return how many embeddings a tokenizer needs: its largest id plus one."""
    vocabulary = document["model"]["vocab"]
    ids = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
    added = (token["id"] for token in document.get("added_tokens") or ())
    return 1 + max((*ids, *added), default=-1)


def _make(out: Path) -> None:
    from models.building.convert import convert  # noqa: PLC0415 - imports TensorFlow

    no_rows = np.zeros((0, TOKENS), np.int32)
    calibration = Encoded(no_rows, no_rows, no_rows, np.zeros(0, np.int32))
    values = initial_values(SHAPE, _SEED)
    files = convert(scheme_named(SCHEME), SHAPE, values, (TOKENS,), calibration)
    (out / FLATBUFFER).write_bytes(files)


def main(arguments: list[str] | None = None) -> int:
    """Make the recipe's FlatBuffer if the store lacks it, and print its path."""
    parser = Parser(prog="python -m models.paper_recipe", description=__doc__)
    parser.add_argument(
        "--cache-dir", type=path, default=default_root(), help="the store (default: %(default)s)"
    )
    store = Store(parser.parse_args(arguments).cache_dir)
    store.get(paper_stage(), _make, waiting=lambda line: print(line, file=sys.stderr))  # noqa: T201 - progress on stderr
    sys.stdout.write(f"{store.artefact(paper_stage()).path(FLATBUFFER)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
