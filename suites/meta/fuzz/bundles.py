"""Write bad bundles, with correct and with wrong hashes."""

from __future__ import annotations

import functools
import itertools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.bundle.manifest import MANIFEST
from models.bundle.writing import write_bundle
from suites.meta.bundle.conftest import contents_in, given_in, resealed
from suites.meta.fuzz.arrays import bad_archives, bad_npy_files
from suites.meta.fuzz.mutations import VALUES, dumped, mutated, mutated_archive, mutated_json
from suites.meta.fuzz.shapes import later, no_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    Members = dict[str, bytes]
    Change = Callable[[Members, dict[str, Any]], None]


@functools.cache
def good() -> bytes:
    """Return a valid bundle."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "board.edge"
        write_bundle(file, contents_in(Path(name)))
        return file.read_bytes()


@functools.cache
def given() -> bytes:
    """Return a valid bundle of given files and recorded answers."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "board.edge"
        write_bundle(file, given_in(Path(name), recorded=True))
        return file.read_bytes()


def good_files() -> Iterator[bytes]:
    """Yield good bundles."""
    yield good()
    yield given()


def bad_files() -> Iterator[tuple[str, Any]]:
    """Yield bad bundles."""
    yield from no_files()
    document = _manifest()
    for (place, key), value in itertools.product(list(_places(document)), VALUES[::2]):
        yield f"{'.'.join((*place, key))} is {value!r:.20}", later(_with_value, place, key, value)
    golden = next(name for name in document["members"] if name.startswith("golden/"))
    for name, content in itertools.islice(bad_npy_files(), 11, None, 6):
        yield f"golden: {name}", later(_with_member, golden, content)
    for member, content in itertools.product(document["members"], (b"", b"[" * 100_000, b"\xff")):
        yield f"{member} is {content[:4]!r}", later(_with_member, member, content)
    yield from itertools.islice(bad_archives(b"{}", MANIFEST), 0, None, 4)


def mutated_bundle(random: Random, data: bytes) -> bytes:
    """Change a member or the manifest and correct the hashes, or change the archive."""
    action = random.random()
    if action < 0.2:
        return mutated_archive(random, data)

    def change(members: Members, manifest: dict[str, Any]) -> None:
        if action < 0.5:
            mutated_json(random, manifest)
            return
        name = random.choice(sorted(members))
        if name.endswith(".json") and random.random() < 0.7:
            members[name] = dumped(mutated_json(random, json.loads(members[name])))
        else:
            members[name] = mutated(random, members[name])

    return resealed(data, change)


def _manifest() -> dict[str, Any]:
    manifest_found: dict[str, Any] = {}
    resealed(
        good(), lambda members, manifest: manifest_found.update(manifest, members=dict(members))
    )
    return manifest_found


def _places(document: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the places of the manifest's values, down to the second level."""
    for key, value in document.items():
        if key != "members":
            yield (), key
            yield from (((key,), below) for below in (value if isinstance(value, dict) else ()))


def _with_value(place: tuple[str, ...], key: str, value: Any) -> bytes:
    def change(_: Members, manifest: dict[str, Any]) -> None:
        table = manifest
        for name in place:
            table = table[name]
        table[key] = value

    return resealed(good(), change)


def _with_member(name: str, content: bytes) -> bytes:
    def change(members: Members, _: dict[str, Any]) -> None:
        members[name] = content

    return resealed(good(), change)
