"""Encode texts into BERT's word pieces like the `tokenizers` library, but several times faster.

For a short text, the library takes as long as a small network. Most of its work (Unicode
normalization, accents, classes of characters) has no effect on printable ASCII. So a regular
expression splits such a text into words, most of which are pieces. In other texts, the library
encodes each stretch between blanks that is not ASCII, and its result is cached. Anything more
complicated is left to the library. Both ways give the same ids.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

# Longest text in characters. Longer ones are left to the library, whose own limits bound its time.
LONGEST_TEXT = 4096
# Maximum number of cached words, which are those of several pieces and those that are not ASCII,
# and the length in characters of the longest cached word.
MOST_WORDS, LONGEST_WORD = 4096, 100
# Maximum number of words of a text for which the library is called one by one. For more words, one
# call for the whole text is faster.
MOST_ASKED = 4
_STRETCHES = re.compile(r"[^\t\n\r ]+")
_BEYOND = re.compile(r"[^\t\n\r -~]")


class Encoded(NamedTuple):
    """The ids, equal to those of the library, and the segments; None if all segments are 0."""

    ids: List[int]
    segments: Optional[List[int]]


class Template(NamedTuple):
    """The ids around the texts of a row.

    Attributes:
        around: the ids before the first text, and those after each text.
        segments: segments of these ids and of the texts, in the order of the row.
    """

    around: Tuple[List[int], ...]
    segments: Tuple[int, ...]

    def filled(self, texts: Sequence[List[int]]) -> Encoded:
        """Return ids and segments of a row with these texts."""
        parts = [self.around[0]]
        for text, after in zip(texts, self.around[1:]):
            parts += [text, after]
        ids = [number for part in parts for number in part]
        if not any(self.segments):
            return Encoded(ids, None)
        return Encoded(ids, [s for part, s in zip(parts, self.segments) for _ in part])


class Vocabulary:
    """The word pieces of a tokenizer that can occur in an ASCII word.

    Args:
        model: value of the key `model` in a tokenizer.json.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        pieces = {piece: number for piece, number in model["vocab"].items() if piece.isascii()}
        prefix = model["continuing_subword_prefix"]
        self._unknown = [model["vocab"][model["unk_token"]]]
        self._longest_word = model["max_input_chars_per_word"]
        self._later = {
            p[len(prefix) :]: number for p, number in pieces.items() if p.startswith(prefix)
        }
        self._longest_piece = max(map(len, pieces), default=0)
        # Longer words become the unknown token, even if they are in the vocabulary.
        self.first = {p: number for p, number in pieces.items() if len(p) <= self._longest_word}

    def pieces_of(self, word: str) -> List[int]:
        """Split a word greedily into its longest pieces; return their ids."""
        if len(word) > self._longest_word:
            return self._unknown
        ids: List[int] = []
        start, vocabulary = 0, self.first
        while start < len(word):
            end = min(len(word), start + self._longest_piece)
            while end > start and word[start:end] not in vocabulary:
                end -= 1
            if end == start:
                return self._unknown
            ids.append(vocabulary[word[start:end]])
            start, vocabulary = end, self._later
        return ids


class WordPieces:
    """A tokenizer of word pieces.

    Args:
        ask: returns the library's ids of a text, without those of the template; at most as many as
            fit into a row.
        words: splits a text of printable ASCII, blanks and line breaks into words.
        vocabulary: the word pieces.
        templates: templates by number of texts.
        room: length of a row in tokens, including those of the template.
    """

    def __init__(
        self,
        ask: Callable[[str], List[int]],
        words: Callable[[str], List[str]],
        vocabulary: Vocabulary,
        templates: Mapping[int, Template],
        room: int,
    ) -> None:
        self._ask, self._words, self._vocabulary = ask, words, vocabulary
        self._templates = templates
        self._room = {
            texts: room - sum(map(len, template.around)) for texts, template in templates.items()
        }
        self._seen: Dict[str, List[int]] = {}

    def encode(self, texts: Sequence[str]) -> Optional[Encoded]:
        """Return the same ids as the library for a text or a pair, without padding.

        Return None if only the library can encode it.
        """
        room = self._room.get(len(texts), 0)
        if room <= 0:
            return None
        encoded_texts = []
        for text in texts:
            numbers = self._numbers(text, room)
            if numbers is None:
                return None
            encoded_texts.append(numbers)
        if len(encoded_texts) == 1:
            encoded_texts[0] = encoded_texts[0][:room]
        elif sum(map(len, encoded_texts)) > room:
            # Only the library determines how many tokens each of the two texts loses.
            return None
        return self._templates[len(texts)].filled(encoded_texts)

    def _numbers(self, text: str, room: int) -> Optional[List[int]]:
        """Return the ids of a text, possibly without those beyond the end of the row.

        Return None if the text must be left to the library.
        """
        if len(text) > LONGEST_TEXT:
            return None
        if text.isascii() and (text.isprintable() or _BEYOND.search(text) is None):
            return self._plain(text, room)
        ids: List[int] = []
        unknown_words = 0
        for stretch in _STRETCHES.findall(text):
            if stretch.isascii() and stretch.isprintable():
                ids += self._plain(stretch, room)
            else:
                numbers = self._seen.get(stretch)
                if numbers is None:
                    unknown_words += 1
                    if unknown_words > MOST_ASKED:
                        return None
                    numbers = self._remembered(stretch, self._ask(stretch))
                ids += numbers
            if len(ids) > room:
                break
        return ids

    def _plain(self, text: str, room: int) -> List[int]:
        """Return the ids of an ASCII text, possibly without those beyond the end of the row."""
        words = self._words(text)
        numbers: List[Any] = list(map(self._vocabulary.first.get, words))
        return self._in_pieces(words, numbers, room) if None in numbers else numbers

    def _in_pieces(self, words: List[str], numbers: List[Optional[int]], room: int) -> List[int]:
        """Return the ids of the words; a word whose id is None is split into its pieces."""
        ids: List[int] = []
        for word, number in zip(words, numbers):
            if number is not None:
                ids.append(number)
            else:
                pieces = self._seen.get(word)
                if pieces is None:
                    pieces = self._remembered(word, self._vocabulary.pieces_of(word))
                ids += pieces
            if len(ids) > room:
                break
        return ids

    def _remembered(self, word: str, ids: List[int]) -> List[int]:
        if len(self._seen) >= MOST_WORDS:
            self._seen.clear()
        if len(word) <= LONGEST_WORD:
            self._seen[word] = ids
        return ids
