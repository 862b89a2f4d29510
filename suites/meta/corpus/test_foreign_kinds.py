"""An error names the type of a file without text; a text that resembles such a file is read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile

import pytest

from models.corpus.open_file import open_text
from models.errors import UsageMistake

CSV = b"text,label\ngood,a\nbad,b\n"


def zipped(*members):
    """Return a zip archive of members by name and content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def tarred():
    """Return a tar archive of one table."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("t.csv")
        member.size = len(CSV)
        archive.addfile(member, io.BytesIO(CSV))
    return file.getvalue()


REFUSED = {
    "Avro": (b"Obj\x01\x04\x14avro.codec\x08null", "is an Avro file", "as CSV"),
    "ORC": (b"ORC\x08\x03" + bytes(9) + b"\x19ORC\x17", "is an ORC file", "as CSV"),
    "an Arrow stream": (b"\xff\xff\xff\xff\x70\x01\x00\x00", "is an Arrow stream", "as CSV"),
    "an old pickle": (pickle.dumps({"text": CSV}, 2), "is a Python pickle", "as CSV"),
    "an array": (b"\x93NUMPY\x01\x00", "is an array of numpy", "as CSV"),
    "gzip": (gzip.compress(CSV), "is compressed by gzip", "Unpack it"),
    "bzip2": (bz2.compress(CSV), "is compressed by bzip2", "Unpack it"),
    "xz": (lzma.compress(CSV), "is compressed by xz", "Unpack it"),
    "zstd": (b"\x28\xb5\x2f\xfd\x24\x1a", "is compressed by zstd", "Unpack it"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04", "is a 7z archive", "Unpack it"),
    "tar": (tarred(), "is a tar archive", "Unpack it"),
    "a model": (b"\x1c\x00\x00\x00TFL3" + bytes(40), "is a TFLite FlatBuffer", "with the texts"),
    "a PDF": (b"%PDF-1.4\n%\xe2\xe3", "is a PDF", "with the texts"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "is a picture", "with the texts"),
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "is a pointer of Git LFS",
        "git lfs pull",
    ),
    "a page to sign in": (
        b"\n<!DOCTYPE html>\n<html>",
        "is a web page",
        "Download the file itself",
    ),
    "a server's error": (b"<?xml version='1.0'?><Error/>", "is a web page", "the raw link"),
    "a spreadsheet of a phone": (
        zipped(("Index/Document.iwa", b"\0")),
        "is a spreadsheet",
        "as CSV",
    ),
    "a document": (
        zipped(("[Content_Types].xml", ""), ("word/document.xml", "")),
        "is a document of an office program",
        "as CSV",
    ),
    "Parquet in a zip": (zipped(("t.parquet", b"PAR1\x15")), "is a Parquet file", "as CSV"),
    "gzip in a zip": (zipped(("t.csv.gz", gzip.compress(CSV))), "compressed by gzip", "Unpack it"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_error_names_the_type_of_a_file_that_contains_no_text(name, encoding, tmp_path):
    data, message, remedy = REFUSED[name]
    file = tmp_path / "t.csv"
    file.write_bytes(data)
    with pytest.raises(UsageMistake) as caught:
        open_text(file, encoding, None)
    assert caught.value.file == str(file)
    assert message in caught.value.what
    assert remedy in caught.value.remedy
    assert caught.value.key != "corpus.encoding"


TEXTS = {
    "a column of researchers": b"ORCID,text\n0000-0002,good\n",
    "a column of operations": b"BZh,text\n1,good\n",
    "a text about a web page": b"text\nuse <!DOCTYPE html>\n",
    "a text about a pointer": b"text\nversion https://git-lfs.github.com/spec/v1\n",
    "a text about archives": (b"text\n" + b"x" * 300).replace(b"x" * 257, b"x" * 252 + b"ustar"),
    "a column that is called as a file is": b"abc,TFL3\nx,y\n",
    "a picture that is spoken of": b"GIF8,text\n1,good\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_resembles_another_file_type_is_accepted(name, tmp_path):
    file = tmp_path / "t.csv"
    file.write_bytes(TEXTS[name])
    assert open_text(file, "utf-8", None).text == TEXTS[name].decode()
