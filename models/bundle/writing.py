"""Write a bundle; equal artefacts give equal bytes."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.artefact import MANIFEST, manifest_of
from models.artefact_names import WEIGHTS
from models.bundle.facts import OF_THE_HOST
from models.bundle.manifest import (
    BUDGETS,
    KNOWN_FAILURES,
    RECORDED,
    SCHEMA,
    Held,
    Judged,
    Manifest,
    Member,
    golden_member,
)
from models.bundle.manifest import MANIFEST as BUNDLE_MANIFEST
from models.bundle.recorded import arrays_of
from models.corpus.artefact import ENCODED, LEFT_OUT, TEXTS, load_encoded
from models.errors import EdgeproofError
from models.files.regular_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.artefact import Artefact
    from models.candidates.recorded import Recording
    from models.candidates.subject import JudgedArtefacts, SubjectFacts
    from models.store import Stage, Store

# Splits whose texts are exported: a board classifies the test texts, and checks the hashes of the
# calibration texts. From the other splits it needs only groups and labels, for the trivial
# classifiers.
CARRIED = ("test", "calibration")
_WORDS = ("text", "second")
# Sources of the subject that are not exported, because their paths exist only on the host.
_PATHS = ("corpus", "pretrained")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The contents of a bundle.

    Attributes:
        facts: facts of the subject from the host's run.
        artefacts: the judged artefacts, all of which exist.
        store: the store of the artefacts.
        golden: logits [texts, values] by backend and candidate, for each pair that passed.
        recorded: answers of a reference that is not a FlatBuffer; None if there is none.
        known_failures: the user's file of known failures; None if the shipped file applies.
        backends: versions of the backends by name.
        main_backend: name of the judged backend.
        budgets: path of the budget file.
        budgets_shown: path of the budget file, as messages show it.
        version: version of edgeproof.
        versions: versions of the packages that made the artefacts.
    """

    facts: SubjectFacts
    artefacts: JudgedArtefacts
    store: Store
    golden: Mapping[tuple[str, str], NDArray[np.float32]]
    recorded: Recording | None = None
    known_failures: Path | None = None
    backends: Mapping[str, str]
    main_backend: str
    budgets: Path
    budgets_shown: str
    version: str
    versions: Mapping[str, str | None]


def write_bundle(file: Path, contents: Contents) -> None:
    """Write a bundle atomically: either the whole bundle is written, or `file` is unchanged.

    Raises:
        EdgeproofError: no candidate passed on any backend, the reference passed on none, or the
            file cannot be written.
    """
    right = {name for _, name in contents.golden}
    reference = contents.facts.reference
    if not right or reference not in {None, *right}:
        wrong = (
            "no candidate"
            if not right
            else f"the reference {reference}, with which all candidates are compared,"
        )
        raise EdgeproofError(
            f"the bundle cannot be exported: {wrong} passed on "
            f"{'any' if not right else 'no'} backend",
            file=file,
            remedy="Run the whole suite with --edge-export-bundle, and fix its failures",
        )
    members = _members(contents)
    manifest = _manifest(contents, members)
    text = json.dumps(msgspec.to_builtins(manifest), indent=1, sort_keys=True).encode()
    try:
        with (
            write_whole(file) as draft,
            zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        ):
            for name, content in ((BUNDLE_MANIFEST, text), *sorted(members.items())):
                archive.writestr(_entry(name), content)
    except OSError as error:
        raise EdgeproofError(
            f"the bundle cannot be written ({error.strerror})",
            file=file,
            remedy="Give --edge-export-bundle a path in a folder that this user can write to",
        ) from None


