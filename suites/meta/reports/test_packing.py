"""A packed page has the same contents in less than a quarter of the bytes."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from models.errors import EdgeproofError
from reports.page.packing import files_of, pack

FILES = {"data/a.json": '{"é": 1}'.encode(), "data/b.bin": bytes(range(256)) * 40}
PROGRAM = "console.log('é');" * 200


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def page() -> str:
    """Return a page in Allure's format."""
    data = ",".join(f'd("{name}","{encoded(content)}")' for name, content in FILES.items())
    program = encoded(PROGRAM.encode())
    return (
        "<html><body><p>before</p>"
        f'<script   src="data:text/javascript;base64,{program}"></script>'
        "<script async>function d(name, value){}</script>"
        f"<script defer>\n Promise.allSettled([{data}])\n .then(function(){{ready();}})\n</script>"
        "<p>after</p></body></html>"
    )


def test_embedded_files_are_found_in_an_allure_page():
    assert files_of(page()) == FILES


def test_packing_is_lossless_and_preserves_the_rest_of_the_page():
    packed = pack(page())
    (data,) = re.findall(r'atob\("([^"]+)"\)', packed)
    content = json.loads(gzip.decompress(base64.b64decode(data)))
    assert content["program"] == PROGRAM
    assert {name: text.encode("latin-1") for name, text in content["files"].items()} == FILES
    assert packed.startswith("<html><body><p>before</p><script async>function d(name, value){}")
    assert packed.endswith("<p>after</p></body></html>")
    assert len(packed) < len(page()) / 4
    assert files_of(packed) == {}


def test_packing_is_deterministic():
    assert pack(page()) == pack(page())


def test_page_without_embedded_files_is_not_changed():
    assert pack("<html><body>drawn</body></html>") == "<html><body>drawn</body></html>"


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        ("Promise.allSettled(", "Promise.all("),
        ('d("data/a.json",', 'd({name: "data/a.json"},'),
        ('d("data/a.json",', 'e("data/a.json",'),
        ('"),d(', '"), d('),
    ],
    ids=["promise", "arguments", "call", "separator"],
)
def test_rejects_embedded_data_in_an_unknown_form(written, otherwise):
    changed = page().replace(written, otherwise)
    assert changed != page()
    for read in (files_of, pack):
        with pytest.raises(EdgeproofError, match="in an unknown form"):
            read(changed)
