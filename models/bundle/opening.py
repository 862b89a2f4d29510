"""Open a bundle: check every hash, and write nothing outside of the bundle's own folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.artefact import Artefact
from models.bundle.checking import check_contents
from models.bundle.manifest import (
    BUDGETS,
    KNOWN_FAILURES,
    LARGEST_MEMBER,
    MANIFEST,
    RECORDED,
    SCHEMA,
    Manifest,
    facts_from,
    golden_member,
)
from models.bundle.members import check_manifest
from models.bundle.recorded import recording_in
from models.bundle.unpacked import UnpackedStore
from models.candidates.subject import JudgedArtefacts, SubjectFacts
from models.errors import UsageMistake
from models.files.archives import Limits, open_archive
from models.files.regular_files import NotRegularError
from models.store import Stage, Store, hash_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.candidates.recorded import Recording
    from models.files.archives import Archive

# A subject with twelve candidates and two backends has 70 members. Twelve candidates of BERT-large
# take 6 GB; a FlatBuffer compresses to a fifth, golden logits hardly at all.
_LIMITS = Limits(members=1_000, member=LARGEST_MEMBER, total=1 << 34)
_LARGEST_MANIFEST = 1 << 20
_AGAIN = "Copy the bundle again from the host, or export it again with --edge-export-bundle"


@dataclass(frozen=True)
class Bundle:
    """A bundle that was checked and unpacked.

    Attributes:
        file: path of the archive.
        manifest: the bundle's manifest.
        kept: the unpacked and checked members.
    """

    file: Path
    manifest: Manifest
    kept: Artefact

    @property
    def store(self) -> Store:
        """Return a read-only store of the artefacts in the bundle."""
        return UnpackedStore(self.kept)

    @property
    def budgets(self) -> Path:
        """Return the path of the budgets with which the host judged."""
        return self.kept.path(BUDGETS)

    @property
    def facts(self) -> SubjectFacts:
        """Return the facts of the subject, for all candidates in the bundle."""
        facts = facts_from(self.manifest.facts)
        if KNOWN_FAILURES not in self.kept.members:
            return facts
        return replace(facts, known_failures=str(self.kept.path(KNOWN_FAILURES)))

    @property
    def recorded(self) -> Recording | None:
        """Return the answers of a reference that is not a FlatBuffer; None if there is none."""
        if RECORDED not in self.kept.members:
            return None
        labels = facts_from(self.manifest.facts).labels
        arrays = self.kept.arrays(RECORDED)
        return recording_in(arrays, texts=len(arrays["labels"]), classes=len(labels))

    def backend_for(self, installed: Mapping[str, str], wanted: str | None, where: str) -> str:
        """Return the backend to judge on: the requested one, or the first that has candidates.

        Args:
            installed: versions of the board's backends by name, the best first.
            wanted: name of the requested backend; None if none is requested.
            where: name of the board, for messages.

        Raises:
            UsageMistake: no candidate in the bundle was judged on a backend of the board.
        """
        judged = self.manifest.backends
        for name in [wanted] if wanted else installed:
            if name in judged and installed.get(name) == judged[name].version:
                return name
        has = ", ".join(f"{name} {version}" for name, version in installed.items()) or "no backend"
        listed = ", ".join(
            f"{name} {judged_backend.version}" for name, judged_backend in judged.items()
        )
        raise UsageMistake(
            f"no candidate in the bundle was judged on {wanted or 'a backend'} of "
            f"{where}, which has {has}; the bundle was judged on {listed}",
            file=self.file,
            key="backends",
            remedy="Install one of the judged backends on the board, or export the bundle "
            "on a host with the board's version",
        )

    def candidates_for(self, backend: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
        """Return the candidates that passed on a backend, or the requested ones among them.

        The reference is always included.

        Raises:
            UsageMistake: a requested candidate did not pass on this backend.
        """
        right = self.manifest.backends[backend].candidates
        reference = facts_from(self.manifest.facts).reference
        compared = () if reference is None else (reference,)
        wrong = [name for name in (*compared, *chosen) if name not in right]
        if wrong:
            raise UsageMistake(
                f"{', '.join(wrong)} cannot be judged on {backend}, because of a failure on this "
                "backend on the host",
                file=self.file,
                key=f"backends.{backend}",
                remedy=f"Give only schemes that passed on the host: {', '.join(right)}",
            )
        wanted = {*compared, *(chosen or right)}
        return tuple(name for name in right if name in wanted)

    def is_right(self, backend: str, candidate: str) -> bool:
        """Tell whether a candidate passed on a backend of the host."""
        judged = self.manifest.backends
        return backend in judged and candidate in judged[backend].candidates

    def golden(self, backend: str, candidate: str) -> NDArray[np.float32]:
        """Return a candidate's answers on the host, [texts, values]."""
        return np.asarray(self.kept.array(golden_member(backend, candidate)), np.float32)

    def artefacts(self, names: Iterable[str]) -> JudgedArtefacts:
        """Return the artefacts in the bundle that are needed to judge the named candidates."""
        folders, store = self.manifest.artefacts, UnpackedStore(self.kept)

        def stage(folder: str) -> Stage:
            return store.stage(*folder.split("/"))

        return JudgedArtefacts(
            texts=stage(folders.texts),
            # A JSON object has no order, so take the order from the facts.
            candidates={name: stage(folders.candidates[name]) for name in self._in_order},
            encoded={name: stage(folder) for name, folder in folders.encoded.items()},
            full=None if folders.full is None else stage(folders.full),
            small=None if folders.small is None else stage(folders.small),
            named={name: stage(folder) for name, folder in folders.named.items()},
        ).of(names)

    @property
    def _in_order(self) -> tuple[str, ...]:
        """Return the candidates in the order in which they are judged."""
        return facts_from(self.manifest.facts).candidates


