"""A bundle with correct hashes but invalid contents is rejected at once, in one message."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.bundle.opening import open_bundle
from models.errors import UsageMistake
from suites.meta.bundle.conftest import resealed

if TYPE_CHECKING:
    from collections.abc import Callable

    Members = dict[str, bytes]
    Change = Callable[[Members, dict[str, Any]], None]

GOLDEN = "golden/ai_edge_litert/float16.npy"
DEEP = b"[" * 100_000
HUGE = 1 << 63


def named(members: Members, ending: str) -> str:
    return next(name for name in members if name.endswith(ending))


def content(ending: str, data: bytes | str) -> Change:
    """Return a change that replaces the bytes of a member."""

    def change(members: Members, _: dict[str, Any]) -> None:
        members[named(members, ending)] = data if isinstance(data, bytes) else data.encode()

    return change


def in_json(ending: str, *keys: str, value: object) -> Change:
    """Return a change that sets a key in a JSON member of the bundle."""

    def change(members: Members, _: dict[str, Any]) -> None:
        name = named(members, ending)
        document = json.loads(members[name])
        _put(document, keys, value)
        members[name] = json.dumps(document).encode()

    return change


def in_manifest(*keys: str, value: object) -> Change:
    """Return a change that sets a key of the bundle's manifest."""

    def change(_: Members, manifest: dict[str, Any]) -> None:
        _put(manifest, keys, value)

    return change


def _put(document: Any, keys: tuple[str, ...], value: object) -> None:
    for key in keys[:-1]:
        document = document[key]
    document[keys[-1]] = value


def in_first_text(**changes: object) -> Change:
    def change(members: Members, _: dict[str, Any]) -> None:
        name = named(members, "texts.jsonl")
        first, others = members[name].split(b"\n", 1)
        members[name] = json.dumps(json.loads(first) | changes).encode() + b"\n" + others

    return change


def in_arrays(ending: str, **arrays: Any) -> Change:
    """Return a change that replaces arrays of an .npz file; `None` removes one."""

    def change(members: Members, _: dict[str, Any]) -> None:
        name, packed = named(members, ending), io.BytesIO()
        with np.load(io.BytesIO(members[name])) as arrays_held:
            all_arrays = {
                key: value for key, value in {**arrays_held, **arrays}.items() if value is not None
            }
        np.savez_compressed(packed, **all_arrays)
        members[name] = packed.getvalue()

    return change


def npy(array: Any) -> bytes:
    packed = io.BytesIO()
    np.save(packed, array)
    return packed.getvalue()


def without(ending: str) -> Change:
    return lambda members, _: members.__delitem__(named(members, ending))


def foreign(name: str, data: bytes = b"x") -> Change:
    return lambda members, _: members.update({name: data})


def in_place_of(ending: str, source: str) -> Change:
    """Return a change that replaces the bytes of one member by those of another."""
    return lambda members, _: members.update(
        {named(members, ending): members[named(members, source)]}
    )


def swapped_keys(_: Members, manifest: dict[str, Any]) -> None:
    variants = manifest["artefacts"]["candidates"]
    variants["float32"], variants["float16"] = variants["float16"], variants["float32"]


def in_elsewhere(role: str, folder: str) -> Change:
    """Return a change that replaces the location of an artefact everywhere in the manifest."""

    def change(_: Members, manifest: dict[str, Any]) -> None:
        artefacts = manifest["artefacts"]
        artefacts["named"] = {
            name: folder if place == artefacts[role] else place
            for name, place in artefacts["named"].items()
        }
        artefacts[role] = folder

    return change


def wrong_logits(shape: tuple[int, ...] = (6, 3), fill: float = 0.0) -> Any:
    return np.full(shape, fill, np.float32)


