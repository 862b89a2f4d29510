"""Find problems of inputs and signatures: how an app binds and feeds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.flatbuffers.dtypes import FLOAT_DTYPES, QUANTIZED_DTYPES
from models.flatbuffers.findings.finding import Finding, Inspected, named, several, shape_of
from models.flatbuffers.lengths import by_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.flatbuffers.structure import Tensor

_WIDE = frozenset({"int64", "uint64"})
# Number of dimensions of ids, masks and segments: [batch, tokens].
_RANK = 2


def _none(inspected: Inspected) -> Iterator[Finding]:
    if not inspected.inputs:
        yield Finding(
            "no-inputs",
            "error",
            "It has no inputs, so its answer is the same for every text.",
            (),
            "Convert the model with its inputs as arguments, not as constants",
        )


def _strings(inspected: Inspected) -> Iterator[Finding]:
    names = tuple(port.name for port in inspected.inputs if port.dtype == "string")
    if names:
        yield Finding(
            "string-input",
            "error",
            f"It takes text itself in {several(map(repr, names))}: its tokenizer is in the graph.",
            names,
            "Convert only the part after the token ids, and keep the tokenizer beside the file",
        )


def _wide(inspected: Inspected) -> Iterator[Finding]:
    names = tuple(port.name for port in inspected.inputs if port.dtype in _WIDE)
    if names:
        yield Finding(
            "int64-input",
            "warning",
            f"It takes int64 in {several(map(repr, names))}: an app that writes ids of four bytes "
            "feeds wrong ids, and GPU and microcontroller runtimes refuse int64.",
            names,
            "Convert with inputs of int32, or write eight bytes for each id",
        )


def _floats(inspected: Inspected) -> Iterator[Finding]:
    names = tuple(
        port.name
        for port in inspected.inputs
        if port.dtype in FLOAT_DTYPES and len(port.shape) <= _RANK
    )
    if names:
        yield Finding(
            "float-input",
            "warning",
            f"It takes floats in {several(map(repr, names))}: ids have to be written as floats, "
            "and an app that writes integers feeds numbers near 0.",
            names,
            "Convert with inputs of int32, or write each id as a float",
        )


def _lengths(inspected: Inspected) -> Iterator[Finding]:
    ports = [port for port in inspected.inputs if any(port.dynamic[1:])]
    if ports:
        yield Finding(
            "open-length",
            "note",
            f"It leaves the number of tokens open: {_shaped(inspected, ports)}.",
            tuple(port.name for port in ports),
            "Resize its inputs before they are fed; delegates may need a fixed length",
        )


def _batches(inspected: Inspected) -> Iterator[Finding]:
    ports = [port for port in inspected.inputs if port.dynamic[:1] == (True,)]
    if ports:
        yield Finding(
            "open-batch",
            "note",
            f"It leaves the number of texts open: {_shaped(inspected, ports)}.",
            tuple(port.name for port in ports),
            "Feed one text at a time, or resize its inputs",
        )
    fixed = [port for port in inspected.inputs if _many(port)]
    if fixed:
        yield Finding(
            "fixed-batch",
            "warning",
            f"It always takes several texts at once: {_shaped(inspected, fixed)}.",
            tuple(port.name for port in fixed),
            "Convert with a batch of 1, or of -1",
        )


def _many(tensor: Tensor) -> bool:
    return len(tensor.shape) >= _RANK and not tensor.dynamic[0] and tensor.shape[0] > 1


def _shaped(inspected: Inspected, tensors: list[Tensor]) -> str:
    return several(f"{named(tensor, inspected.inputs)} {shape_of(tensor)}" for tensor in tensors)


def _unread(inspected: Inspected) -> Iterator[Finding]:
    read = {
        port.index for operator in inspected.main for port in operator.inputs if port is not None
    }
    read |= {output.index for output in inspected.outputs}
    for tensor in inspected.inputs:
        if tensor.index not in read:
            yield Finding(
                "unused-input",
                "warning",
                f"Nothing in the graph reads input {named(tensor, inspected.inputs)}.",
                (tensor.name,),
                "Compare the converted model with the trained one: a mask may have been lost",
            )


def _signatures(inspected: Inspected) -> Iterator[Finding]:
    signatures = inspected.report.signatures
    if not signatures:
        yield Finding(
            "no-signature",
            "warning",
            "It has no signature: inputs and outputs are bound by their order, or by the names of "
            "tensors, which change from one conversion to the next.",
            (),
            "Convert with a signature (from_saved_model, from_keras_model of TensorFlow 2.7 on)",
        )
    if len(signatures) > 1:
        keys = tuple(signature.key for signature in signatures)
        lengths = by_length(inspected.report)
        if lengths:
            listed = several(f"{tokens} tokens {own.key!r}" for tokens, own in lengths.items())
            yield Finding(
                "several-lengths",
                "note",
                "Its signatures are one network for rows of several lengths, over the same "
                f"weights: {listed}.",
                keys,
                "Call the signature of the shortest length that a text fits",
            )
            return
        yield Finding(
            "several-signatures",
            "warning",
            f"It has {len(signatures)} signatures: {several(map(repr, keys))}.",
            keys,
            "Declare the one that the app calls",
        )


def _graphs(inspected: Inspected) -> Iterator[Finding]:
    if by_length(inspected.report):
        return  # signatures for several lengths need a graph each
    for signature in inspected.report.signatures:
        if signature.subgraph:
            yield Finding(
                "signature-of-another-graph",
                "warning",
                f"Signature {signature.key!r} runs graph {signature.subgraph}: an app that invokes "
                "the interpreter instead of calling this signature runs graph 0.",
                (signature.key,),
                "Call the signature by its key, or convert it into a file of its own",
            )


def _rounded(inspected: Inspected) -> Iterator[Finding]:
    rounding = [port for port in inspected.inputs if _rounds(port)]
    if rounding:
        names = several(named(port, inspected.inputs) for port in rounding)
        yield Finding(
            "ids-rounded",
            "error",
            f"It takes quantized numbers in {names}, with a scale above 1: adjacent ids become "
            "equal.",
            tuple(port.name for port in rounding),
            "Convert with inputs of int32, which are never quantized, or with "
            "inference_input_type = tf.float32",
        )


def _rounds(tensor: Tensor) -> bool:
    quantization = tensor.quantization
    return (
        quantization is not None and tensor.dtype in QUANTIZED_DTYPES and quantization.scales[0] > 1
    )


def _order(inspected: Inspected) -> Iterator[Finding]:
    for signature in inspected.report.signatures:
        graph = inspected.report.subgraphs[signature.subgraph]
        names = {tensor.index: name for name, tensor in signature.inputs.items()}
        order = [names.get(port.index) for port in graph.inputs]
        outs = {tensor.index for tensor in signature.outputs.values()}
        if None in order or not outs >= {output.index for output in graph.outputs}:
            yield Finding(
                "signature-incomplete",
                "warning",
                f"Signature {signature.key!r} does not name every input and output of its graph.",
                (signature.key,),
                "Bind by position, or convert again",
            )
        elif len(order) > 1 and order != list(signature.inputs):
            yield Finding(
                "input-order",
                "warning",
                f"The graph takes {several(map(str, order))} in this order, but signature "
                f"{signature.key!r} lists {several(signature.inputs)}: an app that binds by "
                "position feeds the wrong inputs.",
                tuple(map(str, order)),
                "Bind by the signature's names",
            )


CHECKS = (
    *(_none, _strings, _wide, _floats, _rounded, _lengths, _batches, _unread),
    *(_signatures, _graphs, _order),
)
