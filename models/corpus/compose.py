"""Compose the statements of generated tweets: one function for each kind of composition.

Each function returns a text and its polarity towards one or two entities. A bag-of-words model
cannot recognize compositions: the same words in another order, or about another entity, have
another polarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.corpus.grammar import Entity, expand, grammar

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

POLARITIES = ("negative", "neutral", "positive")
OPPOSITE = {"negative": "positive", "positive": "negative"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A text without hashtags, links and other traits of tweets, and its polarity by entity."""

    text: str
    composition: str
    stands: tuple[tuple[Entity, str], ...]


def words(entity: Entity) -> set[str]:
    """Return the set of words in an entity's name."""
    return set(entity.name.split())


def clause(rng: random.Random, entity: Entity, polarity: str) -> str:
    """Return a clause that names the entity and has the polarity."""
    return expand(f"{{{polarity}}}", rng, entity, {})


def single(rng: random.Random, entity: Entity, polarity: str) -> Statement:
    """Return one clause, which may be ironic if it is negative, or a question if it is neutral."""
    surface = grammar().surface
    symbol = polarity
    if polarity == "negative" and rng.random() < surface.sarcasm:
        symbol = "sarcasm"
    elif polarity == "neutral" and rng.random() < surface.hedging:
        symbol = "hedged"
    return Statement(clause(rng, entity, symbol), "single", ((entity, polarity),))


def contrast(rng: random.Random, entity: Entity, polarity: str) -> Statement:
    """Return two clauses of opposite polarity about one entity; the second has `polarity`."""
    first = clause(rng, entity, OPPOSITE[polarity])
    last = clause(rng, entity, f"{polarity}_remark")
    text = expand("{contrast}", rng, entity, {"first": first, "last": last})
    return Statement(text, "contrast", ((entity, polarity),))


def foil(rng: random.Random, entity: Entity, polarity: str, foil_entity: Entity) -> Statement:
    """Return a clause about the entity, and one of another polarity about a second entity."""
    against = rng.choice([candidate for candidate in POLARITIES if candidate != polarity])
    contrast = clause(rng, foil_entity, against)
    text = expand(
        "{foil}", rng, entity, {"about": clause(rng, entity, polarity), "there": contrast}
    )
    return Statement(text, "foil", ((entity, polarity),))


def two_entities(rng: random.Random, entity: Entity, polarity: str, second: Entity) -> Statement:
    """Return two clauses of different polarity, each about one of two entities, in random order."""
    against = rng.choice([candidate for candidate in POLARITIES if candidate != polarity])
    clauses = [clause(rng, entity, polarity), clause(rng, second, against)]
    rng.shuffle(clauses)
    text = expand("{two_entities}", rng, entity, {"one": clauses[0], "other": clauses[1]})
    return Statement(text, "two_entities", ((entity, polarity), (second, against)))


def comparison(rng: random.Random, entity: Entity, polarity: str, second: Entity) -> Statement:
    """Return a comparison of two entities; `polarity` is the polarity towards the first entity."""
    symbol = "better_than" if polarity == "positive" else "worse_than"
    text = expand(f"{{{symbol}}}", rng, entity, {"F": second.name})
    return Statement(text, "comparison", ((entity, polarity),))


def distractor(rng: random.Random, entity: Entity, polarity: str) -> Statement:
    """Return a clause about the entity, beside a sentiment about something else."""
    mood = OPPOSITE.get(polarity) or rng.choice(("negative", "positive"))
    life = expand("{good_life}" if mood == "positive" else "{bad_life}", rng, entity, {})
    about = clause(rng, entity, polarity)
    text = expand("{distractor}", rng, entity, {"life": life, "about": about})
    return Statement(text, "distractor", ((entity, polarity),))


def compose(rng: random.Random, entities: Sequence[Entity]) -> Statement:
    """Draw entities, a polarity and a composition, and return the statement.

    Args:
        rng: generator of all random choices.
        entities: the entities that a statement can be about.
    """
    entity = rng.choice(entities)
    # Entities that share a word of their names would be hard to tell apart even for a person.
    second = rng.choice(
        [candidate for candidate in entities if not words(candidate) & words(entity)]
    )
    shares = grammar().shares
    odds = grammar().polarity
    (polarity,) = rng.choices(POLARITIES, [getattr(odds, name) for name in POLARITIES])
    names = shares.__struct_fields__
    (name,) = rng.choices(names, [getattr(shares, name) for name in names])
    if polarity == "neutral" and name in ("contrast", "comparison"):
        name = "foil"
    match name:
        case "contrast":
            return contrast(rng, entity, polarity)
        case "foil":
            return foil(rng, entity, polarity, second)
        case "two_entities":
            return two_entities(rng, entity, polarity, second)
        case "comparison":
            return comparison(rng, entity, polarity, second)
        case "distractor":
            return distractor(rng, entity, polarity)
        case _:
            return single(rng, entity, polarity)
