"""Assign roles to a loaded file's input tensors, from a binding or from the only signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

from models.backends.common.interpreters import REFUSED
from models.backends.common.refusals import Refusal, one_line
from models.backends.common.tensors import Tensor
from models.runner.model import Model
from models.runner.resizing import ResizedGraph, Resizing

if TYPE_CHECKING:
    from models.backends.common.backend import Backend, Details, Loaded, Source


def interpret(
    backend: Backend, source: Source, options: Mapping[str, Any], *, keep_all: bool = False
) -> Model:
    """Load a FlatBuffer on a backend, and bind its inputs and its output.

    Args:
        backend: the backend that runs the file.
        source: the file.
        options: the request's threads and binding.
        keep_all: whether to keep the values of all tensors after a run.

    Raises:
        Refusal: the backend refuses the file, or the binding does not fit the file.
    """
    return bind(backend.load(source, options["threads"], keep_all=keep_all), options.get("binding"))


def bind(loaded: Loaded, binding: Optional[Mapping[str, Any]]) -> Model:
    """Bind the inputs and the output of a loaded file.

    A loaded file may be bound several times, each time with another signature.

    Args:
        loaded: the loaded file.
        binding: a table with "inputs", each [name, tensor, below, length], and "output"; a tensor
            is given by its name in the signature or by its position in the graph. Further keys are
            "signature", the signature's key; "called", whether the graph is run through the
            signature; "decision"; "shorter", bindings of the same network for shorter rows.
            Without "inputs", the names in the only signature are used.

    Raises:
        Refusal: the file does not have these tensors.
    """
    binding = binding or {}
    if not binding.get("shorter"):
        return _bind_one(loaded, binding)
    resizing = Resizing(loaded)
    *shorter, longest = (
        _at_length(resizing, at_length) for at_length in [*binding["shorter"], binding]
    )
    for model in shorter:
        if not model.stores_like(longest):
            message = "the inputs for rows of {} tokens have other dtypes than those for {} tokens"
            raise Refusal("signature", message.format(model.length, longest.length))
    longest.shorter = {model.length: model for model in shorter}
    return longest


def _at_length(resizing: Resizing, binding: Mapping[str, Any]) -> Model:
    """Bind the graph for one of several lengths: its own graph, or the first graph, resized."""
    model = _bind_one(resizing.loaded, binding)
    if not binding.get("called"):
        shapes = {tensor.index: list(tensor.shape) for tensor in model.inputs}
        model.graph = ResizedGraph(resizing, shapes)
    return model


def _bind_one(loaded: Loaded, binding: Mapping[str, Any]) -> Model:
    try:
        if binding.get("called"):
            model = _bind_signature(loaded, binding)
        else:
            model = _bind_first(loaded, binding)
    except REFUSED as error:
        raise Refusal("load", one_line(error)) from None
    decision = binding.get("decision")
    if decision is not None:
        model.decision = (decision[0], int(decision[1]))
    return model


def _bind_first(loaded: Loaded, binding: Mapping[str, Any]) -> Model:
    """Bind tensors of the file's first graph by name, or by position."""
    inputs, outputs = _named_tensors(loaded, binding.get("signature"))
    inputs_bound = binding.get("inputs") or [[name, name, None, None] for name in inputs]
    graph_inputs, _ = loaded.positions()
    chosen = [_tensor_at(bound[1], inputs, graph_inputs, "input") for bound in inputs_bound]
    if {int(details["index"]) for details in chosen} != {int(d["index"]) for d in graph_inputs}:
        raise Refusal("signature", "not every input of the graph is bound")
    graph = loaded.first_graph(_lengthened(inputs_bound, chosen))
    graph_inputs, graph_outputs = loaded.positions()
    now = {int(details["index"]): details for details in graph_inputs}
    bound = [
        Tensor.of(name, now[int(details["index"])], below)
        for (name, _, below, _), details in zip(inputs_bound, chosen)
    ]
    name, output = _only_output(binding.get("output"), outputs, graph_outputs)
    after = {int(details["index"]): details for details in graph_outputs}
    return Model(graph, bound, Tensor.of(name, after.get(int(output["index"]), output)), loaded)


def _bind_signature(loaded: Loaded, binding: Mapping[str, Any]) -> Model:
    """Bind the inputs and the output of a signature's graph by their names in the signature."""
    key = binding["signature"]
    inputs, outputs = loaded.named(key)
    chosen = [_tensor_at(bound_input[1], inputs, [], "input") for bound_input in binding["inputs"]]
    shapes = _lengthened(binding["inputs"], chosen)
    bound = [
        Tensor.of(
            name, dict(details, shape=shapes.get(int(details["index"]), details["shape"])), below
        )
        for (name, _, below, _), details in zip(binding["inputs"], chosen)
    ]
    if {tensor.index for tensor in bound} != {int(detail["index"]) for detail in inputs.values()}:
        raise Refusal("signature", "not every input of the signature is bound")
    name, output = _only_output(binding.get("output"), outputs, [])
    return Model(loaded.signature_graph(key, shapes), bound, Tensor.of(name, output), loaded)


def _lengthened(inputs_bound: List[Any], chosen: List[Details]) -> Dict[int, List[int]]:
    """Return the shapes of the inputs that are resized to a length, by index."""
    return {
        int(details["index"]): [int(length) if size < 0 else size for size in open_shape(details)]
        for (_, _, _, length), details in zip(inputs_bound, chosen)
        if length is not None
    }


def open_shape(details: Mapping[str, Any]) -> List[int]:
    """Return the shape of an input, with -1 for its length if that dimension is dynamic.

    The first of several dynamic dimensions is the batch, and becomes 1.
    """
    shape = [int(size) for size in details["shape_signature"]]
    places = [place for place, size in enumerate(shape) if size < 0]
    for place in places[:-1]:
        shape[place] = 1
    return shape


def _named_tensors(
    loaded: Loaded, key: Optional[str]
) -> Tuple[Dict[str, Details], Dict[str, Details]]:
    """Return details of a signature's inputs and outputs by name; empty without a signature."""
    keys = loaded.signatures()
    if key is None and len(keys) > 1:
        raise Refusal(
            "signature", "exactly one signature is needed, but the file has {}".format(keys)
        )
    if key is not None and key not in keys:
        raise Refusal("signature", "{!r} is not one of the file's signatures {}".format(key, keys))
    if not keys:
        return {}, {}
    return loaded.named(key or keys[0])


def _tensor_at(
    place: Any, by_name: Mapping[str, Details], graph: List[Details], kind: str
) -> Details:
    """Return details of the tensor with a name in the signature, or a position in the graph."""
    if isinstance(place, int) and 0 <= place < len(graph):
        return graph[place]
    if place in by_name:
        return by_name[place]
    message = "the file has no {} {!r}; it has {} of these, with the names {}"
    raise Refusal("signature", message.format(kind, place, len(graph), sorted(by_name)))


def _only_output(
    place: Any, by_name: Mapping[str, Details], graph: List[Details]
) -> Tuple[str, Details]:
    """Return name and details of the requested output, or else of the only one or of `logits`."""
    if place is not None:
        return str(place), _tensor_at(place, by_name, graph, "output")
    names = [name for name in by_name if name == "logits"] or list(by_name)
    if len(names) == 1:
        return names[0], by_name[names[0]]
    if not names and len(graph) == 1:
        return "output", graph[0]
    message = "exactly one output, or one named logits, is needed, but the file has {}"
    raise Refusal("signature", message.format(names or len(graph)))
