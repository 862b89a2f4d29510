"""Count the instructions for one answer of the small files on emulated ARM cores.

Each file is compared with the paper's recipe on the same core. The table also says how many of the
file's operators XNNPACK runs, and which instructions compute its products. Counts are not times,
because an emulator simulates neither caches nor pipelines. The emulators are downloaded into the
store.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.building import ENCODER, build, texts_of
from benchmarks.front import CORPORA, PAPER, plans_of
from models.artefact_names import FLATBUFFER
from models.candidates.binding import binding_of
from models.candidates.candidate import read_candidate
from models.corpus.artefact import TOKENIZER, load_encoded
from models.flatbuffers.schemes import REFERENCE
from models.input_roles import IDS, MASK, SEGMENTS
from models.paper_recipe import paper_binding, paper_file, with_paper_rows
from models.runtime.client import Runner
from models.runtime.counting import CountingTransport, count_instructions, prepare_counter
from models.runtime.predictions import inputs_of, rows_of
from models.store import Store, default_root
from models.targets.common.registry import find_target

if TYPE_CHECKING:
    from models.runtime.binding import Binding
    from models.runtime.counting import Counter
    from models.runtime.emulated import EmulatedTransport
    from models.runtime.predictions import Inputs

BOARDS = ("rpi3", "rpi4", "rpi5")
BACKEND = "ai_edge_litert"
# Texts per file, whose median is reported: with several row lengths, counts depend on the text.
TEXTS = 9
# The recipe's rows are always full, so that all its texts cost the same. The first one warms up and
# is not counted.
PAPER_TEXTS = 2
_SECONDS_TO_LOAD = 120.0
_MILLION = 1e6


def measure_arm() -> dict[str, Any]:
    """Return the counts of each file on each core; if ../shared is missing, return the reason."""
    missing = [str(file) for file in (ENCODER, *CORPORA.values()) if not file.exists()]
    if missing:
        return {"not_measured": f"{', '.join(missing)}: not there"}
    store = Store(default_root())
    files = _files(store)
    counter = prepare_counter(store, say=_say)
    counts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for board in BOARDS:
            transport = find_target(emulate=board).transport(store, offline=False, say=_say)
            counts[transport.core] = {
                name: _counted(transport, counter, Path(folder) / "counts", *facts)
                for name, facts in files.items()
            }
    for rows in counts.values():
        for row in rows.values():
            row["over_paper"] = rows[PAPER]["instructions"] / row["instructions"]
    sys.stderr.write(f"{table_of(counts)}\n")
    return counts


def table_of(counts: dict[str, dict[str, Any]]) -> str:
    """Return the counts as a Markdown table with a line for each file and core."""
    head = ("file", "core", "million instructions", "less than the paper's", "XNNPACK", "products")
    lines = [head, ("---",) * len(head)]
    for core, rows in counts.items():
        lines += [
            (
                name,
                core,
                f"{row['instructions'] / _MILLION:,.1f}",
                f"{row['over_paper']:.1f}x",
                f"{row['delegated']} of {row['operators']} operators",
                ", ".join(f"{share:.0%} {kind}" for kind, share in row["products"].items()),
            )
            for name, row in rows.items()
        ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _files(store: Store) -> dict[str, tuple[Path, Binding, Inputs]]:
    """Return every small file and the paper's recipe, with its binding and inputs."""
    files = {}
    for corpus, source in CORPORA.items():
        plans = plans_of(corpus, source)
        build(list(plans.values()), store)
        for name, plan in plans.items():
            split = load_encoded(store.artefact(plan.corpus))["test"]
            for scheme in (scheme for scheme in plan.variants if scheme != REFERENCE):
                file = store.artefact(plan.variants[scheme]).path(FLATBUFFER)
                spec = read_candidate(file)
                binding = binding_of(spec, below=None, length=spec.length or 0)
                lengths = spec.lengths or (split.ids.shape[1],)
                inputs = rows_of(inputs_of(split, binding.roles, lengths), slice(TEXTS))
                files[f"{name}, {scheme}"] = file, binding, inputs
    file = paper_file(store, _say)
    tokenizer = Tokenizer.from_str(with_paper_rows(store.artefact(plan.corpus).text(TOKENIZER)))
    texts = texts_of(plan, store)[:PAPER_TEXTS]
    rows = [tokenizer.encode(*text) for text in texts]  # type: ignore[arg-type]  # a text has one or two parts
    roles = {
        IDS: [row.ids for row in rows],
        MASK: [row.attention_mask for row in rows],
        SEGMENTS: [row.type_ids for row in rows],
    }
    arrays = {role: np.array(ids, np.int32) for role, ids in roles.items()}
    return {**files, PAPER: (file, paper_binding(file), arrays)}


def _counted(  # noqa: PLR0913, PLR0917 - the board, the counter, and a file with its inputs
    transport: EmulatedTransport,
    counter: Counter,
    out: Path,
    file: Path,
    binding: Binding,
    inputs: Inputs,
) -> dict[str, Any]:
    _say(f"counting {file.stat().st_size:,} bytes on {transport.core}")
    counting = CountingTransport(
        sysroot=transport.sysroot,
        core=transport.core,
        device=transport.device,
        counter=counter,
        out=out,
    )
    counts = count_instructions(counting, file, inputs, binding=binding, backend=BACKEND)
    with Runner(transport, BACKEND, timeout=_SECONDS_TO_LOAD) as runner:
        delegated = runner.load("file", file, binding=binding).delegation
    kinds = {
        "sdot": counts.dot_products,
        "mlal": counts.integer_multiplies,
        "fmla": counts.float_multiplies,
    }
    multiplies = max(sum(kinds.values()), 1)
    return {
        "instructions": counts.instructions,
        "answers": counts.answers,
        "products": {kind: count / multiplies for kind, count in kinds.items() if count},
        "delegated": None if delegated is None else delegated.delegated,
        "operators": None if delegated is None else delegated.nodes,
    }


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
