"""A bundle whose every hash is right and that holds nonsense is refused in one message, at once."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.bundle.opening import open_bundle
from models.errors import UsageMistake

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
    """Give a member other bytes."""

    def change(members: Members, _: dict[str, Any]) -> None:
        members[named(members, ending)] = data if isinstance(data, bytes) else data.encode()

    return change


def in_json(ending: str, *keys: str, value: object) -> Change:
    """Put another value under a key of a JSON member."""

    def change(members: Members, _: dict[str, Any]) -> None:
        name = named(members, ending)
        document = json.loads(members[name])
        _put(document, keys, value)
        members[name] = json.dumps(document).encode()

    return change


def in_manifest(*keys: str, value: object) -> Change:
    """Put another value under a key of the bundle's manifest."""

    def change(_: Members, manifest: dict[str, Any]) -> None:
        _put(manifest, keys, value)

    return change


def _put(document: Any, keys: tuple[str, ...], value: object) -> None:
    for key in keys[:-1]:
        document = document[key]
    document[keys[-1]] = value


def in_first_tweet(**changes: object) -> Change:
    def change(members: Members, _: dict[str, Any]) -> None:
        name = named(members, "tweets.jsonl")
        first, rest = members[name].split(b"\n", 1)
        members[name] = json.dumps(json.loads(first) | changes).encode() + b"\n" + rest

    return change


def in_arrays(ending: str, **arrays: Any) -> Change:
    """Replace arrays of an .npz; `None` takes one out."""

    def change(members: Members, _: dict[str, Any]) -> None:
        name, packed = named(members, ending), io.BytesIO()
        with np.load(io.BytesIO(members[name])) as held:
            whole = {key: value for key, value in {**held, **arrays}.items() if value is not None}
        np.savez_compressed(packed, **whole)
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


def in_place_of(ending: str, other: str) -> Change:
    """Put one member's bytes in the place of another's."""
    return lambda members, _: members.update(
        {named(members, ending): members[named(members, other)]}
    )


def swapped_keys(_: Members, manifest: dict[str, Any]) -> None:
    variants = manifest["stages"]["variants"]
    variants["float32"], variants["float16"] = variants["float16"], variants["float32"]


def wrong_logits(shape: tuple[int, ...] = (6, 3), fill: float = 0.0) -> Any:
    return np.full(shape, fill, np.float32)


