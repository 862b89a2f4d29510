"""Similar words are the words with the most similar vectors."""

from __future__ import annotations

import numpy as np
import pytest

from models.shrinking.similar import LEAST_COSINE, MOST, similar_words


def at(*degrees: float) -> np.ndarray:
    """Return unit vectors [n, 2] at the given angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_similar_words_are_ordered_by_the_cosine_of_their_vectors():
    vocabulary = {"delayed": 0, "late": 1, "postponed": 2, "sunny": 3}
    similar = similar_words(set(vocabulary), vocabulary, at(0, 40, 20, 180))
    assert similar["delayed"] == ("postponed", "late")
    assert similar["late"] == ("postponed", "delayed")
    assert "sunny" not in similar


def test_words_that_are_not_asked_for_or_unknown_are_left_out():
    similar = similar_words({"aa", "zz"}, {"aa": 0, "bb": 1}, at(0, 10))
    assert similar == {"aa": ("bb",)}


def test_length_of_a_vector_does_not_matter():
    vectors = at(0, 10, 60) * np.array([[1.0], [0.01], [100.0]], np.float32)
    assert similar_words({"aa"}, {"aa": 0, "bb": 1, "cc": 2}, vectors)["aa"] == ("bb", "cc")


def test_parts_of_words_letters_and_special_tokens_are_neither_compared_nor_found():
    vocabulary = {"good": 0, "##good": 1, "g": 2, "[CLS]": 3, "!!": 4, "great": 5}
    similar = similar_words(set(vocabulary), vocabulary, at(0, 0, 0, 0, 0, 1))
    assert similar == {"good": ("great",), "great": ("good",)}


def test_words_without_a_similar_word_are_left_out():
    least = float(np.degrees(np.arccos(LEAST_COSINE)))
    assert similar_words({"aa", "bb"}, {"aa": 0, "bb": 1}, at(0, least + 1)) == {}
    assert similar_words({"aa", "bb"}, {"aa": 0, "bb": 1}, at(0, least - 1)) == {
        "aa": ("bb",),
        "bb": ("aa",),
    }


def test_vector_of_zeros_has_no_similar_word():
    assert similar_words({"aa", "bb"}, {"aa": 0, "bb": 1}, np.zeros((2, 2), np.float32)) == {}


@pytest.mark.parametrize("count", [MOST, MOST + 1, 2500])
def test_each_word_has_at_most_so_many_similar_words(count):
    vocabulary = {
        chr(97 + n // 676) + chr(97 + n // 26 % 26) + chr(97 + n % 26): n for n in range(count)
    }
    similar = similar_words(set(vocabulary), vocabulary, at(*np.linspace(0, 30, count)))
    assert len(similar) == count
    assert {len(words) for words in similar.values()} == {min(MOST, count - 1)}
    assert all(word not in words for word, words in similar.items())
