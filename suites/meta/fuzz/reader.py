"""Define a reader for fuzzing: a function that reads one file, and its initial inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suites.meta.fuzz.mutations import mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from random import Random


@dataclass(frozen=True)
class Reader:
    """A function that reads files of one kind, and must survive any input.

    Attributes:
        name: name on the command line and in the report.
        file: name of the file.
        read: reads a file; may raise only `EdgeproofError`.
        seeds: yields the contents of good files.
        crafted: yields handmade bad files as name and content, which is bytes, or a function that
            puts something at a path.
        mutate: changes a good file into a bad one.
    """

    name: str
    file: str
    read: Callable[[Path], object]
    seeds: Callable[[], Iterable[bytes]]
    crafted: Callable[[], Iterator[tuple[str, Any]]]
    mutate: Callable[[Random, bytes], bytes]


READERS: dict[str, Reader] = {}


def reader(
    file: str,
    *,
    seeds: Callable[[], Iterable[bytes]],
    crafted: Callable[[], Iterator[tuple[str, Any]]],
    mutate: Callable[[Random, bytes], bytes] = mutated,
    name: str | None = None,
) -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
    """Register a function as a reader, under its own or a given name; see `Reader`."""

    def registered(read: Callable[[Path], object]) -> Callable[[Path], object]:
        called = name or read.__name__
        READERS[called] = Reader(called, file, read, seeds, crafted, mutate)
        return read

    return registered
