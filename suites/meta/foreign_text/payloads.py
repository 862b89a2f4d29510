"""Provide five hundred hostile texts, and find effects that they must not have."""

from __future__ import annotations

import random
import re
import unicodedata

COUNT = 500
# Text that scripts in payloads write to the console of a browser that runs them.
ACTED = "7770777"
SEED = 20231
PARTS = (
    # Commands to terminals: colors, cleared screens, titles, links, and their 8-bit forms.
    *("\x1b[31mred", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;https://spy.example\x1b\\link"),
    *("\x9b31m", "\x9d0;title\x9c", "\x08\x08\x08", "\x7f", "\x00", "\x0e\x0f", "\x05"),
    # Line ends of every kind, one of them followed by text.
    *("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\rgreen"),
    # Commands to a CI that reads the log.
    *("::stop-commands::x", "::error file=README.md::broken", "::warning::w", "::add-mask::a"),
    *("::set-output name=a::b", "::group::g", "  ::notice::n", "\u00a0::debug::d", "\t::error::e"),
    *("##[error]e", "##[add-matcher]m.json", "###[group]", "##vso[task.complete]", "::::"),
    *("##teamcity[buildStop]", "%0A::error::e", "\n::stop-commands::x", "\r::error::e"),
    # Markdown.
    "![i](https://spy.example/i.png)",
    *("[l](javascript:alert(1))", "[r][r]\n\n[r]: //spy.example"),
    *("@someone", "a@spy.example", "https://spy.example/x", "www.spy.example", "#1", "GH-1"),
    *("`code`", "```\nfence", "|", "a|b|c", "\\|", "\\", "**bold**", "_it_", "~~no~~", "$x$"),
    *("# head", "- item", "1. item", "> quote", "---", "===", ":tada:", "<https://spy.example>"),
    # HTML, and texts that break out of an attribute, a script or a comment.
    "<script>console.log(7770777)</script>",
    *("<img src=x onerror=console.log(7770777)>", "</title>", "-->"),
    "</script><script>console.log(7770777)</script>",
    *("<svg onload=console.log(7770777)>", "&lt;b&gt;", "&#0;"),
    '" onmouseover="console.log(7770777)',
    *("' autofocus onfocus='console.log(7770777)", "</style>", "]]>"),
    "<iframe srcdoc='<script>console.log(7770777)</script>'>",
    *("<base href=//spy.example>", "<!--"),
    *("<link rel=stylesheet href=//spy.example/a.css>", "<meta http-equiv=refresh content=0>"),
    "javascript:console.log(7770777)",
    *("data:text/html,<script>console.log(7770777)</script>", "url(//spy.example)"),
    # Spreadsheets.
    *("=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1"),
    *("@SUM(1)", "\t=1", "a;=1+1", '"', '","=1', "\uff1d1"),
    # Characters that reorder or hide others.
    *("\u202eevil", "\u2066a\u2069", "\u200e\u200f\u061c", "\u200b", "\u2060", "\ufeff", "\xad"),
    *("ad\u200dmin", "\u3164", "\U000e0041\U000e0042"),
    *("\ufe0f\ufe0f\ufe0f", "a\U000e0100\U000e0101"),
    # Half of a surrogate pair, and code points that are not characters.
    *("\ud83d", "\udcff", "\ufffe", "\uffff", "\ufdd0", "\U0001ffff", "\ud83d\n::error::e"),
    # Templates and formats.
    *("${{ secrets.TOKEN }}", "{{ 7*7 }}", "{0}"),
    *("{x!r:>{y}}", "%s%n%(a)s", "$body", "${body}", "\\1"),
    *("$\\frac{$", "$(touch /tmp/x)", "`id`", "\\g<0>", "{%raw%}", "<%= 1 %>", "$\\alpha$"),
    # Very long, empty and blank texts.
    *("x" * 10_000, "::" * 5_000, "\n" * 1_000, "\u0301" * 300, "\U0001f600" * 500, "", " "),
    # Ordinary words, which are combined with the other parts.
    *("hello", "größer", "привет", "مرحبا", "नमस्ते", "今日は", "🙂", "👩‍💻", "می‌خواهم"),
)  # fmt: skip
_BETWEEN = ("", " ", "\n", "\r", "\u2028", "x")
# Invisible characters that may stay, because they affect only their neighbors.
_JOINING = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def payloads() -> list[str]:
    """Return `COUNT` texts: each part alone, then random combinations; the same in every run."""
    draw = random.Random(SEED)  # noqa: S311 - repeatable, not a secret
    texts = list(PARTS)
    while len(texts) < COUNT:
        chosen = draw.choices(PARTS, k=draw.randint(2, 4))
        text = chosen[0]
        for part in chosen[1:]:
            text += draw.choice(_BETWEEN) + part
        texts.append(text)
    return texts


def acting_in_a_log(text: str) -> list[str]:
    """Return the effects that a text has in a terminal or in a CI's log; [] if it has none."""
    acting = []
    for line in text.split("\n"):
        acting += [f"{character!r} is hidden" for character in line if is_hidden(character)]
        # GitHub's runner reads logs with .NET's ReadLine and TrimStart.
        if line.lstrip().startswith("::"):
            acting.append(f"a command: {line[:80]!r}")
        if re.search(r"##(\[|vso\[|teamcity\[)", line):
            acting.append(f"an old command: {line[:80]!r}")
    return acting


def is_hidden(character: str) -> bool:
    """Tell whether a character is invisible, or reorders its surroundings."""
    if character == "\t" or _JOINING.match(character):
        return False
    nothing = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return nothing or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
