"""Known failures of a scheme on a backend are read; incomplete entries are rejected."""

from __future__ import annotations

import msgspec
import pytest

from fixtures.judging.known_pairs import FILE, KnownPair, read_known_pairs
from models.errors import UsageMistake

ENTRY = """
[[pairs]]
schemes = ["dynamic_wi4b32_afp32"]
backends = ["ai_edge_litert-builtin"]
versions = ">=2.1,<=2.3.0"
metrics = ["agreement_backends"]
reason = "nonsense"
evidence = "0.001 where 1.76 is right"
link = "docs/backends.md"
expires = 2999-01-01
"""


def test_shipped_known_failures_of_backends_are_valid():
    assert read_known_pairs()


def test_known_failure_applies_only_to_its_scheme_backend_and_versions():
    (pair,) = msgspec.toml.decode(ENTRY, type=dict[str, list[KnownPair]])["pairs"]
    applies = [
        pair.holds_for("dynamic_wi4b32_afp32", "ai_edge_litert-builtin", version)
        for version in ("2.0.9", "2.1.0", "2.3.0", "2.3.1")
    ]
    assert applies == [False, True, True, False]
    assert not pair.holds_for("float32", "ai_edge_litert-builtin", "2.3.0")
    assert not pair.holds_for("dynamic_wi4b32_afp32", "ai_edge_litert", "2.3.0")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"dynamic_wi4b32_afp32"', '"int4"', "no scheme is called 'int4'"),
        ('"dynamic_wi4b32_afp32"', '"static_wi8_ai8"', "Its name is now static_wi8_ai8_dense"),
        ('"ai_edge_litert-builtin"', '"litert-npu"', "'litert-npu' is not a backend"),
        ('">=2.1,<=2.3.0"', '"all of them"', "is not a range of versions"),
        ('["agreement_backends"]', '["speed"]', "no metric is called 'speed'"),
        ('metrics = ["agreement_backends"]', "", "names no failure that it accepts"),
        ('"nonsense"', '" "', "`reason` or `evidence` is empty"),
        ('"docs/backends.md"', '"somewhere"', "`link` is 'somewhere'"),
        ("2999-01-01", "2020-01-01", "the entry expired on 2020-01-01"),
    ],
)
def test_rejects_invalid_known_failure_entry(old, new, says, tmp_path):
    file = tmp_path / "pairs.toml"
    assert ENTRY.count(old) == 1
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageMistake, match=says):
        read_known_pairs(file)


def test_documentation_names_the_schemes_of_every_shipped_known_failure():
    page = (FILE.parents[1] / "docs" / "backends.md").read_text(encoding="utf-8")
    for pair in read_known_pairs():
        assert all(f"`{scheme}`" in page for scheme in pair.schemes)
