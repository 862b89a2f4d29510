"""Describe a candidate: its inputs, its output, and how each was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from models.flatbuffers.structure import Quantization

Role = Literal["ids", "mask", "segments"]
ROLES: tuple[Role, ...] = ("ids", "mask", "segments")

Meaning = Literal["logits", "probabilities", "log_probabilities", "logit", "sigmoid", "sigmoids"]

# Source of a fact: the user's declaration, a name, the metadata, a shape, the graph's last
# operator, or the documented default.
Found = Literal["declared", "name", "metadata", "shape", "graph", "default"]

# Size of each dimension; None if the file leaves it open.
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class InputSpec:
    """One input of a candidate.

    Attributes:
        role: what it takes.
        name: what a runner binds it by: the signature's name for it; None if the file has no
            signature, and it is bound by `position`.
        tensor: the tensor's own name, "" if it has none.
        position: its place in the graph's order.
        dtype: int32, int64, float32 or another that ids can be written in.
        shape: of the tensor; at most one dimension is neither 1 nor open.
        length: tokens of a text; None if the file leaves it open and nobody declared it.
        quantization: of an input stored in small integers.
        rows: of the table that ids look up: larger ids are beyond it; None if none is seen.
        found: how its role was found.
    """

    role: Role
    name: str | None
    tensor: str
    position: int
    dtype: str
    shape: Shape
    length: int | None
    quantization: Quantization | None
    rows: int | None
    found: Found

    @property
    def open_batch(self) -> bool:
        """Whether the batch is open: the file may answer several texts at once."""
        return len(self.shape) > 1 and self.shape[0] is None


@dataclass(frozen=True)
class OutputSpec:
    """The judged output.

    | meaning | the output holds |
    |---|---|
    | `logits` | one number for each label, whose softmax are probabilities |
    | `probabilities` | one probability for each label; together 1 |
    | `log_probabilities` | their logarithms |
    | `logit` | one number, whose sigmoid is the probability of one of two labels |
    | `sigmoid` | one probability, of one of two labels |
    | `sigmoids` | one probability for each label, independent of each other |

    Attributes:
        name: the signature's name for it; None if the file has no signature.
        tensor: the tensor's own name.
        position: its place in the graph's order.
        meaning: see above.
        classes: how many labels it tells apart; None if the file leaves that open, and the
            labels decide.
        dtype: as the runtime answers it.
        shape: of the tensor.
        quantization: how its integers stand for real numbers; None if it is in floats.
        threshold: for `sigmoid` and `logit`, the probability above which the answer is `positive`.
        positive: for these, the index of the label that a probability of 1 stands for.
        found: how the meaning was found.
        found_threshold: how threshold and positive were; None if there are none.
    """

    name: str | None
    tensor: str
    position: int
    meaning: Meaning
    classes: int | None
    dtype: str
    shape: Shape
    quantization: Quantization | None
    threshold: float | None
    positive: int | None
    found: Found
    found_threshold: Found | None = None


@dataclass(frozen=True)
class CandidateSpec:
    """A FlatBuffer with its inputs and output.

    Attributes:
        file: the FlatBuffer.
        signature: the key of the signature it is called by; None if it has none.
        graph: which of the file's graphs answers: 0, unless its signature is another's.
        inputs: in the graph's order.
        output: the one that is judged.
        labels: as declared or from the metadata; None if neither names them.
        labels_found: how they were found; None without labels.
        warnings: what a user has to know: a plain sentence each.
        shorter: the same for shorter rows, ascending, where the file takes rows of several lengths:
            a text is answered by the shortest that it fits.
    """

    file: Path
    signature: str | None
    graph: int
    inputs: tuple[InputSpec, ...]
    output: OutputSpec
    labels: tuple[str, ...] | None
    labels_found: Found | None
    warnings: tuple[str, ...]
    shorter: tuple[CandidateSpec, ...] = ()

    def input(self, role: Role) -> InputSpec | None:
        """Return the input of a role; None if there is none."""
        return next((port for port in self.inputs if port.role == role), None)

    @property
    def length(self) -> int | None:
        """Tokens of a text; None if the file leaves it open and no declaration sets it."""
        return next((port.length for port in self.inputs if port.role == "ids"), None)

    @property
    def graphs(self) -> int:
        """How many of the file's graphs answer: one for each length, or one alone."""
        return len({spec.graph for spec in (self, *self.shorter)})

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of the rows that it takes, ascending; () if that is open."""
        every = (spec.length for spec in (*self.shorter, self))
        return tuple(length for length in every if length is not None)

    @property
    def binding(self) -> str:
        """Inputs and output on one line, for the header of a run."""
        inputs = ", ".join(_input_line(port) for port in self.inputs)
        line = f"{inputs} -> {_output_line(self.output)}"
        if not self.shorter:
            return line
        *some, last = map(str, self.lengths)
        return f"{line}, rows of {', '.join(some)} or {last} tokens: the shortest that fits"


def sizes(shape: Shape) -> str:
    """Format a shape: [1, -1] if the second dimension is dynamic."""
    return "[" + ", ".join("-1" if size is None else str(size) for size in shape) + "]"


def _input_line(port: InputSpec) -> str:
    name = repr(port.name or port.tensor) if port.name or port.tensor else f"input {port.position}"
    return f"{port.role} = {name} {port.dtype} {sizes(port.shape)} (by {port.found})"


def _output_line(output: OutputSpec) -> str:
    name = (
        repr(output.name or output.tensor)
        if output.name or output.tensor
        else f"output {output.position}"
    )
    line = f"{output.meaning} = {name} {output.dtype} {sizes(output.shape)} (by {output.found})"
    if output.threshold is None:
        return line
    return f"{line}, above {output.threshold} label {output.positive} (by {output.found_threshold})"