def _entry(name: str) -> zipfile.ZipInfo:
    """Return an archive entry with the same date and permissions for every bundle."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _READABLE
    return entry


def _manifest(contents: Contents, members: Mapping[str, bytes]) -> Manifest:
    facts = _facts(contents)
    judged = {
        backend: Judged(
            version=version,
            candidates=tuple(n for n in facts.candidates if (backend, n) in contents.golden),
        )
        for backend, version in contents.backends.items()
    }
    stages = _held(contents)
    return Manifest(
        schema=SCHEMA,
        version=contents.version,
        facts=msgspec.to_builtins(facts, order="deterministic"),
        artefacts=Held(
            texts=_folder(stages.texts),
            candidates={name: _folder(stage) for name, stage in stages.candidates.items()},
            encoded={name: _folder(stage) for name, stage in stages.encoded.items()},
            named={name: _folder(stage) for name, stage in stages.named.items()},
            full=None if stages.full is None else _folder(stages.full),
            small=None if stages.small is None else _folder(stages.small),
        ),
        backends={
            backend: judged_backend
            for backend, judged_backend in judged.items()
            if judged_backend.candidates
        },
        main_backend=contents.main_backend,
        machine=platform.machine(),
        budgets=contents.budgets_shown,
        versions=dict(contents.versions),
        members={
            name: Member(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
            for name, content in members.items()
        },
    )


def _facts(contents: Contents) -> SubjectFacts:
    """Return the facts of candidates that passed on a backend, without the host's own paths."""
    facts = contents.facts.of({name for _, name in contents.golden})
    sources = {name: source for name, source in facts.sources.items() if name not in _PATHS}
    if contents.recorded is not None:
        sources["compared with"] = "recorded answers"
    return replace(facts, sources=sources, **dict.fromkeys(OF_THE_HOST))  # type: ignore[arg-type] # each of these fields may be None


def _held(contents: Contents) -> JudgedArtefacts:
    return contents.artefacts.of({name for _, name in contents.golden})


def _folder(stage: Stage) -> str:
    return f"{stage.name}/{stage.key}"


def _members(contents: Contents) -> dict[str, bytes]:
    stages, store = _held(contents), contents.store
    members = {BUDGETS: contents.budgets.read_bytes()}
    if contents.known_failures is not None:
        members[KNOWN_FAILURES] = contents.known_failures.read_bytes()
    if contents.recorded is not None:
        members[RECORDED] = _npz(arrays_of(contents.recorded))
    for (backend, name), logits in contents.golden.items():
        members[golden_member(backend, name)] = _npy(logits)
    texts = {_folder(stage): stage for stage in (stages.texts, *stages.encoded.values())}
    for stage in texts.values():
        members |= _artefact(stage, _slim_texts(store.artefact(stage)))
    models = (stage for stage in (stages.full, stages.small) if stage is not None)
    for stage in (*models, *stages.candidates.values()):
        members |= _artefact(stage, _files(store.artefact(stage)))
    return members


def _artefact(stage: Stage, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return an artefact's files as members of the bundle, with a manifest that lists them."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    text = manifest_of(stage.name, stage.recipe, hashes, {})
    folder = _folder(stage)
    return {f"{folder}/{name}": content for name, content in {**files, MANIFEST: text}.items()}


def _files(artefact: Artefact) -> dict[str, bytes]:
    """Return an artefact's files except trained weights, which no board needs."""
    return {name: artefact.read(name) for name in artefact.members if name != WEIGHTS}


def _slim_texts(artefact: Artefact) -> dict[str, bytes]:
    """Return a corpus artefact's files, without the wording of texts that no board classifies."""
    files = _files(artefact)
    lines = files[TEXTS].decode().split("\n")
    rows = [json.loads(line) for line in lines if line]
    slimmed = [row if row["split"] in CARRIED else _wordless(row) for row in rows]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in slimmed)
    arrays: dict[str, Any] = {}
    for split, encoded in load_encoded(artefact).items():
        slim = encoded
        if split not in CARRIED:
            inputs = [field.name for field in fields(encoded) if field.name != "labels"]
            slim = replace(encoded, **{name: getattr(encoded, name)[:0] for name in inputs})
        arrays |= {f"{split}_{field.name}": getattr(slim, field.name) for field in fields(slim)}
    return {**files, TEXTS: text.encode(), ENCODED: _npz(arrays), LEFT_OUT: b""}


def _wordless(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: "" for name in _WORDS if name in row}


def _npz(arrays: Mapping[str, Any]) -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def _npy(logits: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(logits, np.float32))
    return buffer.getvalue()
