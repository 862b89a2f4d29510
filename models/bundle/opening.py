"""Opening a bundle: nothing in it is believed before its hash, and nothing leaves its folder."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.bundle.manifest import (
    BUDGETS,
    MANIFEST,
    SCHEMA,
    Manifest,
    Member,
    golden_member,
    is_safe,
)
from models.errors import UsageMistake
from models.flatbuffers.schemes import REFERENCE
from models.numpy_files import read_npy
from models.plan import CORPUS, MODEL, VARIANT, Plan, Request
from models.store import MANIFEST as STORE_MANIFEST
from models.store import Stage, Store
from models.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

# What zipfile raises on bytes that are no archive's, or no longer: it promises no more than that.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)
_LARGEST_MANIFEST = 1 << 24
_AGAIN = "Copy it again from the host, or export it again with --edge-export-bundle"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes:
        file: the archive.
        manifest: what it says of itself.
        folder: where it is unpacked, every member checked.
    """

    file: Path
    manifest: Manifest
    folder: Path

    @property
    def store(self) -> Store:
        """Its artefacts."""
        return Store(self.folder)

    @property
    def budgets(self) -> Path:
        """The budgets it was judged by on the host."""
        return self.folder / BUDGETS

    @property
    def subject(self) -> Subject:
        """The subject."""
        return msgspec.convert(self.manifest.subject, Subject)

    def runtime_for(self, installed: Mapping[str, str], asked: str | None, where: str) -> str:
        """Return the runtime to judge with: the asked one, or the first that has variants.

        Args:
            installed: versions of the board's runtimes by name, best first.
            asked: by the user.
            where: the board, for messages.

        Raises:
            UsageMistake: nothing in the bundle was judged on a runtime of the board.
        """
        judged = self.manifest.runtimes
        for name in [asked] if asked else installed:
            if name in judged and installed.get(name) == judged[name].version:
                return name
        has = ", ".join(f"{name} {version}" for name, version in installed.items()) or "no runtime"
        held = ", ".join(f"{name} {one.version}" for name, one in judged.items())
        raise UsageMistake(
            f"nothing in it was judged on {asked or 'a runtime'} of {where}, which has {has}; "
            f"it was judged on {held}",
            file=self.file,
            key="runtimes",
            remedy="Install one of those there, or export on a host with the board's version",
        )

    def schemes_for(self, runtime: str, asked: tuple[str, ...]) -> tuple[str, ...]:
        """Return the schemes that were judged right on a runtime, or the asked ones of them.

        Raises:
            UsageMistake: one was not.
        """
        right = self.manifest.runtimes[runtime].schemes
        wrong = [scheme for scheme in (REFERENCE, *asked) if scheme not in right]
        if wrong:
            raise UsageMistake(
                f"{', '.join(wrong)} was not judged right on {runtime}",
                file=self.file,
                key=f"runtimes.{runtime}",
                remedy=f"It holds {', '.join(right)}",
            )
        return asked or right

    def is_right(self, runtime: str, scheme: str) -> bool:
        """Whether the host judged a scheme right on a runtime."""
        judged = self.manifest.runtimes
        return runtime in judged and scheme in judged[runtime].schemes

    def golden(self, runtime: str, scheme: str) -> NDArray[np.float32]:
        """Return the host's logits [tweets, classes]."""
        kept = self.folder / golden_member(runtime, scheme)
        return np.asarray(read_npy(kept, remedy=_AGAIN, kind=UsageMistake), np.float32)

    def plan(self, schemes: tuple[str, ...]) -> Plan:
        """Return the plan of the artefacts it holds, for some schemes; the reference is first."""
        stages = self.manifest.stages
        # What the full model took is not answered by a board.
        corpus = self._stage(CORPUS, stages.corpus)
        small = self._stage(MODEL, stages.small)
        names = dict.fromkeys((REFERENCE, *schemes))
        return Plan(
            request=Request(subject=self.subject, schemes=tuple(names)),
            whole=corpus,
            corpus=corpus,
            full=self._stage(MODEL, stages.full),
            cut=small,
            small=small,
            variants={name: self._stage(VARIANT, stages.variants[name]) for name in names},
        )

    def _stage(self, name: str, key: str) -> Stage:
        text = (self.folder / name / key / STORE_MANIFEST).read_text(encoding="utf-8")
        return Stage(name, json.loads(text)["recipe"])


def open_bundle(file: Path, store: Store) -> Bundle:
    """Check a bundle and unpack it into the store, once.

    Raises:
        UsageMistake: it is none, was damaged, or was made by a newer edgeproof; says which.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            text = _content(archive, MANIFEST, _LARGEST_MANIFEST, file)
            manifest = _read_manifest(text, file)
            _check_names(archive, manifest, file)
            stage = Stage("bundle", {"manifest": hashlib.sha256(text).hexdigest()})
            folder = store.get(stage, lambda out: _unpack(archive, manifest, out, file))
    except FileNotFoundError:
        raise UsageMistake("no such file", file=file, key="--edge-bundle", remedy=_AGAIN) from None
    except (OSError, *_DAMAGE) as error:
        raise UsageMistake(
            f"is no bundle, or was cut short or damaged ({error})", file=file, remedy=_AGAIN
        ) from None
    return Bundle(file, manifest, folder)


def _read_manifest(text: bytes, file: Path) -> Manifest:
    try:
        document: Any = json.loads(text)
        schema = int(document["schema"])
        if schema > SCHEMA:
            raise UsageMistake(
                f"was made by edgeproof {document.get('version')}, in schema {schema}; "
                f"this one reads up to {SCHEMA}",
                file=file,
                key=MANIFEST,
                remedy="Update edgeproof here, or export with this version",
            )
        manifest = msgspec.convert(document, Manifest)
        msgspec.convert(manifest.subject, Subject)
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise _damaged(file, MANIFEST, f"cannot be read ({error})") from None
    return manifest


def _check_names(archive: zipfile.ZipFile, manifest: Manifest, file: Path) -> None:
    """Refuse members that are listed and not there, there and not listed, or that lead outside."""
    held, listed = archive.namelist(), {MANIFEST, *manifest.members}
    for name in (*held, *listed):
        if not is_safe(name):
            raise _damaged(file, name, "would be unpacked outside of its folder")
        if name not in listed or held.count(name) != 1:
            missing = "is missing" if name in listed and name not in held else "does not belong"
            raise _damaged(file, name, missing)


def _unpack(archive: zipfile.ZipFile, manifest: Manifest, out: Path, file: Path) -> None:
    for name, member in manifest.members.items():
        content = _checked(archive, name, member, file)
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _checked(archive: zipfile.ZipFile, name: str, member: Member, file: Path) -> bytes:
    content = _content(archive, name, member.bytes, file)
    if len(content) != member.bytes or hashlib.sha256(content).hexdigest() != member.sha256:
        raise _damaged(file, name, "was changed or damaged")
    return content


def _content(archive: zipfile.ZipFile, name: str, most: int, file: Path) -> bytes:
    """Return a member's bytes, one more than `most` where it has more: a bomb stays small."""
    try:
        with archive.open(name) as stream:
            return stream.read(most + 1)
    except KeyError:
        raise _damaged(file, name, "is missing") from None
    except _DAMAGE as error:
        raise _damaged(file, name, f"was damaged ({error})") from None


def _damaged(file: Path, member: str, what: str) -> UsageMistake:
    return UsageMistake(what, file=file, key=member, remedy=_AGAIN)
