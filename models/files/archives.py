"""Open zip archives from outside: check their limits before anything is unpacked.

A small archive can declare, or contain, more data than any machine can hold. So everything that it
declares is first compared with limits and with the size of its file. A member is then unpacked in
pieces, and never beyond its declared size.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from models.errors import EdgeproofError, UsageMistake
from models.files.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Errors that zipfile raises on damaged bytes. Its documentation promises only BadZipFile, but these
# others occur.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError),
    *(OverflowError, OSError),
)
# Largest central directory in bytes, because zipfile reads all of it into memory: enough for 20,000
# members with long names.
_LARGEST_CONTENTS = 4 << 20
# Smaller members are unpacked whatever their compression ratio: even ten identical lines of text
# compress well.
_SMALL = 1 << 20
_PIECE = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_LONGEST_NAME = 512
# Longest name of one file or folder, in bytes: the limit of all common file systems.
_LONGEST_PART = 255
# The end record of an archive: its signature, its size in bytes, the longest comment after it, and
# the member count that stands for "too many for 16 bits".
_END, _END_BYTES, _LONGEST_COMMENT, _UNCOUNTED = b"PK\x05\x06", 22, 0xFFFF, 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits that an archive must keep to be opened.

    Attributes:
        members: largest number of files.
        member: largest unpacked size of a file, in bytes.
        total: largest unpacked size of all files together, in bytes.
        ratio: largest ratio of unpacked to packed bytes of a file above a megabyte. Deflate can
            reach 1032. Texts reach 10; a much larger ratio means almost no information.
    """

    members: int
    member: int
    total: int
    ratio: int = 100


@dataclass(frozen=True)
class Archive:
    """An archive whose central directory is within the limits.

    Attributes:
        file: the archive, for messages.
        members: the files in it, by path.
        folders: paths of the folders that are listed by themselves.
    """

    file: Path
    members: Mapping[str, zipfile.ZipInfo]
    folders: tuple[str, ...]
    _zip: zipfile.ZipFile
    _kind: type[EdgeproofError]
    _remedy: str

    def read(self, name: str) -> bytes:
        """Return a member's bytes.

        Raises:
            EdgeproofError: the member is missing or damaged.
        """
        content = io.BytesIO()
        self.copy(name, content)
        return content.getvalue()

    def copy(self, name: str, target: BinaryIO) -> str:
        """Unpack a member into an open file; return its sha256.

        Raises:
            EdgeproofError: the member is missing or damaged.
        """
        if name not in self.members:
            raise self.refusal("is missing", name)
        size, digest = self.members[name].file_size, hashlib.sha256()
        try:
            with self._zip.open(self.members[name]) as source:
                while piece := source.read(_PIECE):
                    size -= len(piece)
                    digest.update(piece)
                    _write(target, piece)
        except _WriteError as failed:
            raise failed.error from None
        except DAMAGE as error:
            raise self.refusal(f"is damaged ({error})", name) from None
        if size:
            raise self.refusal(f"is damaged: {size:,} bytes are missing", name)
        return digest.hexdigest()

    def extract(self, folder: Path) -> None:
        """Unpack every member into a folder.

        Raises:
            EdgeproofError: a member is damaged.
        """
        for name in self.members:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                self.copy(name, file)

    def refusal(self, problem: str, member: str | None = None) -> EdgeproofError:
        """Return the error for the archive or, with `member`, for one of its members."""
        return self._kind(problem, file=self.file, key=member, remedy=self._remedy)


@contextmanager
def open_archive(
    source: Path | BinaryIO,
    limits: Limits,
    *,
    remedy: str,
    name: Path | None = None,
    kind: type[EdgeproofError] = UsageMistake,
) -> Iterator[Archive]:
    """Open a zip archive for reading after checking everything that it declares.

    An archive is rejected if it has more or larger members than the limits allow or the file can
    contain; two members with one name; names that lead outside of the folder; encrypted members;
    members compressed by another method than deflate; links or devices.

    Args:
        source: the file's path, or the open file.
        limits: the limits.
        remedy: the remedy in messages about a rejected archive.
        name: the name of an open file in messages.
        kind: class of the errors to raise.

    Raises:
        EdgeproofError: the file is not an archive, is damaged, or exceeds a limit; the message
            names the member.
        OSError: the file is missing, not a regular file, or cannot be read.
    """
    file = source if isinstance(source, Path) else (name or Path("archive"))
    with open_regular(source) if isinstance(source, Path) else _left_open(source) as opened:
        bounded = _Bounded(opened)
        try:
            archive = zipfile.ZipFile(bounded)
        except _TooManyError:
            raise kind(
                f"the archive's table of contents is larger than {_LARGEST_CONTENTS:,} bytes",
                file=file,
                remedy=remedy,
            ) from None
        except DAMAGE as error:
            raise kind(
                f"is not a zip archive, or is damaged ({error})", file=file, remedy=remedy
            ) from None
        bounded.most = None
        with archive:
            listed = {info.filename: info for info in archive.infolist()}
            folders = tuple(name for name in listed if name.endswith("/"))
            members = {name: info for name, info in listed.items() if name[-1:] != "/"}
            checked = Archive(file, members, folders, archive, kind, remedy)
            _check(checked, archive.infolist(), limits, bounded)
            yield checked


