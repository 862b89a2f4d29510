"""A zip archive is read only if it keeps the given limits and has no unsafe members."""

from __future__ import annotations

import io
import resource
import stat
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

from models.corpus.open_file import open_text
from models.errors import EdgeproofError, UsageMistake
from models.files.archives import Limits, open_archive
from models.store import PROJECT

LIMITS = Limits(members=10, member=2 << 20, total=3 << 20)
CORRUPT = PROJECT.parent / "shared" / "faults" / "corrupt.zip"
REMEDY = "Zip it again"


def zipped(*members, method=zipfile.ZIP_DEFLATED) -> bytes:
    """Return the bytes of a zip archive; a member is a pair of name (or ZipInfo) and content."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # two members have the same name
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def special(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o644) << 16
    return info


def encrypted() -> bytes:
    """Return an archive with the encryption bit set in both headers."""
    data = bytearray(zipped(("a", b"secret"), method=zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def with_size(data: bytes, size: int) -> bytes:
    """Return an archive whose first member declares this unpacked size."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


NOISE = bytes(range(256)) * 16
BAD = {
    "no archive": (b"text, polarity", "is not a zip archive"),
    "empty file": (b"", "is not a zip archive"),
    "half": (zipped(("a", NOISE))[:-30], "is not a zip archive"),
    "many members": (
        zipped(*((str(n), b"") for n in range(11))),
        "holds 11 members, but at most 10",
    ),
    "two of one name": (zipped(("a", b"1"), ("a", b"2")), "a: is in the archive 2 times"),
    "outside": (zipped(("../a", b"1")), "would be unpacked outside"),
    "deep outside": (zipped(("b/../../a", b"1")), "would be unpacked outside"),
    "absolute": (zipped(("/tmp/a", b"1")), "would be unpacked outside"),  # noqa: S108 - the path is never written to
    "backslash": (zipped(("b\\..\\..\\a", b"1")), "would be unpacked outside"),
    "no name": (zipped((zipfile.ZipInfo(""), b"1")), "would be unpacked outside"),
    "line in a name": (zipped(("a\n::error::b", b"1")), "has a name that is too long"),
    "link": (zipped((special("a", stat.S_IFLNK), b"/etc/passwd")), "is a link or a device"),
    "FIFO": (zipped((special("a", stat.S_IFIFO), b"")), "is a link or a device"),
    "device": (zipped((special("a", stat.S_IFCHR), b"")), "is a link or a device"),
    "encrypted": (encrypted(), "is encrypted"),
    "bzip2": (zipped(("a", b"1" * 100), method=zipfile.ZIP_BZIP2), "method other than deflate"),
    "LZMA": (zipped(("a", b"1" * 100), method=zipfile.ZIP_LZMA), "method other than deflate"),
    "large member": (zipped(("a", NOISE * 600)), "would be 2,457,600 bytes unpacked"),
    "large together": (
        zipped(*((name, NOISE * 250) for name in "abcd")),
        "would be 4,096,000 bytes unpacked, but at most 3,145,728",
    ),
    "ratio": (zipped(("a", bytes(2 << 20))), "at most 100 times as many"),
    "declared size": (with_size(zipped(("a", NOISE)), (1 << 32) - 2), "4,294,967,294 bytes"),
    "longer than the file": (
        zipped(("a", b"1" * 50), method=zipfile.ZIP_STORED).replace(
            struct.pack("<II", 50, 50), struct.pack("<II", 5000, 5000)
        ),
        "longer than the whole file of",
    ),
}


