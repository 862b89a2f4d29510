"""Compress the data in Allure's page; the browser unpacks it when it opens the page.

Allure writes its program and every file of its data into the page as base64. Compression shrinks
them to a tenth; current browsers can unpack them (`DecompressionStream`).
"""

from __future__ import annotations

import base64
import gzip
import json
import string
from typing import TYPE_CHECKING, NamedTuple

from models.errors import EdgeproofError
from reports.page.elements import elements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.page.elements import Element

# Beginning of the address of the script with Allure's program.
_PROGRAM = "data:text/javascript;base64,"
# Beginning of the script with Allure's data, which calls `d(NAME, DATA)` for each file. Both
# arguments are JSON.
_FILES = "Promise.allSettled(["
# The bytes of a file are stored as characters below 256. The program waits for
# `allureReportDataReady`.
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
    """The elements that contain Allure's program and its data."""

    program: Element
    files: Element


def files_of(page: str) -> dict[str, bytes]:
    """Return the files of Allure's data in a page, by name.

    Raises:
        EdgeproofError: the page contains Allure's program, but its data in an unknown form.
    """
    carried = _carried(page)
    return {} if carried is None else dict(_files(carried.files.content(page)))


def pack(page: str) -> str:
    """Return the page with Allure's program and data compressed; unchanged if it has none.

    Raises:
        EdgeproofError: the page contains Allure's program, but its data in an unknown form.
    """
    carried = _carried(page)
    if carried is None:
        return page
    program = carried.program.attributes["src"].removeprefix(_PROGRAM)
    files = _files(carried.files.content(page))
    content = {
        "program": base64.b64decode(program).decode("utf-8"),
        "files": {name: content.decode("latin-1") for name, content in files},
    }
    packed = gzip.compress(json.dumps(content, ensure_ascii=False).encode("utf-8"), mtime=0)
    unpack = _UNPACK.substitute(packed=base64.b64encode(packed).decode("ascii"))
    return (
        page[: carried.program.start]
        + page[carried.program.end : carried.files.start]
        + unpack
        + page[carried.files.end :]
    )


def _carried(page: str) -> _Carried | None:
    """Return the elements to compress; None if the page does not contain Allure's program."""
    scripts = [element for element in elements_of(page) if element.tag == "script"]
    for number, script in enumerate(scripts):
        if script.attributes.get("src", "").startswith(_PROGRAM):
            for later in scripts[number + 1 :]:
                if later.content(page).lstrip().startswith(_FILES):
                    return _Carried(script, later)
            raise _unknown()
    return None


def _files(script: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each data file that Allure embedded in the page's script."""
    read = json.JSONDecoder().raw_decode
    at = script.index(_FILES) + len(_FILES)
    while not script.startswith("]", at):
        try:
            name, at = read(script, _behind(script, at, "d("))
            data, at = read(script, _behind(script, at, ","))
            at = _behind(script, at, ")")
        except ValueError:
            raise _unknown() from None
        yield name, base64.b64decode(data)
        at += script.startswith(",", at)


def _behind(script: str, at: int, token: str) -> int:
    """Return the position after `token`, which must be at position `at` of the script."""
    if not script.startswith(token, at):
        raise _unknown()
    return at + len(token)


def _unknown() -> EdgeproofError:
    return EdgeproofError(
        "Allure's page stores its data in an unknown form",
        remedy="Use the version of Allure that reports/page/package.json pins",
    )
