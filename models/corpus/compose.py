"""How the meaning of a generated tweet is put together: one function for each composition.

Each returns a text and, for each entity the text takes a stand on, its polarity. A composition
is what a bag of words cannot see: the same words in another order or about another entity
carry another polarity.
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
    """A text before the medium's traits are added, and what it says about whom."""

    text: str
    composition: str
    stands: tuple[tuple[Entity, str], ...]


def clause(rng: random.Random, entity: Entity, polarity: str) -> str:
    """A clause that names the entity and is of the polarity."""
    return expand(f"{{{polarity}}}", rng, entity, {})


def single(rng: random.Random, entity: Entity, polarity: str) -> Statement:
    """One clause: said straight, or ironically, or as a question that takes no stand."""
    surface = grammar().surface
    symbol = polarity
    if polarity == "negative" and rng.random() < surface.sarcasm:
        symbol = "sarcasm"
    elif polarity == "neutral" and rng.random() < surface.hedging:
        symbol = "hedged"
    return Statement(clause(rng, entity, symbol), "single", ((entity, polarity),))


def contrast(rng: random.Random, entity: Entity, polarity: str) -> Statement:
    """Two clauses of opposite polarity about one entity; the main clause decides."""
    if polarity == "neutral":
        return single(rng, entity, polarity)
    back = rng.random() < len(grammar().phrases["contrast_back"]) / (
        len(grammar().phrases["contrast_back"]) + len(grammar().phrases["contrast"])
    )
    named, remark = (polarity, OPPOSITE[polarity]) if back else (OPPOSITE[polarity], polarity)
    naming = clause(rng, entity, named)
    remarking = expand(f"{{{remark}_remark}}", rng, entity, {})
    first, last = (remarking, naming) if back else (naming, remarking)
    template = "{contrast_back}" if back else "{contrast}"
    text = expand(template, rng, entity, {"first": first, "last": last})
    return Statement(text, "contrast", ((entity, polarity),))


def two_entities(rng: random.Random, entity: Entity, polarity: str, other: Entity) -> Statement:
    """A clause about each of two entities, of different polarity, in either order."""
    against = rng.choice([each for each in POLARITIES if each != polarity])
    parts = [clause(rng, entity, polarity), clause(rng, other, against)]
    rng.shuffle(parts)
    text = expand("{two_entities}", rng, entity, {"one": parts[0], "other": parts[1]})
    return Statement(text, "two_entities", ((entity, polarity), (other, against)))


def comparison(rng: random.Random, entity: Entity, polarity: str, other: Entity) -> Statement:
    """One entity is praised at the cost of another."""
    if polarity == "neutral":
        return two_entities(rng, entity, polarity, other)
    better, worse = (entity, other) if polarity == "positive" else (other, entity)
    text = expand("{comparison}", rng, better, {"F": worse.name})
    return Statement(text, "comparison", ((entity, polarity), (other, OPPOSITE[polarity])))


def distractor(rng: random.Random, entity: Entity, polarity: str) -> Statement:
    """A feeling about something else beside a clause about the entity."""
    mood = OPPOSITE.get(polarity) or rng.choice(("negative", "positive"))
    life = expand("{good_life}" if mood == "positive" else "{bad_life}", rng, entity, {})
    about = clause(rng, entity, polarity)
    text = expand("{distractor}", rng, entity, {"life": life, "about": about})
    return Statement(text, "distractor", ((entity, polarity),))


def compose(rng: random.Random, known: Sequence[Entity]) -> Statement:
    """Draw entities, a polarity and a composition, and say it.

    Args:
        rng: where every choice comes from.
        known: the entities that may be spoken about.
    """
    entity, other = rng.sample(known, 2)
    shares = grammar().shares
    odds = grammar().polarity
    (polarity,) = rng.choices(POLARITIES, [getattr(odds, name) for name in POLARITIES])
    names = shares.__struct_fields__
    (name,) = rng.choices(names, [getattr(shares, each) for each in names])
    match name:
        case "contrast":
            return contrast(rng, entity, polarity)
        case "two_entities":
            return two_entities(rng, entity, polarity, other)
        case "comparison":
            return comparison(rng, entity, polarity, other)
        case "distractor":
            return distractor(rng, entity, polarity)
        case _:
            return single(rng, entity, polarity)
