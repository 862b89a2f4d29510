"""Choose the whole numbers from which cases are drawn; a smaller number gives a simpler case."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Choices(Protocol):
    """The interface for choosing numbers; hypothesis shrinks a case by choosing smaller ones."""

    def integer(self, least: int, most: int) -> int:
        """Choose a whole number; `least` is the simplest."""
        ...


class RandomChoices:
    """Draws numbers from a seed, for a search without shrinking."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the numbers need not be unpredictable

    def integer(self, least: int, most: int) -> int:
        """Draw a whole number from `least` to `most`, both included."""
        return self._random.randint(least, most)


def one_of(choices: Choices, options: Sequence[T]) -> T:
    """Choose one of several options; the first is the simplest."""
    return options[choices.integer(0, len(options) - 1)]


def one_in(choices: Choices, count: int) -> bool:
    """Choose true with a probability of 1 in `count`; false is simpler."""
    return choices.integer(0, count - 1) == count - 1


def yes_or_no(choices: Choices) -> bool:
    """Choose true or false; false is simpler."""
    return choices.integer(0, 1) == 1
