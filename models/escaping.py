r"""Escape text from outside for wherever it is shown.

A text, a label, a file's name or an answer of a board may contain anything: terminal sequences,
line ends, commands to the CI that reads the log, markup, formulas. Each function here is for one
kind of output. Invisible or active characters become visible escapes as in Python (`\n`, `\x1b`,
`\u202e`); all other characters stay, in every script, including emoji. Applying a function to its
own result changes nothing, except for `as_markdown` and `as_markup`.
"""

from __future__ import annotations

import html
import re

# Longest line in characters; longer ones lose their middle.
LONGEST = 1000
ELLIPSIS = "…"
# Invisible characters that belong to the visible ones around them: joiners in emoji and in Persian
# or Indic words, and variation selectors, which decide how the character before them is drawn.
_JOINERS = "\u200c\u200d"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Control and format characters, lone surrogates, line and paragraph separators, blank letters, and
# code points without a character, including Unicode's default ignorable ones.
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
) + "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
# England, Scotland and Wales: the only flags that are encoded with invisible letters.
_FLAGS = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
_UNSEEN = re.compile(f"{_FLAGS}|[{_HIDDEN}{_SELECTORS}]")
_UNSEEN_IN_LINES = re.compile(rf"{_FLAGS}|(?![\n\t])[{_HIDDEN}{_SELECTORS}]")
_SEEN = re.compile(rf"[^\s{_HIDDEN}{_SELECTORS}]")
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_KEYCAPS = "#*0123456789"
# Log commands of a CI: GitHub executes lines that begin with "::" or contain "##["; Azure and
# TeamCity are similar.
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"##(?=\[|vso\[|teamcity\[)", re.IGNORECASE)
# Beginning of a cell that a spreadsheet would compute, also where a semicolon separates cells.
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_NUMBER = re.compile(r"[+-]?\d*\.?\d+(e[+-]?\d+)?", re.IGNORECASE)
# Characters that GitHub makes into links or mentions within text. An HTML comment after them
# prevents this.
_LINKED = re.compile(
    r"@|:(?=//)|:(?=[a-z+-][\w+-]*:)|#(?=\w)|\bwww(?=\.)|\b(?:mailto|xmpp)(?=:)|\bGH(?=-\d)",
    re.IGNORECASE,
)
_PARTED = r"\g<0><!-- -->"
# Special characters of Markdown. A closing bracket makes a link only if `[`, `(` or `:` follows.
_MARKDOWN = re.compile(r"[\\`*{}|~^$]|\](?=[\[(:])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_FIRST_IN_MARKDOWN = re.compile(r"^(\s*\d*)([-+=.)#])(?=[-+=#\s])")
_TAGS = "".join(map(chr, range(0xE0020, 0xE0080)))


def one_line(text: object, longest: int = LONGEST) -> str:
    """Escape text for one line of a terminal: nothing hidden, no line end, no CI command.

    Args:
        text: any value; it is converted with `str`.
        longest: largest number of characters; the middle of longer text is left out.
    """
    line = str(text)
    if len(line) > 2 * longest:
        # Escaping only makes text longer, so the part that the shortening drops need not be
        # escaped.
        line = line[:longest] + line[-longest:]
    return _shortened(_inert(_without(_UNSEEN, line)), longest)


def several_lines(text: object, longest: int = LONGEST) -> str:
    """Escape text for lines of a terminal or a log, like `one_line` but with line ends and tabs.

    Args:
        text: any value; it is converted with `str`.
        longest: largest number of characters of a line.
    """
    return "\n".join(_shortened(line, longest) for line in _inert(visible(text)).split("\n"))


def visible(text: object) -> str:
    """Return the text with hidden characters escaped, except line ends and tabs."""
    return _without(_UNSEEN_IN_LINES, str(text))


def as_markup(text: object) -> str:
    """Escape text for HTML and XML, including quoted attribute values; line ends stay."""
    return html.escape(several_lines(text))


def as_markdown(text: object, longest: int = LONGEST) -> str:
    """Escape text for a line or a cell of Markdown, so that it is shown as plain text."""
    line = _LINKED.sub(_PARTED, html.escape(one_line(text, longest), quote=False))
    line = _FIRST_IN_MARKDOWN.sub(lambda match: match[1] + _entity(match[2]), line)
    return _MARKDOWN.sub(lambda match: _entity(match[0]), line)


def as_csv_cell(text: object) -> str:
    """Escape text for a CSV cell, so that no spreadsheet computes it; the writer adds quotes."""
    line = one_line(text)
    return line if _NUMBER.fullmatch(line) else _FORMULA.sub(r"\1'", line)


def in_json(document: str) -> str:
    """Escape hidden characters and log commands in a JSON document."""
    return _OLD_COMMAND.sub(r"#\\u0023", _UNSEEN_IN_LINES.sub(_json_escape, document))


def _without(unseen: re.Pattern[str], text: str) -> str:
    # Most text is printable ASCII and needs no search.
    return text if text.isascii() and text.isprintable() else unseen.sub(_shown, text)


def _inert(text: str) -> str:
    if "::" in text:
        text = _COMMAND.sub(r"\1\\x3a", text)
    return _OLD_COMMAND.sub(r"#\\x23", text) if "##" in text else text


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    end = (longest - len(ELLIPSIS)) // 3
    # If the shortening cuts through a flag, remove the invisible letters that are left of it.
    first = text[: longest - len(ELLIPSIS) - end].rstrip(_TAGS)
    return f"{first}{ELLIPSIS}{text[len(text) - end :].lstrip(_TAGS)}"


def _shown(match: re.Match[str]) -> str:
    if _belongs(match):
        return match[0]
    return match[0].encode("unicode_escape").decode("ascii")


def _belongs(match: re.Match[str]) -> bool:
    """Tell whether a hidden character belongs to the visible characters around it."""
    text, at, end = match.string, match.start(), match.end()
    if end - at > 1:
        return True  # a flag
    before = text[at - 1 : at]
    if _SELECTOR.match(match[0]):
        drawn = not before.isascii() or before in _KEYCAPS
        return bool(_SEEN.match(before)) and drawn
    if match[0] not in _JOINERS:
        return False
    if _SELECTOR.match(before):
        before = text[at - 2 : at - 1]
    after = text[end : end + 1]
    is_visible = bool(_SEEN.match(before) and _SEEN.match(after))
    return is_visible and not (before + after).isascii()


def _json_escape(match: re.Match[str]) -> str:
    if _belongs(match):
        return match[0]
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _entity(character: str) -> str:
    return f"&#{ord(character)};"
