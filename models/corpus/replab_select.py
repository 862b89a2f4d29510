"""Select the labeled tweets of RepLab 2013 that a corpus may use; give reasons for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from models.corpus.clean import normalized
from models.corpus.groups import link_items
from models.corpus.replab_layout import POLARITIES, RELATED, TEST, TRAINING, UNRELATED
from models.corpus.texts import LeftOut

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from models.corpus.replab_package import LabeledTweet, Package

UNREADABLE = "row cannot be read"
NOT_RELATED = "unrelated to its entity"
NO_FILTERING = "neither RELATED nor UNRELATED"
NO_POLARITY = "related, without polarity"
BROKEN_POLARITY = "its polarity is none of NEGATIVE, NEUTRAL, POSITIVE"
NO_LANGUAGE = "language is not known"
OTHER_LANGUAGE = "language is {}"
REPEATED = "second row of one tweet and entity"
NO_TEXT = "no text: it was not downloaded"
EMPTY_TEXT = "empty text: the tweet was deleted"
NEAR_DUPLICATE = "training tweet that is a near-duplicate"
SHARED_WITH_TEST = "training tweet that a test tweet repeats"


class Selection(NamedTuple):
    """The usable tweets of each official split, and the unusable ones."""

    train: list[LabeledTweet]
    test: list[LabeledTweet]
    left_out: list[LeftOut]


def has_polarity(tweet: LabeledTweet) -> bool:
    """Tell whether a tweet is related to its entity and has one of the three polarities."""
    return tweet.filtering == RELATED and tweet.polarity in POLARITIES


def select(package: Package, languages: Collection[str]) -> Selection:
    """Select the related tweets of some languages that have a polarity and a text.

    The test split stays as published. From the training split, near-duplicates are removed, and all
    tweets that repeat a test tweet: by id, as a near-duplicate, or with the same words.

    Args:
        package: the package.
        languages: the languages to select; if empty, all tweets are selected, also those whose
            language is unknown.
    """
    left_out = [
        LeftOut("", where, UNREADABLE) for where in package.unreadable if "/labeled/" in where
    ]
    usable: dict[str, list[LabeledTweet]] = {TRAINING: [], TEST: []}
    keys_used = set()
    for tweet in package.tweets:
        reason = _reason_to_leave_out(tweet, languages)
        if reason is None and (tweet.folder, tweet.key) in keys_used:
            reason = REPEATED
        if reason is None:
            keys_used.add((tweet.folder, tweet.key))
            usable[tweet.folder].append(tweet)
        else:
            left_out.append(_left_out(tweet, reason))
    shared = _shared_with_test(usable[TRAINING], usable[TEST])
    train = []
    for tweet, is_copy in zip(usable[TRAINING], shared, strict=True):
        if tweet.near_duplicate_of:
            left_out.append(_left_out(tweet, NEAR_DUPLICATE))
        elif is_copy:
            left_out.append(_left_out(tweet, SHARED_WITH_TEST))
        else:
            train.append(tweet)
    return Selection(train, usable[TEST], left_out)


def groups_of(tweets: Sequence[LabeledTweet]) -> list[int]:
    """Return each tweet's group; near-duplicates and tweets with equal ids or texts share one."""
    return link_items([list(_identities(tweet)) for tweet in tweets])


def _reason_to_leave_out(tweet: LabeledTweet, languages: Collection[str]) -> str | None:
    """Return why a tweet cannot be in a split; None if it can."""
    reasons = (
        (tweet.filtering == UNRELATED, NOT_RELATED),
        (tweet.filtering != RELATED, NO_FILTERING),
        (not tweet.polarity, NO_POLARITY),
        (tweet.polarity not in POLARITIES, BROKEN_POLARITY),
        (bool(languages) and not tweet.language, NO_LANGUAGE),
        (bool(languages) and tweet.language not in languages, OTHER_LANGUAGE),
        (tweet.text is None, NO_TEXT),
        (not tweet.text, EMPTY_TEXT),
    )
    template = next((reason for applies, reason in reasons if applies), None)
    return None if template is None else template.format(tweet.language)


def _shared_with_test(train: list[LabeledTweet], test: list[LabeledTweet]) -> list[bool]:
    """Tell for each training tweet whether a test tweet is in its group."""
    groups = groups_of(train + test)
    of_test = set(groups[len(train) :])
    return [group in of_test for group in groups[: len(train)]]


def _identities(tweet: LabeledTweet) -> Iterator[tuple[str, str]]:
    yield "id", tweet.tweet_id
    if tweet.near_duplicate_of:
        yield "id", tweet.near_duplicate_of
    if tweet.text:
        yield "text", normalized(tweet.text)


def _left_out(tweet: LabeledTweet, reason: str) -> LeftOut:
    return LeftOut(tweet.tweet_id, tweet.where, reason)
