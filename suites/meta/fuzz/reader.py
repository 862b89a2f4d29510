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
        name: on the command line and in the report.
        file: what the file is called.
        read: reads it; raises nothing but `EdgeproofError`.
        seeds: gives good files.
        crafted: gives bad ones by name, made by hand: bytes, or what makes something else than a
            file at a path.
        mutate: makes a bad file of a good one.
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
    """Register a function as a reader, under its own name or another; arguments as `Reader`'s."""

    def registered(read: Callable[[Path], object]) -> Callable[[Path], object]:
        called = name or read.__name__
        READERS[called] = Reader(called, file, read, seeds, crafted, mutate)
        return read

    return registered
