"""Make an HTML page self-contained: no analytics, no requests.

Three layers: scripts of analytics are removed, a Content-Security-Policy forbids every request,
even by an attachment, and the remaining page is searched for external addresses that it loads.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from reports.page.elements import elements_of, first

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reports.page.elements import Element

# The browser may load only the page itself and the data in it.
POLICY = (
    "default-src data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src data: blob:; form-action 'none'; base-uri 'none'"
)
_META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
# Beginnings of addresses of other servers.
_ELSEWHERE = ("https://", "http://", "//")
# Beginning of the call that passes data to the analytics, in the script after the one that loads
# them.
_HANDED = "gtag("
# Attributes whose addresses a browser loads by itself, by element.
_LOADING = {
    **dict.fromkeys(("img", "source"), ("src", "srcset")),
    **dict.fromkeys(("script", "iframe", "embed", "video", "audio", "track"), ("src",)),
    "link": ("href",),
    "object": ("data",),
    **dict.fromkeys(("image", "use"), ("href", "xlink:href")),
}
# Code in scripts and styles that loads an address. Matches are reported, not changed.
_URL = r"""["'`]?\s*((?:https?:)?//[^"'`\s)>]+)"""
_LOADS_IN_CODE = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"url\(\s*{_URL}",
        rf"@import\s+{_URL}",
        rf"\b(?:fetch|import|importScripts|sendBeacon)\s*\(\s*{_URL}",
        rf"\.open\(\s*[\"'`](?:GET|POST)[\"'`]\s*,\s*{_URL}",
        rf"new\s+(?:WebSocket|EventSource|Worker|SharedWorker)\(\s*{_URL}",
    )
]
_CODE = ("data:text/javascript", "data:application/javascript", "data:text/css")


def keep_to_itself(page: str) -> str:
    """Return the page without analytics and with a policy that forbids every request.

    Raises:
        EdgeproofError: the page has no head for the policy.
    """
    elements = elements_of(page)
    head = first("head", elements)
    pieces, position = [page[: head.inside], _META], head.inside
    for element in _analytics(elements, page):
        pieces.append(page[position : element.start])
        position = element.end
    return "".join([*pieces, page[position:]])


def external_loads(page: str) -> list[str]:
    """List the addresses that a page, or a script or style in it, loads."""
    elements = elements_of(page)
    addresses = {address for element in elements for address in _loads(element)}
    for code in _code(elements, page):
        addresses |= {address for load in _LOADS_IN_CODE for address in load.findall(code)}
    return sorted(addresses)


def _analytics(elements: list[Element], page: str) -> Iterator[Element]:
    """Yield the scripts from other servers, each with the script that configures it."""
    scripts = [element for element in elements if element.tag == "script"]
    foreign = [element.attributes.get("src", "").startswith(_ELSEWHERE) for element in scripts]
    for number, script in enumerate(scripts):
        configures = number > 0 and foreign[number - 1] and _HANDED in script.content(page)
        if foreign[number] or configures:
            yield script


def _loads(element: Element) -> Iterator[str]:
    """Yield the external addresses that an element loads."""
    for name in _LOADING.get(element.tag, ()):
        address = element.attributes.get(name, "").strip()
        if address.lower().startswith(_ELSEWHERE):
            yield address.split()[0]


def _code(elements: Iterable[Element], page: str) -> Iterator[str]:
    """Yield the scripts and styles of a page, including those in attributes."""
    for element in elements:
        if element.tag in {"script", "style"}:
            yield element.content(page)
        yield element.attributes.get("style", "")
        for name in _LOADING.get(element.tag, ()):
            address = element.attributes.get(name, "")
            if address.startswith(_CODE):
                yield _decoded(address)


def _decoded(address: str) -> str:
    """Return the content of a `data:` address; "" if it is not in base64."""
    kind, _, data = address.partition(",")
    if not kind.endswith(";base64"):
        return ""
    try:
        return base64.b64decode(data).decode("utf-8", errors="replace")
    except binascii.Error:
        return ""
