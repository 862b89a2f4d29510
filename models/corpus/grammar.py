"""Read `grammar.toml`, the phrases of the generated corpus, and expand its symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from models.files.toml_tables import Table, read_table

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

FILE = Path(__file__).with_name("grammar.toml")

_SYMBOL = re.compile(r"\{(\w+)\}")

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Phrases = dict[str, tuple[str, ...]]


class Shares(Table, frozen=True, kw_only=True):
    """How often each kind of composition occurs, as shares (see `models.corpus.compose`)."""

    single: Share
    contrast: Share
    foil: Share
    two_entities: Share
    comparison: Share
    distractor: Share


class PolarityShares(Table, frozen=True, kw_only=True):
    """How often each polarity occurs, as shares."""

    positive: Share
    neutral: Share
    negative: Share


class SurfaceShares(Table, frozen=True, kw_only=True):
    """How often each trait of tweets occurs, and a wrong label, as shares."""

    negation: Share
    sarcasm: Share
    hedging: Share
    retweet: Share
    leading_mention: Share
    hashtag_entity: Share
    hashtag: Share
    link: Share
    emoji: Share
    emoji_against: Share
    misspelling: Share
    lowercase: Share
    exclamation: Share
    label_noise: Share
    held_out_entities: Share


class Category(Table, frozen=True, kw_only=True):
    """A kind of entity; an entity's name joins a word of `first` and a word of `second`."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    phrases: Phrases


class Grammar(Table, frozen=True, kw_only=True):
    """The content of `grammar.toml`."""

    shares: Shares
    polarity: PolarityShares
    surface: SurfaceShares
    categories: dict[str, Category]
    phrases: Phrases


@dataclass(frozen=True, slots=True)
class Entity:
    """An invented company, person, university or band."""

    name: str
    category: str


@cache
def grammar() -> Grammar:
    """Return the content of `grammar.toml`, which is read only once."""
    return read_table(FILE, Grammar)


def entities() -> tuple[Entity, ...]:
    """Return every entity that the grammar can name, in the order of the file."""
    return tuple(
        Entity(f"{first} {second}", name)
        for name, category in grammar().categories.items()
        for first in category.first
        for second in category.second
    )


def expand(template: str, rng: random.Random, entity: Entity, bound: Mapping[str, str]) -> str:
    """Replace each `{symbol}` of a template by a phrase, until no symbol is left.

    Args:
        template: text with symbols.
        rng: generator of all random choices.
        entity: the entity that `{E}` stands for; phrases of its category are preferred.
        bound: the text of each symbol for which a text was already chosen.

    Raises:
        KeyError: the grammar has no such symbol.
    """
    category_phrases = grammar().categories[entity.category].phrases
    shared_phrases = grammar().phrases

    def phrase(match: re.Match[str]) -> str:
        symbol = match[1]
        if symbol in bound:
            return bound[symbol]
        if symbol == "E":
            return entity.name
        if symbol in ("praise", "scorn"):
            negated = rng.random() < grammar().surface.negation
            symbol += "_negated" if negated else "_plain"
        choices = category_phrases.get(symbol) or shared_phrases[symbol]
        return expand(rng.choice(choices), rng, entity, bound)

    return _SYMBOL.sub(phrase, template)
