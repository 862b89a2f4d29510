"""Writing a bundle: the same artefacts give the same bytes."""

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
from models.bundle.manifest import (
    BUDGETS,
    SCHEMA,
    Judged,
    Manifest,
    Member,
    Stages,
    golden_member,
)
from models.bundle.manifest import MANIFEST as BUNDLE_MANIFEST
from models.corpus.artefact import ENCODED, LEFT_OUT, TWEETS, load_encoded
from models.errors import EdgeproofError
from models.files import write_whole
from models.members import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.artefact import Artefact
    from models.plan import Plan
    from models.store import Stage, Store

# A board is judged on the test tweets, and checks the hashes of the calibration tweets. Of the
# others it needs entities and labels: what guessing by them earns is the floor.
CARRIED = ("test", "calibration")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a host gives to its boards.

    Attributes:
        plan: the artefacts, all of them made.
        store: where they are.
        golden: logits [tweets, classes] by runtime and scheme, of the pairs judged right alone.
        runtimes: versions of the runtimes by name.
        main_runtime: the one that was judged first.
        budgets: the file of the budgets.
        budgets_shown: its name for people.
        version: edgeproof's.
        versions: of the packages that made the artefacts.
    """

    plan: Plan
    store: Store
    golden: Mapping[tuple[str, str], NDArray[np.float32]]
    runtimes: Mapping[str, str]
    main_runtime: str
    budgets: Path
    budgets_shown: str
    version: str
    versions: Mapping[str, str | None]


def write_bundle(file: Path, contents: Contents) -> None:
    """Write a bundle; `file` holds it whole or is left as it was.

    Raises:
        EdgeproofError: no pair of variant and runtime was judged right, or the file cannot be
            written.
    """
    if not contents.golden:
        raise EdgeproofError(
            "no variant was judged right on any runtime, so no board can be given one",
            file=file,
            remedy="Run the whole suite with --edge-export-bundle, and mend what fails in it",
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
            remedy="Give --edge-export-bundle a file in a folder that can be written to",
        ) from None


def _entry(name: str) -> zipfile.ZipInfo:
    """Return an entry without this moment's date and this user's rights."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _READABLE
    return entry


def _manifest(contents: Contents, members: Mapping[str, bytes]) -> Manifest:
    plan = contents.plan
    judged = {
        runtime: Judged(
            version=version,
            schemes=tuple(s for s in plan.variants if (runtime, s) in contents.golden),
        )
        for runtime, version in contents.runtimes.items()
    }
    return Manifest(
        schema=SCHEMA,
        version=contents.version,
        subject=msgspec.to_builtins(plan.request.subject),
        stages=Stages(
            corpus=plan.corpus.key,
            full=plan.full.key,
            small=plan.small.key,
            variants={scheme: plan.variants[scheme].key for scheme in _carried(contents)},
        ),
        runtimes={runtime: one for runtime, one in judged.items() if one.schemes},
        main_runtime=contents.main_runtime,
        machine=platform.machine(),
        budgets=contents.budgets_shown,
        versions=dict(contents.versions),
        members={
            name: Member(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
            for name, content in members.items()
        },
    )


def _carried(contents: Contents) -> list[str]:
    """Return the schemes that are right on at least one runtime."""
    right = {scheme for _, scheme in contents.golden}
    return [scheme for scheme in contents.plan.variants if scheme in right]


def _members(contents: Contents) -> dict[str, bytes]:
    plan, store = contents.plan, contents.store
    members = {BUDGETS: contents.budgets.read_bytes()}
    for (runtime, scheme), logits in contents.golden.items():
        members[golden_member(runtime, scheme)] = _npy(logits)
    members |= _artefact(plan.corpus, _slim_corpus(store.artefact(plan.corpus)))
    stages = [plan.full, plan.small, *(plan.variants[scheme] for scheme in _carried(contents))]
    for stage in stages:
        members |= _artefact(stage, _files(store.artefact(stage)))
    return members


def _artefact(stage: Stage, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return an artefact's members with a manifest of those that are carried."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    text = manifest_of(stage.name, stage.recipe, hashes, {})
    folder = f"{stage.name}/{stage.key}"
    return {f"{folder}/{name}": content for name, content in {**files, MANIFEST: text}.items()}


def _files(kept: Artefact) -> dict[str, bytes]:
    """Return an artefact's files but for trained weights, which no board needs."""
    return {name: kept.read(name) for name in kept.members if name != WEIGHTS}


def _slim_corpus(kept: Artefact) -> dict[str, bytes]:
    """Return the corpus with the tweets that a board answers; the others lose their words."""
    files = _files(kept)
    lines = files[TWEETS].decode().split("\n")
    rows = [json.loads(line) for line in lines if line]
    slimmed = [row if row["split"] in CARRIED else row | {"text": ""} for row in rows]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in slimmed)
    arrays: dict[str, Any] = {}
    for split, encoded in load_encoded(kept).items():
        slim = encoded
        if split not in CARRIED:
            inputs = [one.name for one in fields(encoded) if one.name != "labels"]
            slim = replace(encoded, **{name: getattr(encoded, name)[:0] for name in inputs})
        arrays |= {f"{split}_{one.name}": getattr(slim, one.name) for one in fields(slim)}
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return {**files, TWEETS: text.encode(), ENCODED: packed.getvalue(), LEFT_OUT: b""}


def _npy(logits: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(logits, np.float32))
    return buffer.getvalue()
