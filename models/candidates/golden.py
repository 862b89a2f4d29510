"""Write golden vectors, with which an app's unit test compares its inputs and outputs.

The folder contains, for each candidate, a file `NAME.jsonl` with one text per line and the
candidate's inputs and outputs for it. It also contains `labels.txt`, and `README.md`, which
describes the inputs and outputs of each candidate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import EdgeproofError
from models.files.regular_files import write_whole
from models.input_roles import IDS, LENGTH, MASK, SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.candidates.spec import CandidateSpec

# Enough texts for a unit test, but few enough for an app's repository.
MOST_TEXTS = 200
# Seed of the texts' random order, which is the same in every export.
SEED = 0
KEY = "--edge-export-golden"
# The name of each input in a line of the JSON file, by its role.
_INPUTS = {IDS: "ids", MASK: "mask", SEGMENTS: "segments", LENGTH: "length"}
_PLACES = 7
_HEAD = """# Golden vectors of {subject}

The unit test of an app compares its own inputs and outputs with these. Each line of `NAME.jsonl`
contains one text, and the inputs and output of the model file on the machine that wrote this:

| key | content |
|---|---|
| `id` | the text's id |
| `text`, `second` | the text, or the first and the second text of a pair; absent if private |
| `ids`, `mask`, `segments` | the values of each input, with padding |
| `length` | if the file has several `signatures`: the row length, which determines the signature |
| {meaning} | the file's output, as numbers |
| `label` | the label of this output; the app must give the same label, even if it is wrong |

For each line, the test checks three things. Does the app make the same `ids` from `text`? Does it
compute the same output from the same `ids`? (Allow for rounding: a GPU in float16 needs a larger
tolerance than a CPU.) Does it give the same `label`? To judge an app's answers to all texts of a
corpus, run edgeproof with `--edge-recorded=FILE`. docs/my-app.md in edgeproof's repository
describes both.
{hidden}
`labels.txt` contains the labels in the order of the output.
"""
_HIDDEN = """
The texts of this corpus may not be passed on. So each line contains the id of a text and the
output, but neither the text nor its token ids, which could be converted back into the text.
"""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of one candidate in a folder of golden vectors.

    Attributes:
        name: name of the candidate.
        spec: inputs, output and labels.
        inputs: input arrays [n, tokens] by role.
        raw: raw outputs [n, values].
        labels: predicted labels [n], as indices.
        contract: further facts that an app needs.
    """

    name: str
    spec: CandidateSpec
    inputs: Mapping[str, NDArray[Any]] = field(repr=False)
    raw: NDArray[Any] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    contract: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Golden:
    """The contents of a folder of golden vectors.

    Attributes:
        subject: name of the subject.
        labels: labels in the order of the outputs.
        ids: ids of the texts [n].
        texts: the texts, or both texts of a pair; None if they may not be passed on.
        gold: gold labels [n].
        candidates: one or more candidates.
    """

    subject: str
    labels: tuple[str, ...]
    ids: Sequence[str]
    texts: Sequence[tuple[str, ...]] | None
    gold: NDArray[np.integer[Any]]
    candidates: Sequence[Answers]


def write_golden(folder: Path, golden: Golden) -> int:
    """Write golden vectors atomically; return the number of texts.

    Raises:
        EdgeproofError: a file cannot be written.
    """
    rows = chosen_rows([golden.gold, *(candidate.labels for candidate in golden.candidates)])
    files = {
        f"{candidate.name}.jsonl": _lines(golden, candidate, rows)
        for candidate in golden.candidates
    }
    files["labels.txt"] = "".join(f"{label}\n" for label in golden.labels)
    # This file is written last, because it describes the others.
    files["README.md"] = _readme(golden)
    contents = {name: text.encode("utf-8", "backslashreplace") for name, text in files.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with write_whole(folder / name) as file:
                file.write(content)
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror or error})",
            file=error.filename or folder,
            key=KEY,
            remedy="Free space on its disk, make the folder writable, or give another folder",
        ) from None
    return len(rows)


