"""Find the roles of a FlatBuffer's inputs: ids, mask, segments.

A role is certain if the input has a name that is used for no other role, if the metadata names the
role, or if there is only one input. If a role is uncertain, or if name and metadata contradict each
other, an error asks the user to declare the roles, and contains the lines to write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.candidates.declaration import NOTHING, Reference, inputs_lines
from models.candidates.spec import ROLES, Found, InputSpec, Role, Shape, sizes
from models.errors import UsageMistake
from models.flatbuffers.dtypes import BITS, QUANTIZED_DTYPES
from models.flatbuffers.lookups import rows_looked_up

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.candidates.declaration import Declaration
    from models.flatbuffers.structure import Operator, Tensor

# Names that public models give their inputs, without the prefixes and suffixes of exporters.
NAMES: dict[str, Role] = {
    **dict.fromkeys(
        (
            *("ids", "input_ids", "input_word_ids", "word_ids", "token_ids", "input_token_ids"),
            *("input_tokens", "tokens", "text_ids", "inputids"),
        ),
        "ids",
    ),
    **dict.fromkeys(
        (
            *("mask", "masks", "input_mask", "input_masks", "attention_mask", "attention_masks"),
            *("padding_mask", "attentionmask"),
        ),
        "mask",
    ),
    **dict.fromkeys(
        (
            *("segment_ids", "segments", "segment", "token_type_ids", "input_type_ids", "type_ids"),
            *("input_segments", "segment_id", "tokentypeids"),
        ),
        "segments",
    ),
}
# Types of token ids; float32 represents every integer up to 2 ** 24.
ID_DTYPES = ("int32", "int64", "float32", "int16", "uint16", "uint32", "int8", "uint8")
_AROUND = re.compile(r"^(serving_default_|.*/)|(:\d+)$")


@dataclass(frozen=True)
class Port:
    """An input or output of the graph, with all its names.

    Attributes:
        name: name in the signature; None without a signature.
        position: position in the graph.
        described: name in the metadata; None without metadata.
    """

    name: str | None
    tensor: Tensor
    position: int
    described: str | None = None

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor; None for dynamic dimensions."""
        pairs = zip(self.tensor.shape, self.tensor.dynamic, strict=False)
        return tuple(None if dynamic else size for size, dynamic in pairs)

    def __str__(self) -> str:
        """Return position, name, dtype and shape of the port, for messages."""
        return f"{self.position} {self.shown!r} {self.tensor.dtype} {sizes(self.shape)}"

    @property
    def shown(self) -> str:
        """Return the port's name in the signature, or else the name of its tensor."""
        return self.name or self.tensor.name

    @property
    def reference(self) -> Reference:
        """Return how a declaration can refer to the port: by name, or else by position."""
        return self.shown or self.position

    def is_called(self, reference: Reference) -> bool:
        """Tell whether a name or position in a declaration refers to this port."""
        if isinstance(reference, int):
            return reference == self.position
        return reference in {self.name, self.tensor.name} or reference == plain(self.tensor.name)


def plain(name: str) -> str:
    """Return a name without the additions of exporters: `serving_default_`, scopes, `:0`."""
    return _AROUND.sub("", _AROUND.sub("", name))


def role_of(name: str) -> Role | None:
    """Return the role of an input with a usual name, such as `input_ids`; None for other names."""
    return NAMES.get(plain(name).lower())


def bind_inputs(
    file: Path,
    ports: Sequence[Port],
    operators: Sequence[Operator] = (),
    declared: Declaration = NOTHING,
) -> tuple[InputSpec, ...]:
    """Return the inputs with their roles, in the graph's order.

    Args:
        file: the FlatBuffer, for messages.
        ports: the inputs of the graph.
        operators: the operators of the graph, in execution order.
        declared: the user's declarations.

    Raises:
        UsageMistake: an input cannot have any of the roles, a declaration does not fit the file, or
            a role is uncertain.
    """
    _check_there_are_some(file, ports)
    roles = _declared(file, ports, declared) or _found(file, ports, operators)
    inputs = tuple(
        _spec(file, port, roles[port.position], operators, declared)
        for port in sorted(ports, key=lambda port: port.position)
    )
    _check_lengths(file, inputs)
    return inputs


