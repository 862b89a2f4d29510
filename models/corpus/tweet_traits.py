"""Add the traits of tweets: hashtags, mentions, links, emoji, retweets, typing mistakes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.corpus.compose import OPPOSITE
from models.corpus.grammar import grammar

if TYPE_CHECKING:
    import random

    from models.corpus.compose import Statement

_LINK_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_WORD = re.compile(r"\b[a-z]{5,}\b")


def _misspell(word: str, rng: random.Random) -> str:
    """Return the word with a typing mistake: letters swapped, dropped, doubled or repeated."""
    at = rng.randrange(1, len(word) - 2)
    return rng.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word + word[-1] * 2,
        )
    )


def _with_misspelling(text: str, rng: random.Random) -> str:
    """Return the text with one lower-case word misspelled; names and numbers stay unchanged."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    return text[: word.start()] + _misspell(word[0], rng) + text[word.end() :]


def _emoji(statement: Statement, rng: random.Random) -> str:
    """Return an emoji that usually agrees with the polarity towards the first entity."""
    mood = statement.stands[0][1]
    if rng.random() < grammar().surface.emoji_against:
        mood = OPPOSITE.get(mood, rng.choice(("negative", "positive")))
    symbol = {"positive": "emoji_good", "negative": "emoji_bad", "neutral": "emoji_neutral"}[mood]
    return " " + rng.choice(grammar().phrases[symbol])


def _link(rng: random.Random) -> str:
    return " https://t.co/" + "".join(rng.choices(_LINK_LETTERS, k=8))


def _body(text: str, names: list[str], rng: random.Random) -> str:
    """Return a sentence with random traits of tweets: misspelling, hashtag, ending, lower case."""
    surface = grammar().surface
    # Templates append "'s" to plural names too, which gives "Paper Tigers's".
    text = (text[0].upper() + text[1:]).replace("s's ", "s' ")
    if rng.random() < surface.misspelling:
        text = _with_misspelling(text, rng)
    if rng.random() < surface.hashtag_entity:
        name = rng.choice(names)
        text = text.replace(name, "#" + re.sub(r"\W", "", name))
    if rng.random() < surface.exclamation:
        text += rng.choice(("!", "!!", "!!!"))
    elif not text.endswith(("?", "!")):
        text += rng.choice((".", ".", "", "..."))
    return text.lower() if rng.random() < surface.lowercase else text


def tweeted(statement: Statement, rng: random.Random) -> str:
    """Return the statement as the text of a tweet.

    Args:
        statement: the statement.
        rng: generator of all random choices.
    """
    surface, phrases = grammar().surface, grammar().phrases
    text = _body(statement.text, [entity.name for entity, _ in statement.stands], rng)
    if rng.random() < surface.emoji:
        text += _emoji(statement, rng)
    if rng.random() < surface.hashtag:
        text += " " + rng.choice(phrases["hashtag"])
    if rng.random() < surface.link:
        text += _link(rng)
    if rng.random() < surface.leading_mention:
        text = f"{rng.choice(phrases['handle'])} {text}"
    if rng.random() < surface.retweet:
        text = f"RT {rng.choice(phrases['handle'])}: {text}"
    return text