def open_bundle(file: Path, store: Store) -> Bundle:
    """Open a bundle: unpack it into the store the first time, and check its files every time.

    Raises:
        UsageMistake: the file is not a bundle, is damaged, or was written by a newer or older
            edgeproof.
        StoreError: unpacked files were changed, or cannot be stored.
    """
    try:
        with open_archive(file, _LIMITS, remedy=_AGAIN) as archive:
            text = _manifest_text(archive)
            manifest = _read_manifest(text, file)
            check_manifest(manifest, file)
            _check_names(archive, manifest)
            # The recipe contains a hash of the sources, so that a later edgeproof unpacks and
            # checks the bundle again.
            recipe = {
                "manifest": hashlib.sha256(text).hexdigest(),
                "source": hash_sources("bundle", "candidates"),
            }
            unpacked = store.get(
                Stage("bundle", recipe), lambda out: _unpack(archive, manifest, out, file)
            )
    except FileNotFoundError:
        raise UsageMistake("no such file", file=file, key="--edge-bundle", remedy=_AGAIN) from None
    except NotRegularError as error:
        raise UsageMistake(f"is not a bundle: {error.strerror}", file=file, remedy=_AGAIN) from None
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})",
            file=file,
            remedy="Make the file readable for this user",
        ) from None
    unpacked.check()
    for name, member in manifest.members.items():
        if unpacked.members.get(name) != member.sha256:
            raise unpacked.damaged(name)
    return Bundle(file, manifest, unpacked)


def _manifest_text(archive: Archive) -> bytes:
    info = archive.members.get(MANIFEST)
    if info is not None and info.file_size > _LARGEST_MANIFEST:
        raise archive.refusal(f"is larger than {_LARGEST_MANIFEST:,} bytes", MANIFEST)
    return archive.read(MANIFEST)


def _read_manifest(text: bytes, file: Path) -> Manifest:
    try:
        _refuse_other_schemas(text, file)
        manifest = msgspec.json.decode(text, type=Manifest)
        facts_from(manifest.facts)
    except (ValueError, RecursionError) as error:
        raise _damaged(file, MANIFEST, f"cannot be read ({error})") from None
    return manifest


def _refuse_other_schemas(text: bytes, file: Path) -> None:
    """Reject a bundle of another schema, before anything else of it is read."""
    versions = msgspec.json.decode(text, type=_Versions)
    if versions.schema == SCHEMA or versions.schema < 1:
        return
    newer = versions.schema > SCHEMA
    raise UsageMistake(
        f"was made by edgeproof {versions.version} in schema {versions.schema}, but "
        "this version of edgeproof reads "
        f"{'schemas up to' if newer else 'only schema'} {SCHEMA}",
        file=file,
        key=MANIFEST,
        remedy="Update edgeproof here, or export the bundle with this version"
        if newer
        else "Export the bundle again with --edge-export-bundle and this version of edgeproof",
    )


class _Versions(msgspec.Struct):
    schema: int
    version: str = "of unknown version"


def _check_names(archive: Archive, manifest: Manifest) -> None:
    """Reject members that are missing, unlisted or of another size."""
    for name in (*archive.folders, *archive.members):
        if name != MANIFEST and name not in manifest.members:
            raise archive.refusal("is not listed in the bundle's manifest", name)
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


def _damaged(file: Path, member: str, problem: str) -> UsageMistake:
    return UsageMistake(problem, file=file, key=member, remedy=_AGAIN)
