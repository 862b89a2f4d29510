"""Generate the corpus: texts from a grammar and a seed, with their reputation polarity."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from models.corpus.clean import normalized
from models.corpus.compose import POLARITIES, Statement, compose
from models.corpus.grammar import entities, grammar
from models.corpus.texts import SPLITS, Corpus, LabelledText
from models.corpus.tweet_traits import tweeted
from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.corpus.grammar import Entity
    from models.subjects import CorpusTable, Counts

# A grammar of this size rarely repeats a text: if this many attempts fail, the counts are too large
# for it.
_TRIES_PER_TEXT = 50


def generate(table: CorpusTable) -> Corpus:
    """Generate the corpus of a subject; the same table gives the same corpus on every machine.

    Some entities occur only in the test split. No two texts of the corpus are equal after
    normalization, neither with nor without the traits of tweets.

    Args:
        table: labels (three, from the worst to the best), counts and seed.

    Raises:
        UsageMistake: the table does not have three labels, or has no count for train, or the
            grammar cannot generate that many texts.
    """
    _check(table)
    rng = random.Random(table.seed)  # noqa: S311 - must be repeatable, not secret
    all_entities = list(entities())
    rng.shuffle(all_entities)
    held_out = round(len(all_entities) * grammar().surface.held_out_entities)
    in_training = all_entities[held_out:]
    forms_used: set[str] = set()
    splits = {}
    for split in SPLITS:
        entities_of_split = all_entities if split == "test" else in_training
        count = _count(table.counts, split)
        splits[split] = tuple(_texts(rng, entities_of_split, split, count, forms_used))
    return Corpus(labels=table.labels, splits=splits)


def _check(table: CorpusTable) -> None:
    if len(table.labels) != len(POLARITIES):
        raise UsageMistake(
            f"the generated corpus has three polarities, not {len(table.labels)}",
            key="corpus.labels",
            remedy="Name three labels, from the worst to the best",
        )
    if table.counts.train is None:
        raise UsageMistake(
            "the generated corpus has no fixed size, so the train split needs a count",
            key="corpus.counts.train",
            remedy="Set how many texts to generate, for example train = 6000",
        )


def _count(counts: Counts, split: str) -> int:
    count: int = getattr(counts, split)
    return count


def _texts(
    rng: random.Random, entities: Sequence[Entity], split: str, count: int, forms_used: set[str]
) -> Iterator[LabelledText]:
    """Yield `count` texts; a statement about two entities gives two texts, if both are needed."""
    written = number = 0
    while written < count:
        number += 1
        statement, text = _new_statement(rng, entities, forms_used)
        for entity, polarity in statement.stands[: count - written]:
            label = _noisy(POLARITIES.index(polarity), rng)
            yield LabelledText(f"{split}-{number:05d}", entity.name, text, label)
            written += 1


def _new_statement(
    rng: random.Random, entities: Sequence[Entity], forms_used: set[str]
) -> tuple[Statement, str]:
    """Return a new statement and its tweet; neither may equal an earlier one."""
    for _ in range(_TRIES_PER_TEXT):
        statement = compose(rng, entities)
        text = tweeted(statement, rng)
        forms = {normalized(statement.text), normalized(text)}
        if not forms & forms_used:
            forms_used |= forms
            return statement, text
    raise UsageMistake(
        "the grammar cannot generate that many different texts",
        key="corpus.counts",
        remedy="Ask for fewer texts",
    )


def _noisy(label: int, rng: random.Random) -> int:
    """Return the label, or rarely another label, as a human annotator would."""
    if rng.random() >= grammar().surface.label_noise:
        return label
    return rng.choice(
        [label_drawn for label_drawn in range(len(POLARITIES)) if label_drawn != label]
    )