def chosen_rows(labels: Sequence[NDArray[np.integer[Any]]], most: int = MOST_TEXTS) -> list[int]:
    """Return the rows of some texts, with every gold label and every label of each candidate.

    The rows are in random order.

    Args:
        labels: labels of every text [n], one array of gold labels and one for each candidate.
        most: number of texts; more are returned if they are needed to cover every label.
    """
    order = np.random.default_rng(SEED).permutation(len(labels[0])).tolist()
    first: dict[tuple[int, int], int] = {}
    for row in order:
        for answer, predicted in enumerate(labels):
            first.setdefault((answer, int(predicted[row])), row)
    needed = dict.fromkeys(first.values())
    ranked = dict.fromkeys([*needed, *order])
    chosen = set(list(ranked)[: max(most, len(needed))])
    return [row for row in order if row in chosen]


def _lines(golden: Golden, candidate: Answers, rows: Sequence[int]) -> str:
    return "".join(f"{json.dumps(_line(golden, candidate, row))}\n" for row in rows)


def _line(golden: Golden, candidate: Answers, row: int) -> dict[str, Any]:
    line: dict[str, Any] = {"id": golden.ids[row]}
    if golden.texts is not None:
        line |= dict(zip(("text", "second"), golden.texts[row], strict=False))
        line |= {_INPUTS[role]: rows[row].tolist() for role, rows in candidate.inputs.items()}
    values = [round(float(value), _PLACES) for value in candidate.raw[row].reshape(-1)]
    line[candidate.spec.output.meaning] = values
    return line | {"label": golden.labels[int(candidate.labels[row])]}


def _readme(golden: Golden) -> str:
    meanings = sorted({f"`{candidate.spec.output.meaning}`" for candidate in golden.candidates})
    head = _HEAD.format(
        subject=golden.subject,
        meaning=", ".join(meanings),
        hidden="" if golden.texts is not None else _HIDDEN,
    )
    return head + "".join(_section(candidate, golden.labels) for candidate in golden.candidates)


def _signatures(spec: CandidateSpec) -> dict[str, Any]:
    """Return the name of each signature by its row length; {} if there is only one signature.

    An app uses the signature with the shortest length that a text fits.
    """
    every = (*spec.shorter, spec)
    if len(every) == 1:
        return {}
    return {"signatures": {str(signature.length): signature.signature for signature in every}}


def _section(candidate: Answers, labels: Sequence[str]) -> str:
    contract = json.dumps(contract_of(candidate, labels), indent=2)
    return f"\n## {candidate.name}\n\n```json\n{contract}\n```\n"


def contract_of(candidate: Answers, labels: Sequence[str]) -> dict[str, Any]:
    """Return a description of a candidate's inputs and output as plain values."""
    output = candidate.spec.output
    inputs = [
        {
            "takes": _INPUTS[port.role],
            "name": port.name,
            "tensor": port.tensor,
            "position": port.position,
            "dtype": port.dtype,
            "shape": list(port.shape),
        }
        for port in candidate.spec.inputs
    ]
    answered: dict[str, Any] = {
        "name": output.name,
        "tensor": output.tensor,
        "position": output.position,
        "dtype": output.dtype,
        "shape": list(output.shape),
        "means": output.meaning,
    }
    if output.threshold is not None and output.positive is not None:
        side = {"threshold": output.threshold, "above_it": labels[output.positive]}
        answered |= side | {"else": labels[1 - output.positive]}
    if output.quantization is not None:
        answered |= {
            "scale": [float(value) for value in output.quantization.scales],
            "zero_point": [int(value) for value in output.quantization.zero_points],
        }
    return {
        **candidate.contract,
        "signature": candidate.spec.signature,
        **_signatures(candidate.spec),
        "inputs": inputs,
        "output": answered,
        "labels": list(labels),
    }
