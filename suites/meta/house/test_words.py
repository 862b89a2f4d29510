"""Only listed files say tweet, entity or polarity instead of text, group or label."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest

from suites.meta.house.tracked import tracked_texts

TWEETS = re.compile("tweet", re.IGNORECASE)
# The name of the file with Kaggle's airline corpus.
AIRLINES_FILE = "Tweets.csv"
PLACES_OF_TWEETS = (
    # RepLab 2013: its package, its official format, the selection of its texts, and their tests.
    *("models/corpus/replab*.py", "models/corpus/quoted.py", "models/corpus/__main__.py"),
    *("models/verdicts/answers.py", "models/verdicts/__main__.py", "docs/replab.md"),
    *("suites/meta/corpus/*replab*.py", "suites/meta/corpus/test_describe_command.py"),
    "suites/meta/verdicts/test_score_command.py",
    # The generated corpus imitates tweets.
    *("models/corpus/grammar.toml", "models/corpus/grammar.py", "models/corpus/tweet_traits.py"),
    *("models/corpus/compose.py", "models/corpus/generate.py"),
    "suites/meta/corpus/test_generate.py",
    # The airline and twitter_entity subjects, and the paper.
    *("models/subjects/airline*.toml", "models/subjects/twitter_entity*.toml"),
    *("models/subjects/paper*.toml", "benchmarks/distillation_*.toml", "tox.ini"),
    *(f"models/verdicts/limits/budgets/{name}.toml" for name in ("paper", "pretrained", "ratio_*")),
    *(f"models/verdicts/limits/guards/{name}.toml" for name in ("paper", "pretrained")),
    *(f"docs/{name}.md" for name in ("paper", "small", "distillation", "quantization")),
    # Former names and their replacements.
    *("CHANGELOG.md", "models/former_names.py", "suites/meta/house/test_words.py"),
    *("reports/documents/migration.py", "suites/meta/reports/former/*.json"),
    "suites/meta/house/test_former_names.py",
)
ENTITIES = re.compile(r"(?<![a-z])(?:entit(?:y|ies)|polarit(?:y|ies))(?![a-z])", re.IGNORECASE)
# Keys in a subject's TOML and in the code for RepLab's corpora, and names of subjects.
KEYS = re.compile(r"columns\.entity|pair_with_entity|twitter_entity|POLARITIES")
GENERAL = tuple(
    f"{folder}/*"
    for folder in (
        *("fixtures", "reports", "models/bundle", "models/devices", "models/flatbuffers"),
        *("models/runtime", "models/shrinking", "models/tokenizers", "models/training"),
        *(
            "models/verdicts",
            "suites/accuracy",
            "suites/agreement",
            "suites/conformance",
            "suites/goal",
        ),
        *("suites/latency", "suites/memory", "suites/privacy", "suites/size"),
    )
)
PLACES_OF_ENTITIES = (
    *("models/verdicts/answers.py", "models/verdicts/__main__.py", "models/verdicts/scores.py"),
    # Cites the task that defines its measures.
    "models/verdicts/reputation.py",
    # Former names and their replacements.
    "reports/documents/migration.py",
    # HTML entities, in a package of Node.js.
    "reports/page/package-lock.json",
)


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    """Return the text of every tracked file, by path."""
    return tracked_texts()


def listed(name: str, places: tuple[str, ...]) -> bool:
    return any(fnmatch(name, place) for place in places)


def test_only_listed_files_say_tweet_instead_of_text(tracked):
    places = {
        name: text.count("\n", 0, first.start()) + 1
        for name, text in tracked.items()
        if not listed(name, PLACES_OF_TWEETS)
        for first in [TWEETS.search(f"{name}\n{text.replace(AIRLINES_FILE, '')}")]
        if first is not None
    }
    assert places == {}, "write text instead of tweet, or add the file to PLACES_OF_TWEETS"


def test_only_listed_files_say_polarity_or_entity_instead_of_label_or_group(tracked):
    words_of = {
        name: ENTITIES.findall(KEYS.sub("", text))
        for name, text in tracked.items()
        if listed(name, GENERAL) and not listed(name, PLACES_OF_ENTITIES)
    }
    assert {name: words for name, words in words_of.items() if words} == {}


@pytest.mark.parametrize("places", [PLACES_OF_TWEETS, PLACES_OF_ENTITIES])
def test_every_listed_exception_to_the_wording_rule_is_needed(places, tracked):
    needed = TWEETS if places is PLACES_OF_TWEETS else ENTITIES
    texts = {name: text.replace(AIRLINES_FILE, "") for name, text in tracked.items()}
    idle = [
        place
        for place in places
        if not any(fnmatch(name, place) and needed.search(text) for name, text in texts.items())
    ]
    assert idle == []