def _check_there_are_some(file: Path, ports: Sequence[Port]) -> None:
    if not ports:
        raise UsageMistake(
            "has no inputs, so it cannot receive a text",
            file=file,
            key="inputs",
            remedy="Convert the model with its inputs as arguments, not as constants",
        )
    strings = [port for port in ports if port.tensor.dtype == "string"]
    if strings:
        raise UsageMistake(
            f"input {strings[0]} takes text itself, and its tokenizer is in the graph",
            file=file,
            key="inputs",
            remedy="Convert only the part after the token ids; keep the tokenizer beside the file",
        )
    if len(ports) > len(ROLES):
        raise UsageMistake(
            f"has {len(ports)} inputs, but a text provides at most {', '.join(ROLES)}",
            file=file,
            key="inputs",
            remedy="Convert the model with only these inputs",
        )


def _declared(
    file: Path, ports: Sequence[Port], declared: Declaration
) -> dict[int, tuple[Role, Found]]:
    """Return the declared role of each input, by its position; {} if no role is declared."""
    bound: dict[int, tuple[Role, Found]] = {}
    for role, reference in declared.inputs.named().items():
        port = chosen(file, ports, reference, f"inputs.{role}", declared)
        if port.position in bound:
            raise declared.mistake(
                f"{role} and {bound[port.position][0]} are both declared for input {port}",
                file=file,
                key=f"inputs.{role}",
                remedy="Give each role a different input",
            )
        bound[port.position] = (role, "declared")
    unbound = [port for port in ports if port.position not in bound]
    if bound and unbound:
        raise declared.mistake(
            f"no role is declared for input {unbound[0]}",
            file=file,
            key="inputs",
            remedy=f"Declare this input's role: {' or '.join(_free(bound))}",
        )
    return bound


def _free(bound: dict[int, tuple[Role, Found]]) -> list[Role]:
    bound_roles = {role for role, _ in bound.values()}
    return [role for role in ROLES if role not in bound_roles]


def chosen(
    file: Path, ports: Sequence[Port], reference: Reference, key: str, declared: Declaration
) -> Port:
    """Return the input or output that a declaration names, by name or by position.

    Raises:
        UsageMistake: no port, or more than one, has this name.
    """
    # Names in the signature take precedence over names of tensors.
    exact = [port for port in ports if reference == port.name]
    called = exact or [port for port in ports if port.is_called(reference)]
    if len(called) == 1:
        return called[0]
    count = "no" if not called else "more than one"
    raise declared.mistake(
        f"{count} tensor is called {reference!r}; the tensors are {listed(ports)}",
        file=file,
        key=key,
        remedy="Give one of these tensors, by name or by position",
    )


def listed(ports: Sequence[Port]) -> str:
    """Return the descriptions of all inputs or outputs as one text, for a message."""
    return "; ".join(map(str, ports))


def _found(
    file: Path, ports: Sequence[Port], operators: Sequence[Operator]
) -> dict[int, tuple[Role, Found]]:
    bound: dict[int, tuple[Role, Found]] = {}

    def uncertain(reason: str) -> UsageMistake:
        return _uncertain(file, ports, operators, reason)

    for port in ports:
        signs = _said(port)
        if len({role for role, _ in signs}) > 1:
            shown = " and ".join(f"{role} by {sign}" for role, sign in signs)
            raise uncertain(f"input {port} is {shown}")
        if signs:
            bound[port.position] = signs[0]
    if len(ports) == 1 and not bound:
        return {ports[0].position: ("ids", "shape")}
    unnamed = [port for port in ports if port.position not in bound]
    if unnamed:
        raise uncertain(f"the name of input {unnamed[0]} does not show its role")
    roles = [role for role, _ in bound.values()]
    if len(set(roles)) < len(roles):
        raise uncertain("two inputs have names for the same role")
    if "ids" not in roles:
        raise uncertain("no input has a name for ids")
    return bound


def _said(port: Port) -> list[tuple[Role, Found]]:
    """Return the roles that an input's names indicate: in signature, tensor and metadata.

    Each role comes with the kind of source that names it.
    """
    signs: list[tuple[Role, Found]] = []
    for name in (port.name, port.tensor.name):
        role = role_of(name) if name else None
        if role is not None:
            signs.append((role, "name"))
    described = role_of(port.described) if port.described else None
    if described is not None:
        signs.append((described, "metadata"))
    return signs


