"""Facts about source files, such as imports, are cached, and used only if undamaged."""

from __future__ import annotations

import json

import pytest

from models.sources import ROOT, kept
from models.sources.facts import facts_of
from models.sources.kept import MOST_KEPT, KeptFacts

SOURCE = b"import models.used\nFILE = 'table.toml'\ndef make():\n    return FILE\n"
EXPECTED = facts_of(SOURCE, package="models")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "sources.facts"


@pytest.fixture
def parsed(monkeypatch):
    """Record the sources that are parsed because their facts were not stored."""
    sources = []

    def counted(source, **options):
        sources.append(source)
        return facts_of(source, **options)

    monkeypatch.setattr(kept, "facts_of", counted)
    return sources


def ask(path, source=SOURCE, entry="models.entry"):
    kept_facts = KeptFacts(path)
    facts = kept_facts.of(entry, source, "models")
    kept_facts.write()
    return facts


def test_unchanged_source_is_parsed_only_once(path, parsed):
    assert [ask(path), ask(path)] == [EXPECTED, EXPECTED]
    assert parsed == [SOURCE]


def test_cached_facts_depend_on_the_source_and_the_requested_part(path, parsed):
    changed = SOURCE + b"MORE = 1\n"
    all_facts, part, changed_facts = (
        ask(path),
        ask(path, entry="models.entry:make"),
        ask(path, changed),
    )
    assert len({all_facts, part, changed_facts}) == len(parsed) == 3
    assert [ask(path), ask(path, entry="models.entry:make"), ask(path, changed)] == [
        all_facts,
        part,
        changed_facts,
    ]
    assert len(parsed) == 3


def test_facts_are_recomputed_if_any_bit_of_the_cache_is_flipped(path, parsed):
    ask(path)
    intact = path.read_bytes()
    for at in range(len(intact)):
        path.write_bytes(intact[:at] + bytes([intact[at] ^ 1 << at % 8]) + intact[at + 1 :])
        assert ask(path) == EXPECTED
    assert len(parsed) == 1 + len(intact)


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 100, None])
def test_facts_are_recomputed_if_the_cache_is_truncated_or_missing(path, content):
    path.parent.mkdir()
    path.mkdir() if content is None else path.write_bytes(content)
    assert ask(path) == EXPECTED


def test_facts_cached_by_other_code_are_recomputed(path, parsed, monkeypatch):
    ask(path)
    monkeypatch.setattr(kept, "_MADE_BY", "another Python")
    ask(path)
    assert parsed == [SOURCE, SOURCE]


def test_cache_contains_only_a_limited_number_of_recent_facts(path):
    ask(path, entry="models.early")
    kept_facts = KeptFacts(path)
    for number in range(MOST_KEPT):
        kept_facts.of(f"models.entry{number}", SOURCE, "models")
    kept_facts.write()
    _, stored = json.loads(path.read_bytes()[32:])
    assert len(stored) == MOST_KEPT
    assert not [key for key in stored if key.startswith("models.early")]


def test_facts_are_computed_without_a_writable_cache_folder(tmp_path):
    (tmp_path / "file").touch()
    assert ask(tmp_path / "file" / "sources.facts") == ask(None) == EXPECTED


def test_cached_facts_equal_freshly_computed_facts(path):
    sources = sorted((ROOT / "models").glob("*.py"))
    first = [ask(path, source.read_bytes(), f"models.{source.stem}") for source in sources]
    again = [ask(path, source.read_bytes(), f"models.{source.stem}") for source in sources]
    assert first == again == [facts_of(source.read_bytes(), package="models") for source in sources]


def test_relative_imports_are_resolved_from_the_package_of_the_module():
    source = b"from . import one\nfrom ..two import three"
    facts = facts_of(source, package="models.room.inner")
    assert {"models.room.inner.one", "models.room.two.three"} <= set(facts.imports)
