"""An invalid bundle is rejected with one message that names the error."""

from __future__ import annotations

import os
import random
from contextlib import suppress

import pytest

from models.bundle.opening import open_bundle
from models.errors import UsageMistake
from models.store import Store


def refused(file, board) -> str:
    with pytest.raises(UsageMistake) as mistake:
        open_bundle(file, board)
    message = str(mistake.value)
    assert message.startswith(str(file))
    assert not (board.root / "bundle").exists() or not list((board.root / "bundle").iterdir())
    return message


def contents_of(folder) -> dict[str, bytes]:
    """Return the content of every file except the store's own manifest."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if p.parent != folder}


def variant(members):
    return next(name for name in members if name.endswith("model.tflite"))


def test_rejects_missing_bundle_file(tmp_path, board):
    assert "no such file" in refused(tmp_path / "none.edge", board)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", ["a FIFO", "a device", "a folder"])
def test_rejects_path_that_is_not_a_file(kind, tmp_path, board):
    path = tmp_path / "given.edge"
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    assert f"is not a bundle: it is {kind}" in refused(path, board)


def test_rejects_file_that_is_not_a_bundle(file, board):
    file.write_text("polarity, text", encoding="utf-8")
    assert "is not a zip archive, or is damaged" in refused(file, board)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_rejects_truncated_bundle(file, board, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "is not a zip archive, or is damaged" in refused(file, board)


def test_bundle_with_a_changed_byte_is_rejected_or_unpacks_unchanged(file, board):
    content = file.read_bytes()
    contents = contents_of(open_bundle(file, board).kept.folder)
    draw = random.Random(4)  # noqa: S311 - repeatable, not a secret
    for at in draw.sample(range(len(content)), 100):
        file.write_bytes(content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])
        opened = None
        with suppress(UsageMistake):
            opened = open_bundle(file, Store(board.root.with_name(f"b{at}")))
        assert opened is None or contents_of(opened.kept.folder) == contents


def test_error_names_the_changed_member(file, board, rewrite):
    def change(members):
        members[variant(members)] = members[variant(members)].replace(b"logits", b"logitz", 1)

    rewrite(change)
    assert "model.tflite: was changed or damaged" in refused(file, board)


def test_reading_an_oversized_member_stops_at_its_declared_size(file, board, rewrite):
    def change(members):
        members[variant(members)] += bytes(50_000_000)

    rewrite(change)
    assert "model.tflite: was changed or damaged" in refused(file, board)


def test_error_names_the_missing_member(file, board, rewrite):
    rewrite(lambda members: members.pop(variant(members)))
    assert "model.tflite: is missing" in refused(file, board)


def test_error_names_a_member_that_the_manifest_does_not_list(file, board, rewrite):
    rewrite(lambda members: members.update({"conftest.py": b"import os"}))
    assert "conftest.py: is not listed in the bundle's manifest" in refused(file, board)


@pytest.mark.parametrize("name", ["../out.py", "/tmp/out.py", "a/../../out.py", "a\\..\\out.py"])  # noqa: S108 - the path is never written to
def test_rejects_member_with_a_path_outside_the_folder(file, board, rewrite, name):
    digest = {"sha256": "0" * 64, "bytes": 0}
    rewrite(
        lambda members: members.update({name: b""}),
        lambda manifest: manifest["members"].update({name: digest}),
    )
    assert "outside of its folder" in refused(file, board)


def test_rejects_bundle_without_manifest(file, board, rewrite):
    rewrite(lambda members: members.pop("bundle.json"))
    assert "bundle.json: is missing" in refused(file, board)


def test_error_about_a_newer_schema_names_the_version_that_wrote_the_bundle(file, board, rewrite):
    rewrite(manifest=lambda manifest: manifest.update(schema=5, version="9.1", members="elsewhere"))
    message = refused(file, board)
    assert (
        "was made by edgeproof 9.1 in schema 5, but this version of edgeproof reads schemas up to 4"
        in message
    )
    assert "Update edgeproof here" in message


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_error_about_an_older_schema_suggests_exporting_the_bundle_again(
    file, board, rewrite, schema
):
    rewrite(manifest=lambda manifest: manifest.update(schema=schema, version="0.1", subject={}))
    message = refused(file, board)
    assert (
        f"was made by edgeproof 0.1 in schema {schema}, but this version of edgeproof reads only"
        in message
    )
    assert "Export the bundle again with --edge-export-bundle" in message


@pytest.mark.parametrize("key", ["members", "artefacts", "facts", "backends", "schema"])
def test_rejects_manifest_without_a_required_key(file, board, rewrite, key):
    rewrite(manifest=lambda manifest: manifest.pop(key))
    assert "bundle.json: cannot be read" in refused(file, board)


@pytest.mark.parametrize(
    ("installed", "wanted", "message"),
    [
        ({"tflite_runtime": "2.15.0"}, None, "of rpi3, which has tflite_runtime 2.15.0"),
        ({}, None, "of rpi3, which has no backend"),
        (
            {"tflite_runtime": "2.14.0"},
            "ai_edge_litert",
            "no candidate in the bundle was judged on ai_edge",
        ),
    ],
)
def test_rejects_board_if_the_bundle_was_judged_on_none_of_its_backends(
    file, board, installed, wanted, message
):
    with pytest.raises(UsageMistake) as mistake:
        open_bundle(file, board).backend_for(installed, wanted, "rpi3")
    assert message in str(mistake.value)
    assert "the bundle was judged on ai_edge_litert 2.3.0, tflite_runtime 2.14.0" in str(
        mistake.value
    )
