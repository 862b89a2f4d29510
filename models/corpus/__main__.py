"""Run `python -m models.corpus describe PATH`: print the content of a corpus as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from models.command_line import Parser, answer, path, run_command
from models.corpus.artefact import make_corpus, make_tokenizer
from models.corpus.counts import describe_corpus, describe_left_out, describe_tokens
from models.corpus.replab_counts import (
    OFFICIAL_TEST,
    describe_package,
    languages_of,
    with_polarity,
)
from models.corpus.replab_layout import FOLDERS, POLARITIES, TEST, TRAINING, is_package
from models.corpus.replab_package import read_package
from models.corpus.replab_select import select
from models.corpus.source import check_corpus
from models.corpus.texts import LabelledText
from models.corpus.tokenize import load_tokenizer
from models.errors import UsageMistake
from models.subjects import ENGLISH, Subject, TokenizerTable, load_subject

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from models.corpus.replab_package import LabeledTweet, Package

# Cleanings for which lengths are reported: none, and the removal of parts that are typical of
# tweets.
_CLEANINGS = {"as_published": (), "without_mentions_and_links": ("links", "mentions")}
_NO_TOKENIZER = (
    "no tokenizer is given: give --pretrained FOLDER, which holds tokenizer.json or vocab.txt"
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit code: 0, or 4 after a mistake of the user."""
    return answer(lambda: _document(_parser().parse_args(arguments)))


def _parser() -> Parser:
    parser = Parser(prog="python -m models.corpus", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    describing = commands.add_parser(
        "describe", help="print counts, lengths, and every text that is left out"
    )
    describing.add_argument(
        "path",
        type=path,
        nargs="?",
        help="the folder of the RepLab 2013 package, or the file that the subject reads",
    )
    describing.add_argument("--subject", help="a shipped subject's name, or a TOML file")
    describing.add_argument(
        "--pretrained",
        type=path,
        help="a checkpoint's folder, to count lengths in tokens of its tokenizer",
    )
    describing.add_argument(
        "--counts-only", action="store_true", help="count the texts left out without listing them"
    )
    return parser


def _document(options: argparse.Namespace) -> dict[str, Any]:
    if options.subject is not None:
        return _describe_subject(load_subject(options.subject), options)
    if options.path is None or not is_package(options.path):
        raise UsageMistake(
            "neither a subject nor a RepLab 2013 package was given",
            file=options.path,
            remedy="Give the package's folder, or with --subject a subject that describes "
            "how to read this file",
        )
    return _describe_package(options)


def _describe_package(options: argparse.Namespace) -> dict[str, Any]:
    package = read_package(options.path)
    has_languages = any(tweet.language for tweet in package.tweets)
    selection = select(package, ENGLISH if has_languages else ())
    return {
        **describe_package(package, options.path),
        "floors": _trivial_scores(package),
        "tokens": _package_tokens(package, options.pretrained),
        "left_out": describe_left_out(selection.left_out, counts_only=options.counts_only),
    }


def _describe_subject(subject: Subject, options: argparse.Namespace) -> dict[str, Any]:
    check_corpus(subject, options.path)
    corpus = make_corpus(subject, options.path)
    described = {}
    if subject.corpus.source == "replab":
        package = read_package(options.path)
        described = describe_package(package, options.path) | {"floors": _trivial_scores(package)}
    tokens: dict[str, Any] = {"omitted": _NO_TOKENIZER}
    if subject.tokenizer.source == "trained" or options.pretrained is not None:
        table = subject.tokenizer
        tokenizer = make_tokenizer(table, corpus, options.pretrained)
        tokens = {
            split: describe_tokens(
                tokenizer,
                texts,
                pair_with_group=subject.pairs_with_group,
                max_tokens=table.length,
            )
            for split, texts in corpus.splits.items()
        }
    return {
        "subject": subject.name,
        **described,
        "splits": describe_corpus(corpus),
        "tokens": tokens,
        "left_out": describe_left_out(corpus.left_out, counts_only=options.counts_only),
    }


def _trivial_scores(package: Package) -> dict[str, Any]:
    """Return the scores of trivial classifiers on each test split, by language."""
    from models.verdicts.scores import score_trivial_classifiers  # noqa: PLC0415 - a command may import models/verdicts, which the rest of this folder may not

    splits = with_polarity(package)
    train = languages_of(splits[TRAINING])
    return {
        name: {
            language: score_trivial_classifiers(*_labels(tweets), _labels(train.get(language, [])))
            for language, tweets in languages_of(splits[name]).items()
            if tweets and train.get(language)
        }
        for name in (TEST, OFFICIAL_TEST)
        if name in splits
    }


def _labels(tweets: list[LabeledTweet]) -> tuple[Any, list[str]]:
    labels = np.array([POLARITIES.index(tweet.polarity) for tweet in tweets], dtype=np.int64)
    return labels, [tweet.entity_id for tweet in tweets]


def _package_tokens(package: Package, pretrained: Path | None) -> dict[str, Any]:
    """Return the lengths of English tweets in tokens, without entities, by cleaning and split."""
    if pretrained is None:
        return {"omitted": _NO_TOKENIZER}
    tweets = with_polarity(package)
    english = {name: languages_of(tweets[name]).get(ENGLISH[0], []) for name in FOLDERS}
    counts: dict[str, Any] = {}
    for name, cleaning in _CLEANINGS.items():
        table = TokenizerTable(source="pretrained", cleaning=cleaning)
        tokenizer = load_tokenizer(pretrained, table)
        counts[name] = {
            folder: describe_tokens(
                tokenizer,
                [LabelledText(t.tweet_id, t.entity_id, t.text, 0) for t in tweets if t.text],
                pair_with_group=False,
                max_tokens=table.length,
            )
            for folder, tweets in english.items()
        }
    return counts


if __name__ == "__main__":
    sys.exit(run_command(main))
