"""A TOML file of a user is read or rejected in linear time."""

from __future__ import annotations

import time

import pytest

from models.errors import UsageMistake
from models.files.toml_tables import read_toml

SECONDS = 2.0
PARTS = {
    "bare": "a",
    "quoted": '"a b"',
    "in single quotes": "'a.b'",
    "empty": '""',
    "escaped": r'"\u0061\""',
}


def read(tmp_path, text):
    file = tmp_path / "given.toml"
    file.write_text(text, encoding="utf-8")
    start = time.process_time()
    try:
        return read_toml(file)
    finally:
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("between", [".", " . ", ".\t"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("line", ["{} = 1", "[{}]", "[[{}]]", "x = {{{} = 1}}"])
def test_rejects_toml_key_with_thirty_thousand_parts(tmp_path, line, part, between):
    text = "y = 1\n" + line.format(between.join([part] * 30_000))
    with pytest.raises(UsageMistake, match="line 2: a key of more than 32 parts"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        ".".join("abcdefgh") + " = 1",
        f"x = [{'1.0, ' * 150_000}]",
        f'x = "{"a." * 400_000}"',
        "".join(f"[a.b.c.d.k{at}]\n" for at in range(30_000)),
        'x = """' + "\n" * 900_000 + '"""',
    ],
    ids=["eight parts", "floats", "dots in a text", "many tables", "blank lines"],
)
def test_accepts_toml_that_is_long_but_not_deeply_nested(tmp_path, text):
    assert read(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, '"' * 1_000_000, '"\\' * 500_000, "a " * 500_000]
)
def test_rejects_a_megabyte_of_invalid_toml_quickly(tmp_path, text):
    with pytest.raises(UsageMistake, match="not valid TOML"):
        read(tmp_path, text)
