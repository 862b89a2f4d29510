"""Read stored artefacts: check the hash of each file before using it.

An artefact is a folder with a manifest, which holds the sha256 of every file; the folder's name is
the hash of the recipe in the manifest. A file is read once, and its bytes are parsed only after
their hash was compared.
"""

from __future__ import annotations

import errno
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models.errors import StoreError
from models.files.regular_files import (
    LARGEST_DOCUMENT,
    NotRegularError,
    open_regular,
    read_regular,
    remedy_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MANIFEST = "manifest.json"
# Upper limit in bytes, larger than any file of an artefact. The manifest records a file's hash but
# not its size.
_LARGEST = 1 << 35


@dataclass(frozen=True)
class Artefact:
    """An artefact in the store, or in an unpacked bundle.

    Attributes:
        folder: its folder.
        members: sha256 of each of its files, by path below the folder.
        links: target of each symbolic link below the folder, by path.
        kept_as: the folder to delete if a file was changed, so that the artefact is made again.
        recipe: the recipe from which the artefact was made.
    """

    folder: Path
    members: Mapping[str, str] = field(repr=False)
    links: Mapping[str, str] = field(repr=False)
    kept_as: Path
    recipe: Mapping[str, Any] = field(repr=False)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, checked against its hash.

        Raises:
            StoreError: the file was changed, or cannot be read; the message says what to delete.
        """
        try:
            data = read_regular(self.folder / name, _LARGEST)
        except OSError as error:
            raise self._unreadable(name, error) from None
        if hashlib.sha256(data).hexdigest() != self.members.get(name):
            raise self.damaged(name)
        return data

    def text(self, name: str) -> str:
        """Return the text of a UTF-8 file; see `read` for errors."""
        return self.read(name).decode("utf-8")

    def document(self, name: str) -> Any:
        """Return the contents of a JSON file; see `read` for errors."""
        return json.loads(self.read(name))

    def array(self, name: str) -> NDArray[Any]:
        """Return the array of a .npy file; see `read` for errors."""
        from models.files.numpy_files import parse_npy  # noqa: PLC0415 - most commands read no array

        data, file = self.read(name), self.folder / name
        return parse_npy(data, name=file, remedy=_remedy(self.kept_as), kind=StoreError)

    def numbers(self, name: str, rows: int) -> NDArray[Any]:
        """Return the array of numbers in a .npy file; check its number of rows.

        Raises:
            StoreError: see `read`; or the array holds values other than numbers, or another number
                of rows.
        """
        array = self.array(name)
        if array.dtype.kind not in "fiu" or array.ndim == 0 or len(array) != rows:
            raise self.damaged(name)
        return array

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of a .npz file by name; see `read` for errors."""
        from models.files.numpy_files import parse_npz  # noqa: PLC0415 - most commands read no array

        data, file = self.read(name), self.folder / name
        return parse_npz(data, name=file, remedy=_remedy(self.kept_as), kind=StoreError)

    def path(self, name: str) -> Path:
        """Check a file against its hash; return its path, for code that opens files by path."""
        try:
            with open_regular(self.folder / name) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._unreadable(name, error) from None
        if digest != self.members.get(name):
            raise self.damaged(name)
        return self.folder / name

    def check(self) -> None:
        """Check that every file and link is unchanged, and that there are no others.

        Raises:
            StoreError: a file or link was changed, is missing or was added; the message names it.
        """
        for name in self.members:
            self.path(name)
        for name, target in links_below(self.folder).items():
            if self.links.get(name) != target:
                raise self.damaged(name)
        for name in self.links:
            if not (self.folder / name).is_symlink():
                raise self.damaged(name)
        listed = {*self.members, *self.links, MANIFEST}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if name not in listed and (path.is_symlink() or not path.is_dir()):
                raise self.damaged(name)

    def damaged(self, member: str) -> StoreError:
        """Return the error for a file that was changed or damaged after it was made."""
        return _damaged(self.folder / member, self.kept_as)

    def _unreadable(self, name: str, error: OSError) -> StoreError:
        return _unreadable(self.folder / name, self.kept_as, error)


def open_artefact(folder: Path, key_of: Callable[[object], str]) -> Artefact:
    """Return the artefact in a folder `STAGE/KEY`; `key_of` computes the key of a recipe.

    Raises:
        StoreError: the manifest is missing, cannot be read, or was changed.
    """
    file = folder / MANIFEST
    try:
        text = read_regular(file, LARGEST_DOCUMENT)
    except OSError as error:
        raise _unreadable(file, folder, error) from None
    try:
        manifest = json.loads(text)
        members, links = dict(manifest["members"]), dict(manifest.get("links", {}))
        # The text must be exactly what the store writes; any other byte or order means damage.
        is_unchanged = text == manifest_of(manifest["stage"], manifest["recipe"], members, links)
        is_at_its_key = (manifest["stage"], key_of(manifest["recipe"])) == (
            folder.parent.name,
            folder.name,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(file, folder) from None
    if not is_unchanged or not is_at_its_key:
        raise _damaged(file, folder)
    return Artefact(folder, members, links, folder, manifest["recipe"])


def manifest_of(
    stage: str, recipe: object, members: Mapping[str, str], links: Mapping[str, str]
) -> bytes:
    """Return the manifest of an artefact; equal contents give equal manifests."""
    manifest: dict[str, Any] = {"stage": stage, "recipe": recipe, "members": dict(members)}
    if links:
        manifest["links"] = dict(links)
    return (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode()


def links_below(folder: Path) -> dict[str, str]:
    """Return the target of each symbolic link below a folder, by its path."""
    links = (path for path in folder.rglob("*") if path.is_symlink())
    return {path.relative_to(folder).as_posix(): str(path.readlink()) for path in links}


def _unreadable(file: Path, folder: Path, error: OSError) -> StoreError:
    """Return the error that explains why a file cannot be opened, with a remedy."""
    is_missing = isinstance(error, (FileNotFoundError, NotADirectoryError, NotRegularError))
    # ELOOP: a symbolic link that leads to itself leads to no file.
    if is_missing or error.errno == errno.ELOOP:
        return _damaged(file, folder)
    return StoreError(
        f"the stored artefact cannot be read ({error.strerror})",
        file=file,
        remedy=remedy_for(
            error,
            "Make the file readable for this user, check the disk, or give another "
            "--edge-cache-dir",
        ),
    )


def _damaged(file: Path, folder: Path) -> StoreError:
    return StoreError(
        "the artefact was changed or damaged after it was made",
        file=file,
        remedy=_remedy(folder),
    )


def _remedy(folder: Path) -> str:
    return f"Delete {folder} and run again: edgeproof will make this artefact again"