IDS = np.ones((6, 64), np.int32)
CASES: dict[str, tuple[Change, str]] = {
    "a manifest of another type": (
        in_manifest("artefacts", value=[1]),
        "bundle.json: cannot be read",
    ),
    "a schema that is a text": (in_manifest("schema", value="1"), "bundle.json: cannot be read"),
    "a schema of minus one": (in_manifest("schema", value=-1), "bundle.json: cannot be read"),
    "a schema of 2^63": (
        in_manifest("schema", value=HUGE),
        "this version of edgeproof reads schemas up to 4",
    ),
    "a schema of 2^64": (
        in_manifest("schema", value=1 << 64),
        "this version of edgeproof reads schemas up to 4",
    ),
    "an unknown key": (in_manifest("more", value=1), "bundle.json: cannot be read"),
    "a version of two lines": (in_manifest("version", value="1\n::error::x"), "cannot be read"),
    "a key that leads outside": (
        in_manifest("artefacts", "full", value="../../x"),
        "cannot be read",
    ),
    "a subject without labels": (
        in_manifest("facts", "labels", value=[]),
        "bundle.json: its list of labels contains 0 labels",
    ),
    "a subject of other labels": (
        in_manifest("facts", "labels", value=["a", "b", "c"]),
        "summary.json: does not have the required content",
    ),
    "no backend": (in_manifest("backends", value={}), "bundle.json: cannot be read"),
    "an unknown backend": (
        in_manifest("backends", value={"os": {"version": "1", "candidates": ["float32"]}}),
        "no backend is called",
    ),
    "another main backend": (in_manifest("main_backend", value="tf"), "main backend"),
    "a scheme that is not held": (
        in_manifest(
            "backends", "ai_edge_litert", "candidates", value=["float32", "dynamic_wi8_afp32"]
        ),
        "passed on a backend, but is not in the bundle",
    ),
    "an unknown scheme": (
        in_manifest("facts", "schemes", "float16", value="int1"),
        "no scheme is called 'int1'",
    ),
    "a scheme of a former name": (
        in_manifest("facts", "schemes", "float16", value="static_wi8_ai8"),
        "no scheme is called 'static_wi8_ai8'. Export the bundle again with",
    ),
    "a candidate of more artefacts than names": (
        in_manifest("artefacts", "candidates", "int1", value=f"variant/{'0' * 24}"),
        "artefacts are not those of the listed candidates",
    ),
    "no reference": (
        lambda _, manifest: manifest["artefacts"]["candidates"].pop("float32"),
        "artefacts are not those of the listed candidates",
    ),
    "another reference": (
        in_manifest("facts", "reference", value="int1"),
        "the reference 'int1' is not one of its candidates",
    ),
    "a subject of a name that leads outside": (
        in_manifest("facts", "name", value="../../x"),
        "'../../x' cannot name a folder",
    ),
    "a candidate of a name that leads outside": (
        in_manifest("facts", "candidates", value=["float32", "../x"]),
        "no candidate can be called '../x'",
    ),
    "a candidate twice": (
        in_manifest("facts", "candidates", value=["float32", "float32"]),
        "two candidates have the same name",
    ),
    "facts of an unknown key": (in_manifest("facts", "more", value=1), "unknown key 'more'"),
    "facts of another type": (in_manifest("facts", "ordered", value=7), "cannot be read"),
    "facts that name a file of the host": (
        in_manifest("facts", "baseline", value="/etc"),
        "baseline names a file of the host",
    ),
    "facts without files": (in_manifest("facts", "has_files", value=False), "nothing to run"),
    "a full model of given candidates": (
        in_manifest("facts", "taught", value=False),
        "it must contain the full and the small model",
    ),
    "no full model": (
        in_manifest("artefacts", "full", value=None),
        "it must contain the full and the small model",
    ),
    "artefacts of other names": (
        in_manifest("artefacts", "named", value={}),
        "its named artefacts are not those of its candidates, texts and models",
    ),
    "two schemes of one key": (
        lambda _, manifest: manifest["artefacts"]["candidates"].update(
            float16=manifest["artefacts"]["candidates"]["float32"]
        ),
        "share an artefact",
    ),
    "a stage that is not there": (in_elsewhere("full", f"model/{'0' * 24}"), "is missing"),
    "stages in each other's place": (swapped_keys, "it is a card of"),
    "a member of 2^63 bytes": (
        in_manifest("claimed", value={GOLDEN: {"sha256": "0" * 64, "bytes": HUGE}}),
        "bundle.json: cannot be read",
    ),
    "a member of less than no bytes": (
        in_manifest("claimed", value={GOLDEN: {"sha256": "0" * 64, "bytes": -1}}),
        "bundle.json: cannot be read",
    ),
    "a member that belongs to nothing": (
        foreign("data.bin"),
        "is not listed in the bundle's manifest",
    ),
    "a foreign artefact": (
        foreign(f"variant/{'0' * 24}/model.tflite"),
        "is not listed in the bundle's manifest",
    ),
    "golden logits of a foreign pair": (
        foreign("golden/tflite_runtime/float16.npy"),
        "is not listed in the bundle's manifest",
    ),
    "a card of 17 MB": (content("model.json", bytes(17 << 20)), "at most 100 times as many"),
    "a card that claims 17 MB": (
        in_manifest("claimed", value={"budgets.toml": {"sha256": "0" * 64, "bytes": 17 << 20}}),
        "budgets.toml: has 17,825,792 bytes, but at most 16,777,216 are allowed",
    ),
    "an artefact's manifest of another": (
        in_place_of("model.json", "variant.json"),
        "model.json: does not have the required content",
    ),
    "an artefact's manifest that is no JSON": (
        content("/manifest.json", "{"),
        "manifest.json: does not have the required content",
    ),
    "an artefact's manifest, nested": (
        content("/manifest.json", DEEP),
        "manifest.json: does not have the required content",
    ),
    "no budgets": (without("budgets.toml"), "budgets.toml: is missing"),
    "budgets that are no TOML": (content("budgets.toml", "[["), "is not valid TOML"),
    "budgets of an unknown metric": (content("budgets.toml", '[speed]\nmax = "1"'), "no metric is"),
    "budgets that limit the better side": (
        content("budgets.toml", '[agreement]\nmax = "97 %"'),
        "is the wrong kind of limit for",
    ),
    "budgets that are not text": (content("budgets.toml", b"\xff\xfe"), "budgets.toml: "),
    "a summary of other labels": (
        in_json("summary.json", "labels", value=["x", "y", "z"]),
        "its labels are not the subject's",
    ),
    "a summary of no split": (in_json("summary.json", "splits", value={}), "lacks a split"),
    "a summary of 2^63 pieces": (in_json("summary.json", "vocabulary", value=HUGE), "summary.json"),
    "a summary that is a list": (
        content("summary.json", "[]"),
        "summary.json: does not have the required content",
    ),
    "a summary, nested": (
        content("summary.json", b'{"labels":' + DEEP),
        "summary.json: does not have the required content",
    ),
    "no texts": (content("texts.jsonl", ""), "has another number of texts"),
    "texts that are no JSON": (
        content("texts.jsonl", "good, bad\n"),
        "texts.jsonl: does not have the required content",
    ),
    "a nested text": (
        content("texts.jsonl", DEEP + b"\n"),
        "texts.jsonl: does not have the required content",
    ),
    "a text of an unknown split": (
        in_first_text(split="more"),
        "texts.jsonl: does not have the required content",
    ),
    "a text without a label": (in_first_text(label=None), "label that the subject does not have"),
    "a text of label 7": (in_first_text(label=7), "label that the subject does not have"),
    "a text of label 2^63": (in_first_text(label=HUGE), "label that the subject does not have"),
    "a text whose text is a list": (in_first_text(text=["a"]), "values other than strings"),
    "another label in one place": (
        in_first_text(label=1),
        "encoded.npz: does not have the required content",
    ),
    "texts that were left out": (
        content("left_out.jsonl", "{}\n"),
        "left_out.jsonl: does not have the required content",
    ),
    "arrays that are no archive": (content("encoded.npz", "text"), "encoded.npz: "),
    "arrays without one": (in_arrays("encoded.npz", test_ids=None), "encoded.npz: "),
    "arrays of floats": (
        in_arrays("encoded.npz", test_ids=IDS.astype(np.float32)),
        "are not int32 of [6, 64]",
    ),
    "arrays of another length": (in_arrays("encoded.npz", test_ids=IDS[:, :9]), "are not int32 of"),
    "arrays of fewer texts": (
        in_arrays("encoded.npz", test_ids=IDS[:2], test_mask=IDS[:2], test_segments=IDS[:2]),
        "are not of 6 texts",
    ),
    "arrays of objects": (
        in_arrays("encoded.npz", test_ids=np.array([{}], dtype=object)),
        "encoded.npz: ",
    ),
    "ids outside of the vocabulary": (
        in_arrays("encoded.npz", test_ids=IDS * 4),
        "outside of the vocabulary",
    ),
    "negative ids": (in_arrays("encoded.npz", test_ids=-IDS), "outside of the vocabulary"),
    "masks of 7": (in_arrays("encoded.npz", test_mask=IDS * 7), "neither 0 nor 1"),
    "a tokenizer that is none": (content("tokenizer.json", "{}"), "tokenizer.json: is not"),
    "a model of no parameters": (
        in_json("model.json", "parameters", value=0),
        "model.json: does not have the required content",
    ),
    "a model of 2^63 layers": (
        in_json("model.json", "architecture", "layers", value=HUGE),
        "model.json: does not have the required content",
    ),
    "a model of a billion layers": (
        in_json("model.json", "architecture", "layers", value=10**9),
        "architecture.layers is 1000000000",
    ),
    "logits of another split": (
        in_arrays("logits.npz", test=None),
        "logits.npz: does not have the required content",
    ),
    "logits of 2 texts": (in_arrays("logits.npz", test=wrong_logits((2, 3))), "not float32 of"),
    "a card of another scheme": (
        in_json("variant.json", "scheme", value="float64"),
        "variant.json: does not have the required content",
    ),
    "a card that was refused": (
        in_json("variant.json", "refused", value="why"),
        "the converter could not make this candidate",
    ),
    "calibration hashes that are none": (
        in_json("variant.json", "calibration", value=["x"]),
        "variant.json: does not have the required content",
    ),
    "no FlatBuffer": (without("model.tflite"), "model.tflite: is missing"),
    "a FlatBuffer that is none": (content("model.tflite", "text"), "model.tflite: is a text"),
    "a FlatBuffer of nothing": (content("model.tflite", ""), "model.tflite: is empty"),
    "a FlatBuffer that is cut": (
        content("model.tflite", b"\x20\x00\x00\x00TFL3" + bytes(16)),
        "model.tflite: ",
    ),
    "golden logits that are none": (content(GOLDEN, "text"), f"{GOLDEN}: "),
    "golden logits of NaN": (content(GOLDEN, npy(wrong_logits(fill=np.nan))), "NaN or infinity"),
    "golden logits of another shape": (content(GOLDEN, npy(wrong_logits((6,)))), "not float32 of"),
    "golden logits of 4 classes": (content(GOLDEN, npy(wrong_logits((6, 4)))), "not float32 of"),
    "golden logits of float64": (content(GOLDEN, npy(np.zeros((6, 3)))), "not float32 of"),
    "golden logits of objects": (
        content(GOLDEN, npy(np.array([{}], dtype=object))),
        f"{GOLDEN}: ",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rejects_invalid_contents_with_correct_hashes_in_one_message(case, file, board, reseal):
    change, says = CASES[case]
    reseal(change)
    with pytest.raises(UsageMistake) as refused:
        open_bundle(file, board)
    assert refused.value.file == str(file)
    assert says in str(refused.value)
    assert str(refused.value).count("\n") == 0
    assert not list(board.root.glob("bundle/*"))


def test_bundle_rewritten_with_recomputed_hashes_can_be_opened(file, board, reseal):
    reseal(lambda *_: None)
    assert open_bundle(file, board).artefacts(("float16",))


def test_rejects_deeply_nested_manifest(file, board, rewrite):
    rewrite(lambda members: members.update({"bundle.json": DEEP}))
    with pytest.raises(UsageMistake, match=r"bundle\.json: cannot be read"):
        open_bundle(file, board)


def test_rejects_bundle_with_twenty_thousand_members(file, board, reseal):
    reseal(lambda members, _: members.update({f"more/{number}": b"" for number in range(20_000)}))
    with pytest.raises(UsageMistake, match=r"holds 20,0.. members, but at most 1,000"):
        open_bundle(file, board)


def test_rejects_unlisted_member_that_expands_without_limit(file, board, reseal):
    reseal(foreign("more.bin", bytes(64 << 20)))
    with pytest.raises(UsageMistake, match=r"more\.bin: would be 67,108,864 bytes unpacked"):
        open_bundle(file, board)


def of(candidate: str, member: str, change: Callable[[str], Change]) -> Change:
    """Return a change of a member in the artefact of a candidate's file or texts."""

    def changed(members: Members, manifest: dict[str, Any]) -> None:
        artefacts = manifest["artefacts"]
        place = "candidates" if member in {"variant.json", "model.tflite"} else "encoded"
        change(f"{artefacts[place][candidate]}/{member}")(members, manifest)

    return changed


def card(candidate: str, *keys: str, value: object) -> Change:
    return of(candidate, "variant.json", lambda name: in_json(name, *keys, value=value))


def encoded(**arrays: Any) -> Change:
    return of("one", "encoded.npz", lambda name: in_arrays(name, **arrays))


ROWS = np.full((6, 7), 2, np.int32)
ONE = "golden/ai_edge_litert/one.npy"
OF_GIVEN: dict[str, tuple[Change, str]] = {
    "a card that is none": (
        of("one", "variant.json", lambda name: content(name, "[]")),
        "does not have the required content",
    ),
    "a card of an unknown input": (card("one", "declared", "inputs", value={"ids": "x"}), "'x'"),
    "a card of another meaning": (
        card("one", "declared", "output", "meaning", value="max"),
        "required content",
    ),
    "a card of another threshold": (
        card("one", "declared", "output", "threshold", value=0.7),
        "its inputs and output are ",
    ),
    "a card of a threshold of 2": (
        card("one", "declared", "output", "threshold", value=2),
        "0 and",
    ),
    "a card of three labels' side": (card("one", "declared", "output", "positive", value=2), "2"),
    "a card that promises a scheme": (card("both", "scheme", value="float16"), "not of None"),
    "a card of more rows than the table": (
        card("one", "rows", value=65),
        "its embedding has 65 rows",
    ),
    "a card of another length": (
        card("one", "length", value=8),
        "its card says that a row has 8 tokens",
    ),
    "a card of length 0": (
        card("one", "length", value=0),
        "variant.json: does not have the required content",
    ),
    "a card of hashes that are none": (card("one", "calibration", value=["x"]), "variant.json: "),
    "a file of another candidate": (
        lambda members, manifest: members.update(
            {
                f"{manifest['artefacts']['candidates']['one']}/model.tflite": members[
                    f"{manifest['artefacts']['candidates']['both']}/model.tflite"
                ]
            }
        ),
        "model.tflite: ",
    ),
    "files in each other's place": (
        lambda _, manifest: manifest["artefacts"].update(
            candidates={
                "both": manifest["artefacts"]["candidates"]["one"],
                "one": manifest["artefacts"]["candidates"]["both"],
            }
        ),
        "model.tflite: ",
    ),
    "texts of a candidate that is not held": (
        lambda _, manifest: manifest["artefacts"]["encoded"].update(
            two=manifest["artefacts"]["encoded"]["one"]
        ),
        "it contains the texts of a candidate that is not in it",
    ),
    "roles of another file": (
        in_manifest("facts", "roles", "one", value=["ids", "mask"]),
        "its inputs are ids, but the bundle says otherwise",
    ),
    "a tokenizer on a device of no candidate": (
        in_manifest("facts", "on_device", value=["both", "one", "two"]),
        "on_device names 'two'",
    ),
    "a tokenizer that nobody runs": (
        in_manifest("facts", "on_device", value=["both"]),
        "tokenizer.json: is not listed in the bundle's manifest",
    ),
    "no tokenizer": (
        of("one", "tokenizer.json", lambda name: lambda members, _: members.__delitem__(name)),
        "tokenizer.json: is missing",
    ),
    "a tokenizer that is none": (
        of("one", "tokenizer.json", lambda name: content(name, "{}")),
        "tokenizer.json: is not a tokenizer",
    ),
    "rows of another length": (
        encoded(test_ids=ROWS[:, :5], test_mask=ROWS[:, :5] // 2, test_segments=ROWS[:, :5] * 0),
        "are not int32 of [6, 7]",
    ),
    "ids beyond the table": (encoded(test_ids=ROWS * 32), "ids outside of the vocabulary"),
    "other texts than the other candidate's": (
        of(
            "one",
            "texts.jsonl",
            lambda name: (
                lambda members, _: members.update({name: members[name].replace(b"bad", b"mad")})
            ),
        ),
        "its test texts are not those of the other candidates",
    ),
    "a second text that is a number": (
        of(
            "one",
            "texts.jsonl",
            lambda name: (
                lambda members, _: members.update(
                    {name: members[name].replace(b'"second": ""', b'"second": 1', 1)}
                )
            ),
        ),
        "values other than strings",
    ),
    "golden answers of two values for a sigmoid": (
        content(ONE, npy(np.zeros((6, 2), np.float32))),
        "not float32 of [6, 1]",
    ),
    "recorded answers that are none": (content("recorded.npz", "text"), "recorded.npz: "),
    "recorded answers of 5 texts": (
        in_arrays("recorded.npz", labels=np.zeros(5, np.int64)),
        "its labels are not int64 of [6]",
    ),
    "recorded answers of label 2": (
        in_arrays("recorded.npz", labels=np.full(6, 2)),
        "a label that the subject does not have",
    ),
    "recorded answers of NaN": (
        in_arrays("recorded.npz", probabilities=np.full((6, 2), np.nan)),
        "its probabilities hold NaN or infinity",
    ),
    "recorded answers of 3 labels": (
        in_arrays("recorded.npz", probabilities=np.zeros((6, 3))),
        "are not float64 of [6, 2]",
    ),
    "recorded answers of more": (
        in_arrays("recorded.npz", x=np.zeros(1)),
        "it contains the wrong arrays",
    ),
    "recorded answers beside a reference": (
        in_manifest("facts", "reference", value="both"),
        "are compared with one of them, not with a recording",
    ),
    "known failures that are no TOML": (content("known_failures.toml", "[["), "known_failures"),
    "labels that are one": (in_manifest("facts", "labels", value=["ham"]), "labels"),
    "labels of one name": (in_manifest("facts", "labels", value=["a", "a"]), "2 labels are called"),
}


@pytest.mark.parametrize("case", OF_GIVEN)
def test_rejects_invalid_contents_about_user_files_in_one_message(case, given_file, board):
    change, says = OF_GIVEN[case]
    given_file.write_bytes(resealed(given_file.read_bytes(), change))
    with pytest.raises(UsageMistake) as refused:
        open_bundle(given_file, board)
    assert refused.value.file == str(given_file)
    assert says in str(refused.value)
    assert str(refused.value).count("\n") == 0
    assert not list(board.root.glob("bundle/*"))


def test_bundle_of_user_files_rewritten_with_recomputed_hashes_can_be_opened(given_file, board):
    given_file.write_bytes(resealed(given_file.read_bytes(), lambda *_: None))
    assert open_bundle(given_file, board).artefacts(("one",))
