"""A tokenizer in a file's metadata is read, or rejected with one message that names the file."""

from __future__ import annotations

import io
import zipfile

import pytest

from models.candidates.candidate import open_candidate
from models.candidates.declaration import CandidateTable
from models.candidates.tokenizer_of import encoder_of
from models.errors import UsageMistake
from suites.meta.flatbuffers import metadata_files as write
from suites.meta.small_classifiers import Shape, model_of

WORDS = b"<PAD> 0\n<START> 1\n<UNKNOWN> 2\ngood 3\n"
DEEP = "v" * 300


def archive(*members, comment=b"", before=b""):
    """Return a zip archive with members of these names and contents."""
    file = io.BytesIO(before)
    file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members:
            packed.writestr(name, content)
        packed.comment = comment
    return file.getvalue()


def encrypted():
    """Return an archive whose first member is marked as encrypted."""
    packed_file = bytearray(archive(("vocab.txt", WORDS)))
    packed_file[packed_file.find(b"PK\x01\x02") + 8] |= 1
    return bytes(packed_file)


def link():
    """Return an archive whose vocabulary is a symbolic link."""
    member = zipfile.ZipInfo("vocab.txt")
    member.external_attr = 0o120777 << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(member, b"/etc/passwd")
    return file.getvalue()


def encoder(folder, packed, *, name="vocab.txt"):
    """Read the tokenizer of a file with an appended archive."""
    shape = Shape(names=("ids",), classes=2, end=("SOFTMAX",), keys=())
    unit = write.regex_tokenizer(r"\W+", write.associated(name, 5))
    inputs = [write.tensor_metadata("text", units=[unit])]
    data = write.described(model_of(shape), inputs, [write.tensor_metadata("p")])
    path = folder / "described.tflite"
    path.write_bytes(data + packed)
    table = CandidateTable(name="described", flatbuffer=str(path))
    return encoder_of(table, open_candidate(path), None, has_ids=False)


SOUND = {
    "nested": (archive(("assets/vocab.txt", WORDS)), "assets/vocab.txt"),
    "with a comment": (archive(("vocab.txt", WORDS), comment=b"packed twice"), "vocab.txt"),
    "with something before it": (archive(("vocab.txt", WORDS), before=b"x" * 999), "vocab.txt"),
    "the later of two archives": (
        archive(("vocab.txt", b"<UNKNOWN> 0\n")) + archive(("vocab.txt", WORDS)),
        "vocab.txt",
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_vocabulary_in_the_metadata_of_a_file_tokenizes_its_texts(name, tmp_path):
    packed, file_name = SOUND[name]
    tokenizer = encoder(tmp_path, packed, name=file_name)
    assert tokenizer.encode([("good bad",)], 4)["ids"].tolist() == [[1, 3, 2, 0]]


REFUSED = {
    "no archive": (b"", "vocab.txt", "the vocabulary 'vocab.txt', which is not packed in the file"),
    "another file": (archive(("words.txt", WORDS)), "vocab.txt", "which is not packed in the file"),
    "another case": (archive(("Vocab.txt", WORDS)), "vocab.txt", "which is not packed in the file"),
    "a file of this machine": (
        archive(),
        "/etc/passwd",
        "the vocabulary '/etc/passwd', which is not packed",
    ),
    "no name": (archive(("vocab.txt", WORDS)), "", "the vocabulary '', which is not packed"),
    "a folder": (archive(("vocab.txt/", b"")), "vocab.txt/", "which is not packed in the file"),
    "above its folder": (
        archive(("../vocab.txt", WORDS)),
        "../vocab.txt",
        "metadata cannot be read: ../vocab.txt would be unpacked outside of its folder",
    ),
    "a name that is too long": (archive((DEEP, WORDS)), DEEP, "has a name that is too long"),
    "too long in bytes": (archive(("é" * 200, WORDS)), "é" * 200, "has a name that is too long"),
    "a name that acts on a terminal": (
        archive(("\x1b[2Jv", WORDS)),
        "\x1b[2Jv",
        "\\x1b[2Jv has a name that is too long",
    ),
    "held twice": (
        archive(("vocab.txt", WORDS), ("vocab.tx_", b"")).replace(b"tx_", b"txt"),
        "vocab.txt",
        "metadata cannot be read: vocab.txt is in the archive 2 times",
    ),
    "encrypted": (encrypted(), "vocab.txt", "metadata cannot be read: vocab.txt is encrypted"),
    "a link": (link(), "vocab.txt", "vocab.txt is a link or a device"),
    "a changed byte": (
        archive(("vocab.txt", WORDS)).replace(b"good", b"goof"),
        "vocab.txt",
        "in its metadata, vocab.txt is damaged (Bad CRC-32",
    ),
    "not text": (archive(("vocab.txt", b"\xff\xfe")), "vocab.txt", "vocab.txt is not UTF-8"),
    "a pickle": (archive(("vocab.txt", b"\x80\x04\x95.")), "vocab.txt", "is a Python pickle"),
    "nothing": (archive(("vocab.txt", b"")), "vocab.txt", "in its metadata, vocab.txt is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unusable_vocabulary_in_the_metadata_is_reported_in_one_message(name, tmp_path):
    packed, file_name, message = REFUSED[name]
    with pytest.raises(UsageMistake) as caught:
        encoder(tmp_path, packed, name=file_name)
    assert caught.value.file == str(tmp_path / "described.tflite")
    assert message in caught.value.what
    assert "--edge-tokenizer=" in caught.value.remedy
    assert not list(tmp_path.glob("**/vocab.txt"))
