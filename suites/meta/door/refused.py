"""List the mistakes about given files, each with its message."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suites.meta import onnx_writer
from suites.meta.flatbuffer_writer import Model
from suites.meta.flatbuffers import metadata_files as metadata
from suites.meta.flatbuffers.finding_files import quantized_ids, variables
from suites.meta.small_classifiers import ROWS, Shape, classifier, model_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 12
LABELS = ("a", "b", "c")
ROW = "word1 word2"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A mistake about given files, with the message that reports it.

    Attributes:
        says: parts of the message: file, key, remedy.
        files: contents by file name, written beside (or instead of) correct files.
        toml: TOML of a subject that replaces the usual options; None if there is none.
        options: values that replace the correct options; None removes an option.
    """

    says: tuple[str, ...]
    files: dict[str, bytes | str | Callable[[], bytes]] = field(default_factory=dict)
    toml: str | None = None
    options: dict[str, str | tuple[str, ...] | None] = field(default_factory=dict)

    def make(self, folder: Path) -> dict[str, str | tuple[str, ...]]:
        """Write all files; return the options that contain the mistake."""
        for name, content in {**SOUND, **self.files}.items():
            data = content() if callable(content) else content
            (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        if self.toml is not None:
            (folder / "mine.toml").write_text(self.toml, encoding="utf-8")
            return {"subject": str(folder / "mine.toml"), **self._placed(self.options, folder)}
        return self._placed({**USUAL, **self.options}, folder)

    @staticmethod
    def _placed(options: dict[str, Any], folder: Path) -> dict[str, str | tuple[str, ...]]:
        def placed(value: Any) -> Any:
            if isinstance(value, str):
                return value.replace("{}", str(folder))
            return tuple(map(placed, value))

        return {name: placed(value) for name, value in options.items() if value is not None}


def _csv(*rows: str, header: str = "text,label") -> str:
    return "\n".join((header, *rows)) + "\n"


def _vocabulary(words: int, prefix: str = "word") -> str:
    return "\n".join(("", "[UNK]", *(f"{prefix}{number}" for number in range(words)))) + "\n"


def _words(count: int) -> str:
    return "".join(f"word{number}\n" for number in range(count))


def _with_vocabulary() -> bytes:
    """Return a file whose metadata has a word list without a token for unknown words."""
    shape = Shape()
    inputs = [metadata.tensor_metadata(name) for name in shape.names]
    units = [metadata.regex_tokenizer(r"\W+", metadata.associated("vocab.txt", 2))]
    packed = {"vocab.txt": b"<PAD>\nword1\nword2\n"}
    outputs = [metadata.tensor_metadata("logits")]
    return metadata.described(model_of(shape), inputs, outputs, units=units, packed=packed)


def _recorded(*, drop: int = 0, more: tuple[dict[str, Any], ...] = (), label: str = "a") -> str:
    rows = [{"id": f"line-{number + 2}", "label": label} for number in range(COUNT - drop)]
    return "".join(f"{json.dumps(row)}\n" for row in (*rows, *more))


def _without_inputs() -> bytes:
    model = Model()
    constant = model.tensor("held", (1, 3), values=[[1.0, 2.0, 3.0]])
    out = model.tensor("out", (1, 3))
    model.operator("LOGISTIC", [constant], [out])
    model.end_graph([], [out])
    return model.pack()


def _of_operator(name: str) -> bytes:
    model = Model()
    ids, out = model.tensor("input_ids", (1, 8), "int32"), model.tensor("out", (1, 3))
    model.operator(name, [ids], [out])
    model.end_graph([ids], [out])
    return model.pack()


def _spreadsheet() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            archive.writestr(name, "<x/>")
    return buffer.getvalue()


def _half_named() -> bytes:
    model = model_of(Shape(keys=("first",)))
    ids, more = model.tensor("ids", (1, 8), "int32"), model.tensor("more", (1, 8), "int32")
    out = model.tensor("out", (1, 8))
    model.operator("ADD", [ids, more], [out], options=("AddOptions", {}))
    model.sign({"ids": ids}, {"logits": out}, "second", graph=1)
    model.end_graph([ids, more], [out], "second")
    return model.pack()


def _of_text() -> bytes:
    model = Model()
    text, out = model.tensor("text", (1,), "string"), model.tensor("out", (1, 3))
    model.operator("CAST", [text], [out], options=("CastOptions", {}))
    model.end_graph([text], [out])
    return model.pack()


SOUND: dict[str, Any] = {
    "ok.tflite": classifier,
    "texts.csv": _csv(*(f"{ROW},{LABELS[number % 3]}" for number in range(COUNT))),
    "vocab.txt": _vocabulary(ROWS - 2),
}
USUAL: dict[str, Any] = {
    "flatbuffer": ("{}/ok.tflite",),
    "corpus": "{}/texts.csv",
    "labels": ",".join(LABELS),
    "tokenizer": "text_vectorization:{}/vocab.txt",
}
TOML = (
    'corpus = "texts.csv"\nlabels = ["a", "b", "c"]\ntokenizer = "text_vectorization:vocab.txt"\n'
)
ONE = '[[candidates]]\nname = "x"\nflatbuffer = "ok.tflite"\n'


def _file(content: Any, *says: str, **options: Any) -> Refused:
    """Return a mistake in which another file replaces the FlatBuffer."""
    settings = {"flatbuffer": ("{}/bad.tflite",), **options}
    return Refused(says=("bad.tflite", *says), files={"bad.tflite": content}, options=settings)


def _texts(content: Any, *says: str, named: str = "bad.csv", **options: Any) -> Refused:
    settings = {"corpus": "{}/bad.csv", **options}
    return Refused(says=(named, *says), files={"bad.csv": content}, options=settings)


def _answers(
    content: bytes | str, *says: str, name: str = "bad.jsonl", key: str = "--edge-reference"
) -> Refused:
    settings: dict[str, Any] = {"reference": f"{{}}/{name}"}
    return Refused(says=(name, key, *says), files={name: content}, options=settings)


FILES = {
    "no such file": Refused(
        says=("absent.tflite", "candidate absent", "Check the path"),
        options={"flatbuffer": ("{}/absent.tflite",)},
    ),
    "an empty file": _file(b"", "is empty", "compare its sha256"),
    "a pointer of Git LFS": _file(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"
    ),
    "a placeholder": _file("put the model here\n", "bytes in place of a model"),
    "a web page": _file("<!DOCTYPE html><html></html>", "is a web page", "raw link"),
    "an archive": _file(b"PK\x03\x04" + bytes(90), "is a zip archive", "give the .tflite inside"),
    "half a file": _file(lambda: classifier()[:1500], "truncated or corrupt", "fetch it again"),
    "a copy in text mode": _file(
        lambda: classifier().replace(b"\n", b"\r\n"), "text mode", "*.tflite binary"
    ),
    "a file without inputs": _file(_without_inputs, "has no inputs", "as arguments"),
    "a file that takes text": _file(_of_text, "takes text itself", "the part after the token ids"),
    "an operator of TensorFlow": _file(
        lambda: _of_operator("FlexErf"), "operators", "FlexErf", "TFLITE_BUILTINS"
    ),
    "an operator of its maker": _file(lambda: _of_operator("NGramHash"), "operators", "NGramHash"),
    "weights that are not in the file": _file(
        lambda: variables("READ_VARIABLE"), "operators", "reads variables", "freeze"
    ),
    "ids that were quantized with the rest": _file(
        lambda: quantized_ids(5.9), "inputs", "scale 5.9", "256 values", "input of int32"
    ),
    "a signature that names half of another graph": _file(
        _half_named, "signature", "'second'", "a graph other than the first", signature="second"
    ),
    "several signatures": _file(
        lambda: classifier(keys=("one", "two")), "has 2 signatures", "--edge-signature=one"
    ),
    "a signature that is not there": Refused(
        says=("ok.tflite", "signature", "'nope'", "serving_default"), options={"signature": "nope"}
    ),
    "inputs of no known name": _file(
        lambda: classifier(names=("args_0", "args_1", "args_2")),
        "it is uncertain which input",
        "--edge-inputs='ids=args_0,mask=args_1,segments=args_2'",
    ),
    "inputs that are not all declared": Refused(
        says=("ok.tflite", "inputs", "mask or segments"), options={"inputs": "ids=input_ids"}
    ),
    "inputs that are not there": Refused(
        says=("inputs.ids", "'nope'", "attention_mask"), options={"inputs": "ids=nope"}
    ),
    "another length": Refused(
        says=("ok.tflite", "length", "takes 8 tokens", "or give 8"), options={"length": "9"}
    ),
    "other lengths": Refused(
        says=("ok.tflite", "accepts only 8 tokens", "a signature for each length"),
        options={"length": "4,8"},
    ),
    "several outputs": _file(
        lambda: classifier(outputs=2), "has 2 outputs", "--edge-output='name=logits'"
    ),
    "an output for each token": _file(
        lambda: classifier(lead=(1, 16)), "the answer to a text needs [1, labels]", "name another"
    ),
    "a meaning that the graph denies": Refused(
        says=("output.meaning", "the graph computes logits", "give 'logits'"),
        options={"output": "meaning=probabilities"},
    ),
    "a meaning that does not exist": Refused(
        says=("--edge-output", "'prob'", "log_probabilities"), options={"output": "meaning=prob"}
    ),
    "a threshold of three scores": Refused(
        says=("ok.tflite", "apply only to a single sigmoid", "Remove `threshold` and `positive`"),
        options={"output": "threshold=0.5"},
    ),
    "two candidates of one name": Refused(
        says=("--edge-flatbuffer", "called 'x'", "NAME=PATH"),
        options={"flatbuffer": ("x={}/ok.tflite", "x={}/ok.tflite")},
    ),
}
TEXTS = {
    "no texts": Refused(says=("--edge-corpus", "without labelled texts"), options={"corpus": None}),
    "no file of texts": Refused(
        says=("absent.csv", "no such file", "Check the path"), options={"corpus": "{}/absent.csv"}
    ),
    "a header alone": _texts(_csv(), "a header and no texts"),
    "no column of labels": _texts(
        _csv("x,a", header="text,mood"), "corpus.label", "'mood'", "--edge-columns=label=NAME"
    ),
    "no column of texts": _texts(
        _csv("x,a", header="review,label"), "corpus.text", "'review'", "--edge-columns=text=NAME"
    ),
    "no column of groups": _texts(
        _csv("x,a"), "corpus.group", "'who'", columns="text=text,label=label,group=who"
    ),
    "no column of second texts": _texts(
        _csv("x,a"), "corpus.second", "'b'", columns="text=text,label=label,second=b"
    ),
    "no column of ids": _texts(
        _csv("x,a"),
        "corpus.ids",
        "'ids'",
        columns="text=text,label=label,ids=ids",
        tokenizer=None,
    ),
    "a use that columns do not have": Refused(
        says=("--edge-columns", "second, group, id, ids"), options={"columns": "words=text"}
    ),
    "a file of Parquet": _texts("PAR1 and so on", "is a Parquet file", "CSV in UTF-8"),
    "a spreadsheet": _texts(_spreadsheet, "is a spreadsheet", "CSV in UTF-8"),
    "a label that the list lacks": Refused(
        says=("texts.csv", "line 4", "'c'", "--edge-labels", "[corpus.values]"),
        options={"labels": "a,b,d"},
    ),
    "more labels than outputs": Refused(
        says=("ok.tflite", "4 labels", "distinguishes 3"), options={"labels": "a,b,c,d"}
    ),
    "fewer labels than outputs": _texts(
        _csv(f"{ROW},a", f"{ROW},b"), "2 labels", "distinguishes 3", named="ok.tflite", labels="a,b"
    ),
    "a label twice": Refused(says=("--edge-labels", "'a'"), options={"labels": "a,a,b"}),
    "no file of labels": Refused(
        says=("--edge-labels", "absent.txt", "nor an existing file"),
        options={"labels": "{}/absent.txt"},
    ),
    "nothing that orders labels": Refused(
        says=(
            *("in alphabetical order: a, b, c", "--edge-labels=FIRST,SECOND"),
            "in the order of the file's output",
        ),
        options={"labels": None},
    ),
    "nothing in a TOML that orders labels": Refused(
        says=("mine.toml", 'labels = ["FIRST", "SECOND"]', "in the order of the file's output"),
        toml='corpus = "texts.csv"\ntokenizer = "text_vectorization:vocab.txt"\n' + ONE,
    ),
    "labels as JSON": Refused(
        says=("labels.json", "is JSON", "a line of its own"),
        files={"labels.json": '["a", "b", "c"]'},
        options={"labels": "{}/labels.json"},
    ),
    "numbers that are no places in the output": _texts(
        _csv("word1,0", "word2,3"),
        "in alphabetical order: 0, 3",
        named="--edge-labels",
        labels=None,
    ),
    "several labels in a cell": _texts(
        _csv('word1,"a,b"', "word2,a"), "several labels", "multi-label", "yes and no"
    ),
    "a one for each label": _texts(
        _csv('word1,"[1, 0, 1]"', 'word2,"[0, 1, 0]"'), "several labels", "multi-label"
    ),
    "labels as a list of JSON": Refused(
        says=("bad.jsonl", "several labels", "multi-label"),
        files={"bad.jsonl": '{"text": "word1", "label": ["a", "b"]}\n'},
        options={"corpus": "{}/bad.jsonl"},
    ),
    "texts that are all empty": _texts(_csv(",a", ",b"), "no labelled text"),
}
NUMBERS = {
    "nothing that makes ids": Refused(
        says=("ok.tflite", "--edge-tokenizer", "--edge-columns"), options={"tokenizer": None}
    ),
    "no file of the tokenizer": Refused(
        says=("absent.txt", "--edge-tokenizer", "Check the path"),
        options={"tokenizer": "words:{}/absent.txt"},
    ),
    "a kind of tokenizer that does not exist": Refused(
        says=("--edge-tokenizer", "'bert'", "wordpiece"), options={"tokenizer": "bert:{}/vocab.txt"}
    ),
    "a word list of no certain kind": Refused(
        says=("bad.txt", "--edge-tokenizer", "KIND:FILE"),
        files={"bad.txt": "one\ntwo\nthree\n"},
        options={"tokenizer": "{}/bad.txt"},
    ),
    "a pickle of a tokenizer": Refused(
        says=("bad.pickle", "which edgeproof never loads", "tokenizer.to_json()", "keras:FILE"),
        files={"bad.pickle": pickle.dumps({"word": 1})},
        options={"tokenizer": "keras:{}/bad.pickle"},
    ),
    "the model in place of its vocabulary": Refused(
        says=("ok.tflite", "not a tokenizer", "vocabulary"),
        options={"tokenizer": "{}/ok.tflite"},
    ),
    "ids beyond the table": Refused(
        says=("ok.tflite", "--edge-tokenizer", "the text in line 2 has the id 72", "64 rows"),
        files={"bad.txt": "\n".join(("", "[UNK]", *map(str, range(70)))) + "\nword1\n"},
        options={"tokenizer": "text_vectorization:{}/bad.txt", "corpus": "{}/texts.csv"},
    ),
    "an unknown token beyond the table": Refused(
        says=("ok.tflite", "--edge-tokenizer", "the id 64 for an unknown word", "64 rows"),
        files={"bad.txt": f"<pad>\n{_words(63)}<unk>\n"},
        options={"tokenizer": "words:{}/bad.txt"},
    ),
    "a padding beyond the table": Refused(
        says=("ok.tflite", "--edge-tokenizer", "the id 64 for padding", "64 rows"),
        files={"bad.txt": f"<unk>\n{_words(63)}<pad>\n"},
        options={"tokenizer": "words:{}/bad.txt"},
    ),
    "a token around texts beyond the table": Refused(
        says=("ok.tflite", "--edge-tokenizer", "the id 64 for '[SEP]' around a text", "64 rows"),
        files={
            "vocab.txt": f"[PAD]\n[UNK]\n[CLS]\n{_words(61)}[SEP]\n",
            "tokenizer_config.json": "{}",
        },
        options={"tokenizer": "wordpiece:{}/vocab.txt"},
    ),
    "a vocabulary in the metadata without its tokens": Refused(
        says=("bad.tflite", "in its metadata, vocab.txt", "'<UNKNOWN>'", "--edge-tokenizer=KIND"),
        files={"bad.tflite": _with_vocabulary},
        options={"flatbuffer": ("{}/bad.tflite",), "tokenizer": None},
    ),
    "a vocabulary of other words": Refused(
        says=("ok.tflite", "--edge-tokenizer", "knows no word in the texts"),
        files={"bad.txt": _vocabulary(50, prefix="mot")},
        options={"tokenizer": "text_vectorization:{}/bad.txt"},
    ),
    "a column of ids beyond the table": _texts(
        _csv("x,a,1 2 64", header="text,label,ids"),
        "the text in line 2 has the id 64",
        "64 rows",
        named="ok.tflite",
        columns="text=text,label=label,ids=ids",
        tokenizer=None,
    ),
    "a column of ids below zero": _texts(
        _csv("x,a,1 -2", header="text,label,ids"),
        "line 2",
        "'1 -2'",
        columns="text=text,label=label,ids=ids",
        tokenizer=None,
    ),
    "more ids than the file takes": _texts(
        _csv("x,a,1 2 3 4 5 6 7 8 9", header="text,label,ids"),
        "the text in line 2 has 9 ids",
        "accepts at most 8",
        named="ok.tflite",
        columns="text=text,label=label,ids=ids",
        tokenizer=None,
    ),
    "a tokenizer and a column of ids": _texts(
        _csv("x,a,1 2", header="text,label,ids"),
        "Remove the tokenizer, or",
        named="--edge-columns",
        columns="text=text,label=label,ids=ids",
    ),
}
ANSWERS = {
    "a reference that is not there": Refused(
        says=("--edge-reference", "a candidate's name"), options={"reference": "nope"}
    ),
    "recorded answers of no known kind": _answers("id,label\n", "recorded answers", name="bad.txt"),
    "answers that miss texts": _answers(_recorded(drop=2), "lacks answers for 2 of 12 texts"),
    "answers that are there twice": _answers(
        _recorded(more=({"id": "line-2", "label": "a"},)), "line 1 and line 13"
    ),
    "answers to other texts": _answers(
        _recorded(more=({"id": "zz", "label": "a"},)), "'zz'", "not in the corpus"
    ),
    "answers of another label": _answers(_recorded(label="q"), "'q'", "a, b, c"),
    "no model of ONNX": _answers("x", "bytes in place of a model", name="bad.onnx"),
    "half a model of ONNX": _answers(
        onnx_writer.classifier()[:500], "was cut short", "the export wrote", name="bad.onnx"
    ),
    "weights of a model of ONNX that are not there": _answers(
        onnx_writer.classifier(external={"location": "absent.data"}),
        "absent.data into the same folder",
        name="bad.onnx",
        key="external_data",
    ),
}
TOMLS = {
    "an unknown key": Refused(
        says=("mine.toml", "candidates[0]", "`foo`", "contract, flatbuffer, inputs"),
        toml=f"{TOML}{ONE}foo = 1\n",
    ),
    "one name twice": Refused(says=("mine.toml", "called 'x'"), toml=TOML + ONE + ONE),
    "no candidate": Refused(
        says=("mine.toml", "no [[candidates]]"), toml=f"candidates = []\n{TOML}"
    ),
    "no such contract": Refused(
        says=("mine.toml", "candidate x: contract", "'int8'", "static_wi8_ai8_dense"),
        toml=f'{TOML}{ONE}contract = "int8"\n',
    ),
    "labels in two orders": Refused(
        says=("mine.toml", "labels", "candidate x", "separate TOML files"),
        toml=f'{TOML}{ONE}labels = ["c", "b", "a"]\n',
    ),
    "two references": Refused(
        says=("mine.toml", "reference", "candidate y", "separate TOML files"),
        toml=f'{TOML}{ONE}reference = "y"\n{ONE.replace("x", "y", 1)}reference = "x"\n',
    ),
    "an option that the TOML answers": Refused(
        says=("--edge-labels", "mine.toml", "set it in that file"),
        toml=TOML + ONE,
        options={"labels": "a,b,c"},
    ),
    "a value of no label": Refused(
        says=("texts.csv", "corpus.values.a", "'q'"),
        toml=TOML.partition("\n")[2] + ONE + '[corpus]\nfile = "texts.csv"\nvalues = { a = "q" }\n',
    ),
}
EVERYTHING = {**FILES, **TEXTS, **NUMBERS, **ANSWERS, **TOMLS}