def _uncertain(
    file: Path, ports: Sequence[Port], operators: Sequence[Operator], reason: str
) -> UsageMistake:
    """Return the error that requests the roles, and names the inputs that look up a table."""
    rows = [rows_looked_up(port.tensor, operators) or 0 for port in ports]
    tables = [
        f"input {port.position} looks up a table of {size} rows"
        for port, size in zip(ports, rows, strict=True)
        if size
    ]
    likely = rows.index(max(rows))
    order = [ports[likely], *ports[:likely], *ports[likely + 1 :]]
    names = {port.reference for port in ports}
    named = [port.reference if len(names) == len(ports) else port.position for port in order]
    references = dict(zip(ROLES, named, strict=False))
    return UsageMistake(
        f"it is uncertain which input takes {', '.join(ROLES[: len(ports)])}: "
        f"{reason}; the inputs are {'; '.join([*map(str, ports), *tables])}",
        file=file,
        key="inputs",
        remedy=f"Declare the roles in the right order: {inputs_lines(references)}",
    )


def _spec(
    file: Path,
    port: Port,
    bound: tuple[Role, Found],
    operators: Sequence[Operator],
    declared: Declaration,
) -> InputSpec:
    role, found_by = bound
    if port.tensor.dtype not in ID_DTYPES and (role, port.tensor.dtype) != ("mask", "bool"):
        raise UsageMistake(
            f"input {port} is {port.tensor.dtype}, but {role} must be numbers",
            file=file,
            key="inputs",
            remedy=f"Convert the model with an input of {', '.join(ID_DTYPES[:3])}",
        )
    rows = rows_looked_up(port.tensor, operators) if role == "ids" else None
    if role == "ids":
        _check_told_apart(file, port, rows)
    return InputSpec(
        role=role,
        name=port.name,
        tensor=port.tensor.name,
        position=port.position,
        dtype=port.tensor.dtype,
        shape=port.shape,
        length=_length(file, port, declared),
        quantization=port.tensor.quantization,
        rows=rows,
        found=found_by,
    )


def _check_told_apart(file: Path, port: Port, rows: int | None) -> None:
    """Reject a quantized input of ids if its dtype and scale cannot represent every id."""
    quantization = port.tensor.quantization
    if quantization is None or port.tensor.dtype not in QUANTIZED_DTYPES:
        return
    bits = BITS[port.tensor.dtype]
    scale, zero = quantization.scales[0], (*quantization.zero_points, 0)[0]
    largest = (1 << bits) - 1 if port.tensor.dtype.startswith("u") else (1 << (bits - 1)) - 1
    if scale <= 1 and (largest - zero) * scale >= (rows or 1) - 1:
        return
    raise UsageMistake(
        f"input {port} was quantized (scale {scale:.4g}, zero point {zero}), and its "
        f"{1 << bits} values cannot represent {f'{rows} ids' if rows else 'all ids'}",
        file=file,
        key="inputs",
        remedy="Convert the model with an input of int32, which is never quantized, or with "
        "inference_input_type = tf.float32",
    )


def _length(file: Path, port: Port, declared: Declaration) -> int | None:
    """Return the length of an input in tokens; None if it is dynamic."""
    first, *others = port.shape or (None,)
    if not others:  # no batch dimension
        first, others = 1, [first]
    lengths = [size for size in others if size != 1] or [1]
    if first not in (1, None) or len(lengths) > 1 or not port.shape:
        raise UsageMistake(
            f"input {port} does not have the shape of one text's ids",
            file=file,
            key="inputs",
            remedy="Convert the model with inputs of [1, tokens], or [-1, tokens]",
        )
    (length,) = lengths
    if declared.length is not None and length not in (None, declared.length):
        raise declared.mistake(
            f"the declared length is {declared.length}, but input {port} takes {length} tokens",
            file=file,
            key="length",
            remedy=f"Remove the length, or give {length}",
        )
    return declared.length if length is None else length


def _check_lengths(file: Path, inputs: Sequence[InputSpec]) -> None:
    lengths = {port.role: port.length for port in inputs}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{role} {length or 'open'}" for role, length in lengths.items())
        raise UsageMistake(
            f"the inputs take different numbers of tokens: {listed}",
            file=file,
            key="inputs",
            remedy="Convert the model with inputs of equal length, or declare the role of "
            "each input",
        )
