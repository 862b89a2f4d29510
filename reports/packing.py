"""Compress the data of Allure's page, which is unpacked as it opens.

Allure writes its program and every file of its data into the page as base64. Together they
compress to a tenth, which every browser of today unpacks by itself (`DecompressionStream`).
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import string
from typing import NamedTuple

_DATA = re.compile(r'\bd\("([^"]+)","([^"]*)"\)')
_PROGRAM = re.compile(r'<script\s+src="data:text/javascript;base64,([A-Za-z0-9+/=]+)"></script>')
_FILES = re.compile(
    r"<script defer>\s*Promise\.allSettled\(\[.*?\]\)\s*\.then\(.*?</script>", re.DOTALL
)
# A file's bytes travel as characters below 256; the program waits for `allureReportDataReady`.
_UNPACK = string.Template(
    """<script>
  (async () => {
    const packed = Uint8Array.from(atob("$packed"), (byte) => byte.charCodeAt(0));
    const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const { program, files } = await new Response(unpacked).json();
    for (const [name, content] of Object.entries(files)) d(name, btoa(content));
    window.allureReportDataReady = true;
    const script = document.createElement("script");
    script.textContent = program;
    document.body.append(script);
  })();
</script>"""
)


class _Carried(NamedTuple):
    """A file within a page, with its position."""

    program: re.Match[str]
    files: re.Match[str]


def files_of(page: str) -> dict[str, bytes]:
    """Return the files of Allure's data within a page, by their names."""
    return {name: base64.b64decode(data) for name, data in _DATA.findall(page)}


def pack(page: str) -> str:
    """Return the page with its program and data compressed; unchanged if it has none."""
    carried = _carried(page)
    if carried is None:
        return page
    content = {
        "program": base64.b64decode(carried.program[1]).decode("utf-8"),
        "files": {n: held.decode("latin-1") for n, held in files_of(carried.files[0]).items()},
    }
    packed = gzip.compress(json.dumps(content, ensure_ascii=False).encode("utf-8"), mtime=0)
    unpack = _UNPACK.substitute(packed=base64.b64encode(packed).decode("ascii"))
    return (
        page[: carried.program.start()]
        + page[carried.program.end() : carried.files.start()]
        + unpack
        + page[carried.files.end() :]
    )


def _carried(page: str) -> _Carried | None:
    program = _PROGRAM.search(page)
    files = _FILES.search(page, program.end()) if program else None
    return _Carried(program, files) if program and files else None
