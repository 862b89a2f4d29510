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

# Size of each dimension; None if the dimension is dynamic.
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class InputSpec:
    """One input of a candidate.

    Attributes:
        role: role of the input.
        name: name in the signature; None if the file has no signature, so that a runner binds the
            input by `position`.
        tensor: name of the tensor, "" if it has none.
        position: position among the graph's inputs.
        dtype: int32, int64, float32 or another dtype that can represent ids.
        shape: shape of the tensor; at most one dimension is neither 1 nor dynamic.
        length: row length in tokens; None if it is dynamic and not declared.
        quantization: quantization of an input of small integers; None without quantization.
        rows: number of rows of the embedding table that ids look up; None if no table was found.
        found: how the role was found.
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
        """Tell whether the batch is dynamic, so that the file may take several texts at once."""
        return len(self.shape) > 1 and self.shape[0] is None


@dataclass(frozen=True)
class OutputSpec:
    """The judged output.

    | meaning | content of the output |
    |---|---|
    | `logits` | a number for each label; the softmax gives probabilities |
    | `probabilities` | a probability for each label; they sum to 1 |
    | `log_probabilities` | the logarithm of a probability for each label |
    | `logit` | one number; its sigmoid is the probability of one of two labels |
    | `sigmoid` | the probability of one of two labels |
    | `sigmoids` | a probability for each label, independent of each other |

    Attributes:
        name: name in the signature; None if the file has no signature.
        tensor: name of the tensor.
        position: position among the graph's outputs.
        meaning: see above.
        classes: number of labels; None if the dimension is dynamic, so that the number of given
            labels counts.
        dtype: dtype of the runtime's output.
        shape: shape of the tensor.
        quantization: quantization of an integer output; None for floats.
        threshold: for `sigmoid` and `logit`, the probability above which the label is `positive`.
        positive: for `sigmoid` and `logit`, index of the label with this probability.
        found: how the meaning was found.
        found_threshold: how threshold and positive were found; None if there are none.
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
        signature: key of the judged signature; None if the file has no signature.
        graph: index of the judged graph: that of the signature, or else 0.
        inputs: inputs in the graph's order.
        output: the judged output.
        labels: labels from declarations or metadata; None if neither contains them.
        labels_found: how the labels were found; None without labels.
        warnings: sentences that the user needs to know.
        shorter: specs for shorter rows, ascending, if the file has several lengths; each text is
            classified in the shortest row that it fits.
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
        """Return the input with a role; None if there is none."""
        return next((port for port in self.inputs if port.role == role), None)

    @property
    def length(self) -> int | None:
        """Return the row length in tokens; None if it is dynamic and not declared."""
        return next((port.length for port in self.inputs if port.role == "ids"), None)

    @property
    def graphs(self) -> int:
        """Return the number of graphs that are run: one for each length, or one for all lengths."""
        return len({spec.graph for spec in (self, *self.shorter)})

    @property
    def lengths(self) -> tuple[int, ...]:
        """Return the accepted row lengths in tokens, ascending; () if the length is dynamic."""
        every = (spec.length for spec in (*self.shorter, self))
        return tuple(length for length in every if length is not None)

    @property
    def binding(self) -> str:
        """Return the inputs and the output on one line, for the header of a run."""
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
