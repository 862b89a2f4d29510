"""Recognize, by their JSON, the tokenizers that `models.runner.word_pieces` can replace.

A tokenizer with any unknown setting is left to the `tokenizers` library.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Set, Tuple

from models.runner.word_pieces import Template, Vocabulary, WordPieces

_LOWER = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")
_KEPT = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")
# Supported regular expressions of the library. For each: a Python expression with the same matches
# in printable ASCII, and strings of which every match contains one. No match spans a space.
EXPRESSIONS = {
    r"(?:https?://|www\.)\S+": (re.compile(r"(?:https?://|www\.)\S+"), ("http", "www.")),
    r"@\w+": (re.compile(r"@\w+"), ("@",)),
    r"#(?=\w)": (re.compile(r"#(?=\w)"), ("#",)),
    r"\p{S}": (re.compile(r"[$+<=>^`|~]"), ("",)),
    r"\p{P}": (re.compile(r"[!-#%-*,-/:;?@\[-\]_{}]"), ("",)),
}
_SPACES = (r"\s+", " ")


class Padding(NamedTuple):
    """The padding after a row's tokens: length of the row, id and segment of the padding."""

    length: int
    pad: int
    segment: int


class Cleaning(NamedTuple):
    """A replacement in a text before it is split into words.

    Attributes:
        pattern: regular expression of the replaced text.
        marks: strings of which every match contains at least one.
        by: the replacement.
    """

    pattern: Any
    marks: Tuple[str, ...]
    by: str


def fixed_padding(padding: Optional[Mapping[str, Any]]) -> Optional[Padding]:
    """Return the padding if it fills every row to the same length after its tokens; else None.

    Args:
        padding: padding settings of the library's tokenizer.
    """
    if padding is None or padding["direction"] != "right" or padding["pad_to_multiple_of"]:
        return None
    length = padding["length"]
    return length and Padding(length, padding["pad_id"], padding["pad_type_id"])


def word_pieces(
    document: Mapping[str, Any], length: int, ask: Callable[[str], List[int]]
) -> Optional[WordPieces]:
    """Return the encoder that a tokenizer.json describes; None if it contains anything unknown.

    Args:
        document: content of the file, as written by the library.
        length: length of the rows, which are padded after their tokens.
        ask: see `WordPieces`.
    """
    model, room = document["model"], _room(document["truncation"], length)
    lowercase, cleaning = _normalizer(document["normalizer"])
    templates = _templates(document["post_processor"])
    is_known = (
        model["type"] == "WordPiece"
        and model["unk_token"] in model["vocab"]
        and document["pre_tokenizer"] == {"type": "BertPreTokenizer"}
        # With added tokens, a text would first have to be split at those that it contains.
        and not document["added_tokens"]
    )
    if not is_known or room is None or lowercase is None or not templates:
        return None
    words = _word_splitter(cleaning, lowercase=lowercase)
    return WordPieces(ask, words, Vocabulary(model), templates, room)


def _word_splitter(cleaning: List[Cleaning], *, lowercase: bool) -> Callable[[str], List[str]]:
    """Return a function that splits a text of printable ASCII and white space into words."""
    find_all = (_LOWER if lowercase else _KEPT).findall

    def words(text: str) -> List[str]:
        for pattern, marks, by in cleaning:
            for mark in marks:
                if mark in text:
                    text = pattern.sub(by, text)
                    break
        return find_all(text.lower() if lowercase else text)

    return words


def _room(cut: Optional[Mapping[str, Any]], length: int) -> Optional[int]:
    """Return the longest row in tokens if rows are truncated at their end; else None."""
    if cut is None or cut["direction"] != "Right" or cut["max_length"] > length:
        return None
    return cut["max_length"] if cut["strategy"] in {"LongestFirst", "OnlyFirst"} else None


def _normalizer(normalizer: Any) -> Tuple[Optional[bool], List[Cleaning]]:
    """Return whether to convert to lower case (None if a step is unknown), and replacements."""
    if normalizer is None:
        return None, []
    steps = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    if not steps or steps[-1]["type"] != "BertNormalizer":
        return None, []
    cleaning = []
    for step in steps[:-1]:
        replacement = _replacement(step) if step["type"] == "Replace" else None
        if replacement is not None:
            cleaning.append(replacement)
        # Ignore steps that change only white space: they do not change the words.
        elif step["type"] != "Strip" and not _makes_spaces(step):
            return None, []
    return bool(steps[-1]["lowercase"]), cleaning


def _makes_spaces(step: Mapping[str, Any]) -> bool:
    return step["type"] == "Replace" and (step["pattern"].get("Regex"), step["content"]) == _SPACES


def _replacement(step: Mapping[str, Any]) -> Optional[Cleaning]:
    expression = EXPRESSIONS.get(step["pattern"].get("Regex"))
    # Only these replacements are supported: others could be read as a pattern, or produce words
    # that are not ASCII.
    return (
        Cleaning(*expression, step["content"])
        if expression and step["content"] in {"", " "}
        else None
    )


def _templates(processor: Any) -> Dict[int, Template]:
    """Return the templates of one text and of two; empty if their processor is unknown."""
    if processor is None:
        return {1: Template(([], []), (0, 0, 0))}
    if processor["type"] != "TemplateProcessing":
        return {}
    templates = {
        1: _template(processor, "single", ["A"]),
        2: _template(processor, "pair", ["A", "B"]),
    }
    return {texts: template for texts, template in templates.items() if template is not None}


def _template(processor: Mapping[str, Any], kind: str, texts: List[str]) -> Optional[Template]:
    """Return the template of one text or of two.

    Return None if it reorders or omits texts, or if special tokens without a text between them have
    different segments.
    """
    around: List[List[int]] = [[]]
    # Segments of the special tokens before, between and after the texts, and of each text.
    segments: List[Set[int]] = [set()]
    for part in processor[kind]:
        if "Sequence" in part:
            if not texts or part["Sequence"]["id"] != texts[0]:
                return None
            texts = texts[1:]
            around.append([])
            segments += [{part["Sequence"]["type_id"]}, set()]
        else:
            special = part["SpecialToken"]
            around[-1] += processor["special_tokens"][special["id"]]["ids"]
            segments[-1].add(special["type_id"])
    if texts or any(len(types) > 1 for types in segments):
        return None
    return Template(tuple(around), tuple(next(iter(types), 0) for types in segments))
