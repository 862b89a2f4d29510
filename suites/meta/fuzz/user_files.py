"""Write users' files for fuzzing: labelled texts, results.json, classifiers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models.files.extensible_tables import as_plain
from suites.meta.flatbuffers import metadata_files as write
from suites.meta.fuzz.mutations import VALUES, dumped, mutated, mutated_json
from suites.meta.fuzz.shapes import no_files
from suites.meta.fuzz.systematic import each_byte, each_cut, each_value, places, replaced
from suites.meta.reports.runs import document
from suites.meta.small_classifiers import Shape, classifier, model_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

_ROW = {"text": "a word", "label": "good", "id": "7"}


def texts() -> Iterable[bytes]:
    """Return labelled texts as JSON lines."""
    return [_lines(_ROW), _lines(_ROW, _ROW | {"id": "8", "label": "bad", "more": [1, {"a": 2}]})]


def bad_texts() -> Iterator[tuple[str, Any]]:
    """Yield labelled texts that a reader must accept or refuse without other effects."""
    yield from no_files()
    for key in _ROW:
        for at, value in enumerate(VALUES):
            yield f"{key} is value {at}", dumped(_ROW | {key: value})
    for name, row in each_value(_ROW | {"id": "8", "more": [1, {"a": 2}]}):
        yield f"the second row's {name}", dumped(_ROW) + b"\n" + dumped(row) + b"\n"
    yield from each_cut(_lines(_ROW))
    yield from each_byte(_lines(_ROW))
    yield "nested", b'{"text": ' + b"[" * 200_000
    yield "a key twice", b'{"text": "a", "t\\u0065xt": "b", "label": "good", "id": "7"}'
    yield "a line of a megabyte", _lines(_ROW | {"text": "x" * (1 << 20)})
    yield "half an emoji", b'{"text": "\\ud83d", "label": "good", "id": "7"}'
    yield "UTF-16", _lines(_ROW).decode().encode("utf-16")


def results() -> Iterable[bytes]:
    """Return a small results.json."""
    return [dumped(as_plain(document()))]


def bad_results() -> Iterator[tuple[str, Any]]:
    """Yield documents of runs in which one value is replaced."""
    yield from no_files()
    for path in places(as_plain(document())):
        for at in (0, 17, 30, 32, 38, 42, 44):
            yield (
                f"{path} is value {at % len(VALUES)}",
                dumped(replaced(as_plain(document()), path, VALUES[at % len(VALUES)])),
            )
    yield "nested", b'{"run": ' + b"[" * 200_000
    yield "many keys", ("{" + ",".join(f'"k{at}":1' for at in range(100_000)) + "}").encode()


def mutated_document(random: Random, data: bytes) -> bytes:
    """Change values of a document, or, with a probability of 0.2, its bytes."""
    if random.random() < 0.2:
        return mutated(random, data)
    return dumped(mutated_json(random, json.loads(data)))


def classifiers() -> Iterable[bytes]:
    """Return small classifiers: with and without a signature, and with metadata."""
    words = write.associated("vocab.txt", 4)
    units = [write.regex_tokenizer(r"[^\w\']+", words)]
    ids = [write.tensor_metadata("ids", units=units)]
    labels = write.tensor_metadata("p", files=[write.associated("labels.txt", 2)])
    packed = {"vocab.txt": b"<PAD>\n<UNKNOWN>\nword\n", "labels.txt": b"a\nb\nc\n"}
    model = model_of(Shape(names=("ids",), end=("SOFTMAX",)))
    return [
        classifier(),
        classifier(names=("ids",), keys=()),
        write.described(model, ids, [labels], packed=packed),
    ]


def bad_classifiers() -> Iterator[tuple[str, Any]]:
    """Yield classifiers with every eleventh word set to an invalid offset, or truncated."""
    yield from no_files()
    for number, data in enumerate(classifiers()):
        for at in range(0, len(data) - 4, 44):
            yield f"classifier {number}, cut at {at}", data[:at]
            for word in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
                changed = data[:at] + word.to_bytes(4, "little") + data[at + 4 :]
                yield f"classifier {number}, word at {at} is {word}", changed


def _lines(*rows: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
