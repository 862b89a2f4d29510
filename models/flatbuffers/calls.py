"""Find the graphs of a file that operators call: bodies of loops, branches, decompositions."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.flatbuffers.structure import Contents

_FIRST_SLOT, _SLOT_BYTES = 4, 2
# Slots of the kind of the options, and of the options, in the table Operator of schema.fbs. The
# union in the first pair of slots is full, so newer kinds of options are in the second pair.
_OPTIONS, _LATER_OPTIONS = (3, 4), (11, 12)


class _Naming(NamedTuple):
    """The place at which an operator stores the indices of the graphs that it calls.

    Attributes:
        slots: the slots of the kind of the options, and of the options.
        kind: the schema's code for the kind of the options.
        fields: the fields of the options that contain the indices.
    """

    slots: tuple[int, int]
    kind: int
    fields: tuple[int, ...]


# By operator code: IF, WHILE, CALL_ONCE, STABLEHLO_COMPOSITE.
_NAMING = {
    118: _Naming(_OPTIONS, 92, (0, 1)),
    119: _Naming(_OPTIONS, 93, (0, 1)),
    129: _Naming(_OPTIONS, 103, (0,)),
    206: _Naming(_LATER_OPTIONS, 21, (1,)),
}


class Reached(NamedTuple):
    """The graphs that a runtime computes when it runs a file.

    Attributes:
        order: the indices of the graphs, each before the graphs that it calls.
        cycle: graphs that call each other in a cycle, which no runtime can compute; () if there is
            no cycle.
    """

    order: tuple[int, ...]
    cycle: tuple[int, ...] = ()


def called_by(operator: Any, code: int) -> tuple[int, ...]:
    """Return the indices of the graphs that an operator calls, in the order of its options.

    Args:
        operator: the operator, as an object of the schema.
        code: the schema's code for the kind of operator.

    Returns:
        Both branches of an IF, the condition and the body of a WHILE; () for operators that call no
        graphs.
    """
    naming = _NAMING.get(code)
    if naming is None:
        return ()
    table = operator._tab  # noqa: SLF001 - later fields have no accessor
    kind, options = (table.Offset(_slot(slot)) for slot in naming.slots)
    if not kind or not options or table.Bytes[table.Pos + kind] != naming.kind:
        return ()
    options_table = _union(table, options)
    return tuple(_int32(options_table, field) for field in naming.fields)


def reached(contents: Contents) -> Reached:
    """Return the graphs that a runtime computes: `entries`, and the graphs that they call."""
    callees: dict[int, set[int]] = {}
    for operator in contents.operators:
        callees.setdefault(operator.subgraph, set()).update(operator.calls)
    graphs = _closure(entries(contents), callees)
    callers: dict[int, set[int]] = {graph: set() for graph in graphs}
    for caller in graphs:
        for callee in callees.get(caller, ()):
            callers[callee].add(caller)
    try:
        return Reached(tuple(_callers_first(callers)))
    except CycleError as error:
        return Reached(tuple(sorted(graphs)), tuple(error.args[1]))


def entries(contents: Contents) -> tuple[int, ...]:
    """Return the graphs that a program can run: the first graph, and the graphs of signatures."""
    return tuple(dict.fromkeys((0, *(signature.subgraph for signature in contents.signatures))))


def _closure(first: Iterable[int], callees: dict[int, set[int]]) -> set[int]:
    closure: set[int] = set()
    waiting = list(first)
    while waiting:
        graph = waiting.pop()
        if graph not in closure:
            closure.add(graph)
            waiting += callees.get(graph, ())
    return closure


def _callers_first(callers: dict[int, set[int]]) -> list[int]:
    sorter, order = TopologicalSorter(callers), list[int]()
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order


def _slot(field: int) -> int:
    return _FIRST_SLOT + _SLOT_BYTES * field


def _union(table: Any, at: int) -> Any:
    from flatbuffers.table import Table  # noqa: PLC0415 - only for reading

    union = Table(bytearray(), 0)
    table.Union(union, at)
    return union


def _int32(table: Any, field: int) -> int:
    from flatbuffers import number_types  # noqa: PLC0415 - only for reading, too

    at = table.Offset(_slot(field))
    return int(table.Get(number_types.Int32Flags, at + table.Pos)) if at else 0
