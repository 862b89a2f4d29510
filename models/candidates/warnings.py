"""Write the warnings about a candidate that is judged nevertheless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.flatbuffers.metadata import Normalization, ScoreCalibration, ScoreThresholding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.candidates.spec import InputSpec, OutputSpec
    from models.flatbuffers.metadata import ModelMetadata
    from models.flatbuffers.structure import Signature

# float32 represents every integer up to this one exactly.
LARGEST_FLOAT_ID = 1 << 24


def warnings_of(
    metadata: ModelMetadata | None,
    signature: Signature | None,
    inputs: Sequence[InputSpec],
    output: OutputSpec,
) -> Iterator[str]:
    """Yield the warnings about a candidate; warnings about its inputs come first."""
    yield from _about_inputs(signature, inputs)
    yield from _about_output(output)
    if metadata is not None:
        yield from _about_metadata(metadata, len(inputs))


def _about_inputs(signature: Signature | None, inputs: Sequence[InputSpec]) -> Iterator[str]:
    by_position = sorted(inputs, key=lambda port: port.position)
    if signature is not None and len(inputs) > 1:
        graph = [port.name for port in by_position if port.name is not None]
        if graph != list(signature.inputs):
            yield (
                f"The graph takes its inputs in the order {', '.join(graph)}, but its signature "
                f"lists {', '.join(signature.inputs)}: an app that binds inputs by position may "
                "mix them up."
            )
    yield from (_about_floats(port) for port in inputs if port.dtype == "float32")
    if any(port.length is None for port in inputs):
        yield (
            "The file's number of tokens is dynamic: the declared length is used, or else that of "
            "the longest text."
        )


def _about_floats(port: InputSpec) -> str:
    if port.role == "ids" and port.rows is None:
        return (
            "Its input is float32 and looks up no embedding table, so it receives ids as plain "
            "numbers. This is right only if it was trained on ids, not on features such as TF-IDF."
        )
    return (
        f"Its {port.role} are float32, which is exact for whole numbers up to {LARGEST_FLOAT_ID}."
    )


def _about_output(output: OutputSpec) -> Iterator[str]:
    name = output.name or output.tensor
    if output.meaning not in {"logit", "logits"} and name.lower().startswith("logit"):
        content = "one sigmoid" if output.meaning == "sigmoid" else output.meaning.replace("_", " ")
        yield f"Its output is called {name!r}, but contains {content}, and is judged accordingly."
    if output.found_threshold == "default":
        yield (
            f"Its output is one number: values above {output.threshold} are read as label "
            f"{output.positive}, the second one. Declare `threshold` and `positive` if the app "
            "reads it differently."
        )
    if output.meaning == "sigmoids":
        yield (
            "Its scores are independent of each other: the label with the largest score counts, "
            "and the scores divided by their sum are used as probabilities."
        )
    if output.classes is None:
        yield "The file's number of scores is dynamic: the number of labels is used."


def _about_metadata(metadata: ModelMetadata, inputs: int) -> Iterator[str]:
    described = len(metadata.main.inputs)
    if described not in (0, inputs):
        yield (
            f"The metadata describes {described} inputs, but the graph has {inputs}, so the "
            "metadata is not used for the inputs."
        )
    for unit in metadata.units:
        if isinstance(unit, Normalization) and _does_something(unit):
            yield (
                f"The metadata normalizes inputs by mean {list(unit.mean)} and standard deviation "
                f"{list(unit.std)}, but token ids are not normalized."
            )
        elif isinstance(unit, ScoreCalibration):
            yield "The metadata calibrates scores, but the scores are judged without calibration."
        elif isinstance(unit, ScoreThresholding) and unit.threshold > 0:
            yield f"The metadata drops scores below {unit.threshold:g}, but every answer is judged."


def _does_something(unit: Normalization) -> bool:
    return any(unit.mean) or any(deviation != 1.0 for deviation in unit.std)