def is_safe(name: str) -> bool:
    """Tell whether a member can be unpacked without leaving its folder."""
    parts = name.removesuffix("/").split("/")
    return (
        is_writable(name)
        and not PurePosixPath(name).is_absolute()
        and "\\" not in name
        and not {"", ".", ".."} & set(parts)
    )


def is_writable(name: str) -> bool:
    """Tell whether a file system accepts a path, and whether a terminal shows it unchanged."""
    longest = max(len(part.encode()) for part in name.split("/"))
    return name.isprintable() and len(name) <= _LONGEST_NAME and longest <= _LONGEST_PART


def _check(archive: Archive, infos: list[zipfile.ZipInfo], limits: Limits, file: _Bounded) -> None:
    """Reject an archive if a member, or all members together, break a limit."""
    counted, size = file.members(), file.size()
    # zipfile lists the members that it finds, and would miss one whose entry a changed byte hides.
    if counted not in {len(infos), _UNCOUNTED}:
        raise archive.refusal(
            f"is damaged: the archive claims {counted:,} members but lists {len(infos):,}"
        )
    if len(infos) > limits.members:
        raise archive.refusal(
            f"holds {len(infos):,} members, but at most {limits.members:,} are allowed"
        )
    for name, count in Counter(info.filename for info in infos).items():
        if count > 1:
            raise archive.refusal(f"is in the archive {count} times", name)
    for info in infos:
        problem = _problem(info, limits)
        if problem:
            raise archive.refusal(problem, info.filename)
    if sum(info.compress_size for info in infos) > size:
        raise archive.refusal(
            f"the archive's members claim to be longer than the whole file of {size:,} bytes"
        )
    total = sum(info.file_size for info in infos)
    if total > limits.total:
        raise archive.refusal(
            f"would be {total:,} bytes unpacked, but at most {limits.total:,} are allowed"
        )


def _problem(info: zipfile.ZipInfo, limits: Limits) -> str | None:
    """Return what is wrong with a member; None if nothing is."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    unpacked = f"would be {info.file_size:,} bytes unpacked"
    most = max(_SMALL, limits.ratio * info.compress_size)
    problems = {
        "has a name that is too long, or with characters that cannot be shown": not is_writable(
            info.filename
        ),
        "would be unpacked outside of its folder": not is_safe(info.filename),
        "is a link or a device, not a file": kind not in {0, stat.S_IFREG, stat.S_IFDIR},
        "is encrypted": bool(info.flag_bits & _ENCRYPTED),
        "is compressed by a method other than deflate": info.compress_type not in _METHODS,
        f"{unpacked}, but at most {limits.member:,} are allowed": info.file_size > limits.member,
        f"{unpacked} from {info.compress_size:,} packed bytes, but at most "
        f"{limits.ratio} times as many are allowed": info.file_size > most,
    }
    return next((problem for problem, applies in problems.items() if applies), None)


class _TooManyError(Exception):
    """The central directory is too large to hold in memory."""


class _Bounded(io.RawIOBase):
    """An open file that reads at most `most` bytes at once.

    zipfile reads the whole table of contents at once, whatever size the archive declares.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.most: int | None = _LARGEST_CONTENTS

    def size(self) -> int:
        """Return the size of the archive in bytes."""
        at = self._file.tell()
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(at)
        return end

    def members(self) -> int:
        """Return the number of members that the end record of the archive states."""
        length = min(self.size(), _END_BYTES + _LONGEST_COMMENT)
        self._file.seek(-length, os.SEEK_END)
        end = self._file.read(length)
        # Find the end record as zipfile does: at the very end if there is no comment, otherwise at
        # the last signature, because the signature's bytes may also occur inside a record.
        tail = end[-_END_BYTES:]
        has_no_comment = tail.startswith(_END) and tail.endswith(b"\0\0")
        start = (
            len(end) - _END_BYTES
            if has_no_comment
            else end.rfind(_END, 0, len(end) - _END_BYTES + 4)
        )
        (count,) = struct.unpack_from("<H", end, start + 10)
        return int(count)

    def read(self, size: int = -1) -> bytes:
        if self.most is not None and size > self.most:
            raise _TooManyError
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


class _WriteError(Exception):
    """The file into which a member is unpacked cannot be written; the archive is not damaged."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _write(target: BinaryIO, piece: bytes) -> None:
    try:
        target.write(piece)
    except OSError as error:
        raise _WriteError(error) from None


@contextmanager
def _left_open(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield an open file, and leave it open at the end of the `with` block."""
    yield file