def opened(data: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    naming = {"remedy": REMEDY, "name": Path("given.zip")}
    with open_archive(io.BytesIO(data), limits, **naming) as archive:
        return {name: archive.read(name) for name in archive.members}


@pytest.mark.parametrize("case", BAD)
def test_invalid_archive_is_reported_in_one_message(case):
    data, says = BAD[case]
    with pytest.raises(UsageMistake) as refused:
        opened(data)
    assert str(refused.value).startswith("given.zip: ")
    assert str(refused.value).endswith(REMEDY)
    assert says in str(refused.value)


@pytest.mark.parametrize("size", [0, 1, len(NOISE) - 1, len(NOISE) + 1, len(NOISE) + 1000])
def test_rejects_member_with_wrong_declared_size(size):
    with pytest.raises(UsageMistake, match="a: is damaged"):
        opened(with_size(zipped(("a", NOISE)), size))


def test_rejects_oversized_central_directory():
    names = (f"{number:06}" + "x" * 200 for number in range(18_000))
    generous = Limits(members=1_000_000, member=1, total=1)
    with pytest.raises(UsageMistake, match="the archive's table of contents is larger"):
        opened(zipped(*((name, b"") for name in names)), generous)


@pytest.mark.parametrize("place", range(4, 19))
def test_zip_whose_end_record_contains_its_own_signature_is_rejected_or_read_correctly(place):
    data = bytearray(zipped(("a", NOISE)))
    end = data.rfind(b"PK\x05\x06")
    data[end + place : end + place + 4] = b"PK\x05\x06"
    if place <= 6:  # disk numbers, which no reader uses
        assert opened(bytes(data)) == {"a": NOISE}
    else:
        with pytest.raises(UsageMistake, match=r"given\.zip: "):
            opened(bytes(data))


def test_archive_with_a_flipped_bit_is_rejected_or_read_correctly():
    data = zipped(("a", NOISE), ("b/c.txt", b"text"))
    intact = opened(data)
    refused = 0
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        try:
            content = opened(bytes(flipped))
        except UsageMistake:
            refused += 1
        else:
            assert sorted(content.values()) == sorted(intact.values()), place
    assert refused > len(data)


def test_archive_within_the_limits_is_read(tmp_path):
    data = zipped(("folder/", b""), ("folder/a", NOISE), ("b", b""))
    assert opened(data) == {"folder/a": NOISE, "b": b""}
    with open_archive(io.BytesIO(data), LIMITS, remedy=REMEDY) as archive:
        archive.extract(tmp_path)
        assert archive.folders == ("folder/",)
    assert (tmp_path / "folder" / "a").read_bytes() == NOISE


def test_error_about_an_archive_has_the_requested_exception_class():
    with (
        pytest.raises(EdgeproofError) as refused,
        open_archive(io.BytesIO(b""), LIMITS, remedy=REMEDY, kind=EdgeproofError),
    ):
        pass
    assert refused.value.exit_code == 1


def test_full_disk_is_not_reported_as_a_damaged_archive():
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    data = zipped(("a", NOISE))
    with (
        open_archive(io.BytesIO(data), LIMITS, remedy=REMEDY) as archive,
        pytest.raises(OSError, match="No space left"),
    ):
        archive.copy("a", Full())


def test_zip_bomb_given_as_corpus_is_rejected_before_unpacking(tmp_path):
    """Two megabytes expand to half a gigabyte; the reader may use only 100 megabytes."""
    bomb, row = tmp_path / "texts.zip", b"text,polarity\n" * 1_000_000
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("texts.csv", "w", force_zip64=True) as member,
    ):
        for _ in range(40):
            member.write(row)
    source = "import sys; from pathlib import Path; from models.corpus.open_file import open_text"
    source += "; open_text(Path(sys.argv[1]), 'utf-8', None)"

    def little_memory() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (100 << 20, 100 << 20))

    done = subprocess.run(
        [sys.executable, "-c", source, str(bomb)],
        cwd=PROJECT,
        preexec_fn=little_memory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "UsageMistake" in done.stderr.splitlines()[-1]
    assert "Give the file with the texts unpacked" in done.stderr.splitlines()[-1]


def test_rejects_corpus_in_a_zip_inside_a_zip(tmp_path):
    outer = tmp_path / "texts.zip"
    outer.write_bytes(zipped(("texts.zip", zipped(("texts.csv", NOISE)))))
    with pytest.raises(UsageMistake, match="is a zip archive inside a zip archive"):
        open_text(outer, "utf-8", None)


def test_corrupt_zip_is_reported_in_one_message():
    if not CORRUPT.exists():
        pytest.skip(f"{CORRUPT} is not here")
    with pytest.raises(UsageMistake) as refused:
        open_text(CORRUPT, "utf-8", None)
    assert refused.value.file == str(CORRUPT)
