"""Make an HTML page self-contained: no analytics, no requests.

Three layers: the analytics scripts are cut out, a Content-Security-Policy forbids the browser
whatever an attachment may ask for, and what is left is searched for external loads.
"""

from __future__ import annotations

import base64
import binascii
import re

# What the page may use: itself, and what it carries as data.
POLICY = (
    "default-src data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src data: blob:; form-action 'none'; base-uri 'none'"
)
_ANALYTICS = re.compile(
    r"<script[^>]*googletagmanager[^>]*>\s*</script>\s*"
    r"(<script>(?:(?!</script>).)*?gtag\((?:(?!</script>).)*</script>)?",
    re.DOTALL,
)
_URL = r"""["'`]?\s*((?:https?:)?//[^"'`\s)>]+)"""
# Where a browser loads what a page names without being asked to.
_LOADS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"<(?:script|img|iframe|embed|source|video|audio|track)\b[^>]*?\s(?:src|srcset)\s*=\s*{_URL}",
        rf"<link\b[^>]*?\shref\s*=\s*{_URL}",
        rf"<object\b[^>]*?\sdata\s*=\s*{_URL}",
        rf"<(?:image|use)\b[^>]*?\s(?:xlink:)?href\s*=\s*{_URL}",
        rf"url\(\s*{_URL}",
        rf"@import\s+{_URL}",
        rf"\b(?:fetch|import|importScripts|sendBeacon)\s*\(\s*{_URL}",
        rf"\.open\(\s*[\"'`](?:GET|POST)[\"'`]\s*,\s*{_URL}",
        rf"new\s+(?:WebSocket|EventSource|Worker|SharedWorker)\(\s*{_URL}",
    )
]
_DATA = re.compile(r"data:(?:text|application)/(?:javascript|css)[^,\"']*;base64,([A-Za-z0-9+/=]+)")


def keep_to_itself(html: str) -> str:
    """Return the page without analytics and with a policy that forbids every request."""
    page = _ANALYTICS.sub("", html)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return re.sub(r"<head[^>]*>", lambda head: f"{head.group()}{meta}", page, count=1)


def external_loads(html: str) -> list[str]:
    """List the addresses that a page, or a script or style in it, would load."""
    texts = [html, *map(_decoded, _DATA.findall(html))]
    found = {match for text in texts for load in _LOADS for match in load.findall(text)}
    return sorted(found)


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", errors="replace")
    except binascii.Error:
        return ""
