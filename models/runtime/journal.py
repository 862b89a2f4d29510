"""Store answers as they are computed, so that a killed run can be resumed.

The file consists of records, each with the positions of some rows, their logits and a checksum of
both. If a killed process has left an incomplete record at the end, it is removed when the file is
opened again.
"""

from __future__ import annotations

import struct
import threading
import zlib
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from models.errors import EdgeproofError
from models.files.arrays import as_array

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Logits = NDArray[np.float32]

# Head of a record: number of rows, values per row, and checksum of the data that follows.
_HEAD = struct.Struct("<III")
_ROW, _VALUE = np.dtype("<i8"), np.dtype("<f4")


class Journal:
    """The answers to some rows, stored in a file; several threads may add answers.

    Args:
        file: path of the file, which only one process may open.
        texts: number of all rows; a record with a position beyond them is invalid.

    Raises:
        EdgeproofError: the file cannot be read or written.
    """

    def __init__(self, file: Path, texts: int) -> None:
        self._path, self._texts = file, texts
        self._lock = threading.Lock()
        self._known: dict[int, Logits] = {}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = file.open("a+b")
            self._file.truncate(self._read())
        except OSError as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file without deleting it."""
        self._file.close()

    @property
    def rows(self) -> Rows:
        """Return the positions of the rows with stored answers, ascending."""
        return np.array(sorted(self._known), np.int64)

    def add(self, rows: Rows, logits: Logits) -> None:
        """Append the answers to some rows to the file.

        Args:
            rows: positions of the rows [n].
            logits: logits of the rows [n, values].

        Raises:
            EdgeproofError: the file cannot be written.
        """
        body = rows.astype(_ROW).tobytes() + logits.astype(_VALUE).tobytes()
        head = _HEAD.pack(len(rows), logits.shape[1], zlib.crc32(body))
        with self._lock:
            try:
                self._file.write(head + body)
                self._file.flush()
            except OSError as error:
                raise self._unwritable(error) from None
            self._remember(rows, logits)

    def at(self, rows: Rows) -> Logits:
        """Return the stored answers to some rows, [n, values]."""
        return np.stack([self._known[row] for row in rows.tolist()])

    def remove(self) -> None:
        """Delete the file, after its contents were stored elsewhere."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _read(self) -> int:
        """Read every complete record; return the position at which the last one ends."""
        self._file.seek(0)
        end = 0
        while len(head := self._file.read(_HEAD.size)) == _HEAD.size:
            count, width, checksum = _HEAD.unpack(head)
            size = count * (_ROW.itemsize + width * _VALUE.itemsize)
            if not 0 < count <= self._texts or size > self._path.stat().st_size:
                break
            body = self._file.read(size)
            if len(body) < size or zlib.crc32(body) != checksum:
                break
            numbers = count * _ROW.itemsize
            rows = as_array(body[:numbers], _ROW, [count])
            if rows.min() < 0 or rows.max() >= self._texts:
                break
            values = as_array(body[numbers:], _VALUE, [count, width])
            self._remember(rows.astype(np.int64), values.astype(np.float32))
            end += _HEAD.size + size
        return end

    def _remember(self, rows: Rows, logits: Logits) -> None:
        self._known.update(zip(rows.tolist(), logits, strict=True))

    def _unwritable(self, error: OSError) -> EdgeproofError:
        return EdgeproofError(
            f"cannot save answers as they arrive ({error.strerror})",
            file=self._path,
            remedy="Free disk space, make the folder writable, or choose another --edge-cache-dir",
        )
