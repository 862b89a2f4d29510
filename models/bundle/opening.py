"""Opening a bundle: nothing in it is believed before its hash, and nothing leaves its folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.archives import Limits, open_archive
from models.artefact import Artefact
from models.bundle.checking import check_contents, check_manifest
from models.bundle.manifest import (
    BUDGETS,
    LARGEST_MEMBER,
    MANIFEST,
    SCHEMA,
    Manifest,
    golden_member,
)
from models.bundle.unpacked import UnpackedStore
from models.errors import UsageMistake
from models.files import NotRegularError
from models.flatbuffers.schemes import REFERENCE
from models.plan import CORPUS, MODEL, VARIANT, Plan, Request
from models.store import Stage, Store, hash_sources
from models.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.archives import Archive

# A subject of twelve variants on two runtimes has 70. BERT-large's twelve are 6 GB; a FlatBuffer
# packs to a fifth, and golden logits hardly at all.
_LIMITS = Limits(members=1_000, member=LARGEST_MEMBER, total=1 << 34)
_LARGEST_MANIFEST = 1 << 20
_AGAIN = "Copy it again from the host, or export it again with --edge-export-bundle"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes:
        file: the archive.
        manifest: what it says of itself.
        kept: where it is unpacked, every member checked.
    """

    file: Path
    manifest: Manifest
    kept: Artefact

    @property
    def store(self) -> Store:
        """Its artefacts."""
        return UnpackedStore(self.kept)

    @property
    def budgets(self) -> Path:
        """The budgets it was judged by on the host, just checked."""
        return self.kept.path(BUDGETS)

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
        return np.asarray(self.kept.array(golden_member(runtime, scheme)), np.float32)

    def plan(self, schemes: tuple[str, ...]) -> Plan:
        """Return the plan of the artefacts it holds, for some schemes; the reference is first."""
        stages, store = self.manifest.stages, UnpackedStore(self.kept)
        # What the full model took is not answered by a board.
        corpus = store.stage(CORPUS, stages.corpus)
        small = store.stage(MODEL, stages.small)
        names = dict.fromkeys((REFERENCE, *schemes))
        return Plan(
            request=Request(subject=self.subject, schemes=tuple(names)),
            whole=corpus,
            corpus=corpus,
            full=store.stage(MODEL, stages.full),
            cut=small,
            small=small,
            variants={name: store.stage(VARIANT, stages.variants[name]) for name in names},
        )


def open_bundle(file: Path, store: Store) -> Bundle:
    """Check a bundle and unpack it into the store, once; what is unpacked is checked each time.

    Raises:
        UsageMistake: it is none, was damaged, or was made by a newer edgeproof; says which.
        StoreError: what was unpacked earlier has changed, or cannot be kept; says what to do.
    """
    try:
        with open_archive(file, _LIMITS, remedy=_AGAIN) as archive:
            text = _manifest_text(archive)
            manifest = _read_manifest(text, file)
            check_manifest(manifest, file)
            _check_names(archive, manifest)
            # What a later edgeproof checks more closely, it unpacks again.
            recipe = {
                "manifest": hashlib.sha256(text).hexdigest(),
                "source": hash_sources("bundle"),
            }
            kept = store.get(
                Stage("bundle", recipe), lambda out: _unpack(archive, manifest, out, file)
            )
    except FileNotFoundError:
        raise UsageMistake("no such file", file=file, key="--edge-bundle", remedy=_AGAIN) from None
    except NotRegularError as error:
        raise UsageMistake(f"is no bundle: {error.strerror}", file=file, remedy=_AGAIN) from None
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})", file=file, remedy="Let this user read it"
        ) from None
    kept.check()
    for name, member in manifest.members.items():
        if kept.members.get(name) != member.sha256:
            raise kept.damaged(name)
    return Bundle(file, manifest, kept)


def _manifest_text(archive: Archive) -> bytes:
    info = archive.members.get(MANIFEST)
    if info is not None and info.file_size > _LARGEST_MANIFEST:
        raise archive.refusal(f"is larger than {_LARGEST_MANIFEST:,} bytes", MANIFEST)
    return archive.read(MANIFEST)


def _read_manifest(text: bytes, file: Path) -> Manifest:
    try:
        _refuse_newer(text, file)
        manifest = msgspec.json.decode(text, type=Manifest)
        msgspec.convert(manifest.subject, Subject)
    except (ValueError, RecursionError) as error:
        raise _damaged(file, MANIFEST, f"cannot be read ({error})") from None
    return manifest


def _refuse_newer(text: bytes, file: Path) -> None:
    """Refuse what a later edgeproof wrote, whatever else stands in it."""
    said = msgspec.json.decode(text, type=_Versions)
    if said.schema > SCHEMA:
        raise UsageMistake(
            f"was made by edgeproof {said.version}, in schema {said.schema}; "
            f"this one reads up to {SCHEMA}",
            file=file,
            key=MANIFEST,
            remedy="Update edgeproof here, or export with this version",
        )


class _Versions(msgspec.Struct):
    schema: int
    version: str = "of unknown version"


def _check_names(archive: Archive, manifest: Manifest) -> None:
    """Refuse members that are listed and not there, there and not listed, or of another size."""
    for name in (*archive.folders, *archive.members):
        if name != MANIFEST and name not in manifest.members:
            raise archive.refusal("does not belong", name)
    for name, member in manifest.members.items():
        if name not in archive.members:
            raise archive.refusal("is missing", name)
        if archive.members[name].file_size != member.bytes:
            raise archive.refusal("was changed or damaged", name)


def _unpack(archive: Archive, manifest: Manifest, out: Path, file: Path) -> None:
    for name, member in manifest.members.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as unpacked:
            if archive.copy(name, unpacked) != member.sha256:
                raise archive.refusal("was changed or damaged", name)
    hashes = {name: member.sha256 for name, member in manifest.members.items()}
    check_contents(Artefact(out, hashes, {}, out, {}), manifest, file)


def _damaged(file: Path, member: str, what: str) -> UsageMistake:
    return UsageMistake(what, file=file, key=member, remedy=_AGAIN)
