"""Parse Markdown or HTML into tags, attributes and words."""

from __future__ import annotations

from html.parser import HTMLParser

from markdown_it import MarkdownIt


class Parsed(HTMLParser):
    """The tags, attributes and text of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a tag and the names of its attributes."""
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        """Record a piece of text."""
        self.text += data


def rendered(markdown: str) -> str:
    """Return the HTML of a text in GitHub's variant of Markdown."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return str(parser.render(markdown))