IDS = np.ones((6, 64), np.int32)
CASES: dict[str, tuple[Change, str]] = {
    "a manifest of another type": (in_manifest("stages", value=[1]), "bundle.json: cannot be read"),
    "a schema that is a text": (in_manifest("schema", value="1"), "bundle.json: cannot be read"),
    "a schema of minus one": (in_manifest("schema", value=-1), "bundle.json: cannot be read"),
    "a schema of 2^63": (in_manifest("schema", value=HUGE), "this one reads up to 1"),
    "a schema of 2^64": (in_manifest("schema", value=1 << 64), "this one reads up to 1"),
    "an unknown key": (in_manifest("more", value=1), "bundle.json: cannot be read"),
    "a version of two lines": (in_manifest("version", value="1\n::error::x"), "cannot be read"),
    "a key that leads outside": (in_manifest("stages", "full", value="../../x"), "cannot be read"),
    "a subject without labels": (
        in_manifest("subject", "corpus", "labels", value=[]),
        "bundle.json: cannot be read",
    ),
    "a subject of other labels": (
        in_manifest("subject", "corpus", "labels", value=["a", "b"]),
        "summary.json: holds something else",
    ),
    "no runtime": (in_manifest("runtimes", value={}), "bundle.json: cannot be read"),
    "an unknown runtime": (
        in_manifest("runtimes", value={"os": {"version": "1", "schemes": ["float32"]}}),
        "no runtime is called",
    ),
    "another main runtime": (in_manifest("main_runtime", value="tf"), "main runtime"),
    "a scheme that is not held": (
        in_manifest(
            "runtimes", "ai_edge_litert", "schemes", value=["float32", "dynamic_wi8_afp32"]
        ),
        "was judged right and is not held",
    ),
    "an unknown scheme": (
        in_manifest("stages", "variants", "int1", value="0" * 24),
        "no scheme is called",
    ),
    "no reference": (
        lambda _, manifest: manifest["stages"]["variants"].pop("float32"),
        "was judged right and is not held",
    ),
    "two schemes of one key": (
        lambda _, manifest: manifest["stages"]["variants"].update(
            float16=manifest["stages"]["variants"]["float32"]
        ),
        "share a key",
    ),
    "a stage that is not there": (in_manifest("stages", "full", value="0" * 24), "is missing"),
    "stages in each other's place": (swapped_keys, "it is a card of"),
    "a member of 2^63 bytes": (
        in_manifest("claimed", value={GOLDEN: {"sha256": "0" * 64, "bytes": HUGE}}),
        "bundle.json: cannot be read",
    ),
    "a member of less than no bytes": (
        in_manifest("claimed", value={GOLDEN: {"sha256": "0" * 64, "bytes": -1}}),
        "bundle.json: cannot be read",
    ),
    "a member that belongs to nothing": (foreign("data.bin"), "belongs to nothing"),
    "a foreign artefact": (foreign(f"variant/{'0' * 24}/model.tflite"), "belongs to nothing"),
    "golden logits of a foreign pair": (
        foreign("golden/tflite_runtime/float16.npy"),
        "belongs to nothing",
    ),
    "a card of 17 MB": (content("model.json", bytes(17 << 20)), "at most 100 times as many"),
    "a card that claims 17 MB": (
        in_manifest("claimed", value={"budgets.toml": {"sha256": "0" * 64, "bytes": 17 << 20}}),
        "budgets.toml: holds 17,825,792 bytes, at most 16,777,216 are read",
    ),
    "an artefact's manifest of another": (
        in_place_of("model.json", "variant.json"),
        "model.json: holds something else",
    ),
    "an artefact's manifest that is no JSON": (
        content("/manifest.json", "{"),
        "manifest.json: holds something else",
    ),
    "an artefact's manifest, nested": (content("/manifest.json", DEEP), "manifest.json: holds"),
    "no budgets": (without("budgets.toml"), "budgets.toml: is missing"),
    "budgets that are no TOML": (content("budgets.toml", "[["), "is not valid TOML"),
    "budgets of an unknown metric": (content("budgets.toml", '[speed]\nmax = "1"'), "no metric is"),
    "budgets that limit the better side": (
        content("budgets.toml", '[agreement]\nmax = "97 %"'),
        "limits the better side",
    ),
    "budgets that are not text": (content("budgets.toml", b"\xff\xfe"), "budgets.toml: "),
    "a summary of other labels": (
        in_json("summary.json", "labels", value=["x", "y", "z"]),
        "its labels are not the subject's",
    ),
    "a summary of no split": (in_json("summary.json", "splits", value={}), "lacks a split"),
    "a summary of 2^63 pieces": (in_json("summary.json", "vocabulary", value=HUGE), "summary.json"),
    "a summary that is a list": (content("summary.json", "[]"), "summary.json: holds"),
    "a summary, nested": (content("summary.json", b'{"labels":' + DEEP), "summary.json: holds"),
    "no tweets": (content("tweets.jsonl", ""), "has not as many tweets"),
    "tweets that are no JSON": (content("tweets.jsonl", "good, bad\n"), "tweets.jsonl: holds"),
    "a nested tweet": (content("tweets.jsonl", DEEP + b"\n"), "tweets.jsonl: holds"),
    "a tweet of an unknown split": (in_first_tweet(split="more"), "tweets.jsonl: holds"),
    "a tweet without a label": (in_first_tweet(label=None), "label that the subject does not have"),
    "a tweet of label 7": (in_first_tweet(label=7), "label that the subject does not have"),
    "a tweet of label 2^63": (in_first_tweet(label=HUGE), "label that the subject does not have"),
    "a tweet whose text is a list": (in_first_tweet(text=["a"]), "something else than texts"),
    "another label in one place": (in_first_tweet(label=1), "encoded.npz: holds something else"),
    "tweets that were left out": (content("left_out.jsonl", "{}\n"), "left_out.jsonl: holds"),
    "arrays that are no archive": (content("encoded.npz", "text"), "encoded.npz: "),
    "arrays without one": (in_arrays("encoded.npz", test_ids=None), "encoded.npz: "),
    "arrays of floats": (
        in_arrays("encoded.npz", test_ids=IDS.astype(np.float32)),
        "are no int32 of [6, 64]",
    ),
    "arrays of another length": (in_arrays("encoded.npz", test_ids=IDS[:, :9]), "are no int32 of"),
    "arrays of fewer tweets": (
        in_arrays("encoded.npz", test_ids=IDS[:2], test_mask=IDS[:2], test_segments=IDS[:2]),
        "are not of 6 tweets",
    ),
    "arrays of objects": (
        in_arrays("encoded.npz", test_ids=np.array([{}], dtype=object)),
        "encoded.npz: ",
    ),
    "ids of no vocabulary": (in_arrays("encoded.npz", test_ids=IDS * 4), "in no vocabulary"),
    "ids below 0": (in_arrays("encoded.npz", test_ids=-IDS), "in no vocabulary"),
    "masks of 7": (in_arrays("encoded.npz", test_mask=IDS * 7), "neither 0 nor 1"),
    "a tokenizer that is none": (content("tokenizer.json", "{}"), "tokenizer.json: holds"),
    "a model of no parameters": (in_json("model.json", "parameters", value=0), "model.json: holds"),
    "a model of 2^63 layers": (
        in_json("model.json", "architecture", "layers", value=HUGE),
        "model.json: holds",
    ),
    "a model of a billion layers": (
        in_json("model.json", "architecture", "layers", value=10**9),
        "architecture.layers is 1000000000",
    ),
    "logits of another split": (in_arrays("logits.npz", test=None), "logits.npz: holds"),
    "logits of 2 tweets": (in_arrays("logits.npz", test=wrong_logits((2, 3))), "not float32 of"),
    "a card of another scheme": (
        in_json("variant.json", "scheme", value="float64"),
        "variant.json: holds",
    ),
    "a card that was refused": (
        in_json("variant.json", "refused", value="why"),
        "its converter could not make it",
    ),
    "calibration hashes that are none": (
        in_json("variant.json", "calibration", value=["x"]),
        "variant.json: holds",
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
def test_refuses_nonsense_in_one_message(case, file, board, reseal):
    change, says = CASES[case]
    reseal(change)
    with pytest.raises(UsageMistake) as refused:
        open_bundle(file, board)
    assert refused.value.file == str(file)
    assert says in str(refused.value)
    assert str(refused.value).count("\n") == 0
    assert not list(board.root.glob("bundle/*"))


def test_opens_what_is_only_sealed_again(file, board, reseal):
    reseal(lambda *_: None)
    assert open_bundle(file, board).plan(("float16",))


def test_the_manifest_may_not_be_nested_without_end(file, board, rewrite):
    rewrite(lambda members: members.update({"bundle.json": DEEP}))
    with pytest.raises(UsageMistake, match=r"bundle\.json: cannot be read"):
        open_bundle(file, board)


def test_twenty_thousand_members_are_refused_at_once(file, board, reseal):
    reseal(lambda members, _: members.update({f"more/{number}": b"" for number in range(20_000)}))
    with pytest.raises(UsageMistake, match=r"holds 20,0.. members, at most 1,000"):
        open_bundle(file, board)


def test_a_foreign_member_that_expands_without_end_is_refused(file, board, reseal):
    reseal(foreign("more.bin", bytes(64 << 20)))
    with pytest.raises(UsageMistake, match=r"more\.bin: would be 67,108,864 bytes unpacked"):
        open_bundle(file, board)
