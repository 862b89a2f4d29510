"""Find the elements of an HTML page and their positions, with Python's own parser.

The parser records start tags, and the ends of scripts and styles, whose content is not HTML. This
is enough to change a page that another program wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import accumulate
from typing import TYPE_CHECKING

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class Element:
    """An element of a page.

    Attributes:
        tag: name of the element, in lower case.
        attributes: values by name; "" for an attribute without a value.
        start: position of the start tag.
        inside: position after the start tag.
        closed: position of the end tag of a script or a style; `inside` for other elements.
        end: position after that end tag; `inside` for other elements.
    """

    tag: str
    attributes: dict[str, str]
    start: int
    inside: int
    closed: int
    end: int

    def content(self, page: str) -> str:
        """Return the content of a script or a style of the page."""
        return page[self.inside : self.closed]


def elements_of(page: str) -> list[Element]:
    """Return the elements of a page in their order."""
    finder = _Finder(page)
    finder.feed(page)
    finder.close()
    return finder.found


def first(tag: str, elements: Iterable[Element]) -> Element:
    """Return the first element with this tag name.

    Raises:
        EdgeproofError: the page has no such element.
    """
    for element in elements:
        if element.tag == tag:
            return element
    raise EdgeproofError(
        f"Allure's page has no <{tag}>, to which edgeproof adds its own part of the report",
        remedy="Use the version of Allure that reports/page/package.json pins",
    )


class _Finder(HTMLParser):
    """Collect the elements of one page.

    Args:
        page: the whole page, which must also be passed to `feed`.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Element] = []
        self._page = page
        # The parser counts only "\n" as the end of a line, unlike str.splitlines.
        self._lines = [0, *accumulate(len(line) + 1 for line in page.split("\n"))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Append the element that begins here to `found`, as yet without content."""
        start = self._position()
        inside = start + len(self.get_starttag_text() or "")
        attributes = {name: value or "" for name, value in attrs}
        self.found.append(Element(tag, attributes, start, inside, inside, inside))

    def handle_endtag(self, tag: str) -> None:
        """Record the end of the content of a script or a style."""
        last = self.found[-1] if self.found else None
        if last is not None and last.tag == tag and tag in self.CDATA_CONTENT_ELEMENTS:
            last.closed = self._position()
            last.end = self._page.index(">", last.closed) + 1

    def _position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
