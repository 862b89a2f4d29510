"""Turn good files into bad ones by changing bytes, words, numbers or members of archives.

Every choice uses the given generator, so the same seed gives the same file.
"""

from __future__ import annotations

import copy
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

INTEGERS = (
    *(0, 1, 2, 3, 7, 8, 31, 32, 33, 64, 127, 128, 255, 256),
    *(2**15, 2**16 - 1, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53),
    *(2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -1, -2, -(2**31), -(2**63)),
)
# Values that replace a number, a text or a list in JSON.
VALUES: tuple[Any, ...] = (
    *INTEGERS,
    *(True, False, None, 0.5, -0.0, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", "0", "-1", "../../x", "/etc/passwd", "a\nb", "\x1b[31m::error::", "\ud800", "x" * 5000),
    *([], {}, [[]], [1] * 100, [0, 2**62, 2**62], {"": {}}, {"a": [1]}),
)
_NUMBER = re.compile(rb"\d{1,20}")
_WIDTHS = (1, 2, 4, 8)


def mutated(random: Random, data: bytes) -> bytes:
    """Return bytes with a few changes."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        random.choice(_CHANGES)(random, changed)
    return bytes(changed)


def mutated_words(random: Random, data: bytes) -> bytes:
    """Return bytes with some aligned 32-bit words replaced, such as offsets and lengths."""
    changed = bytearray(data)
    words = len(changed) // 4
    if random.random() < 0.3 or not words:
        return mutated(random, data)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = 4 * random.randrange(words)
        target = 4 * random.randrange(words)
        word = random.choice(INTEGERS) & 0xFFFFFFFF
        near = int.from_bytes(changed[at : at + 4], "little") + random.randrange(-8, 9)
        new = random.choice((word, word, near & 0xFFFFFFFF, max(target - at, 0)))
        changed[at : at + 4] = new.to_bytes(4, "little")
    return bytes(changed)


def mutated_json(random: Random, document: Any) -> Any:
    """Change a document of JSON in a few places; return it."""
    for _ in range(random.choice((1, 1, 2, 3))):
        document = _changed_json(random, document)
    return document


def mutated_archive(
    random: Random,
    data: bytes,
    mutate: Callable[[Random, str, bytes], bytes] = lambda random, _, data: mutated(random, data),
) -> bytes:
    """Return a zip archive with another member, another list of members, or changed bytes."""
    if random.random() < 0.3:
        return mutated(random, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    names = sorted(members)
    for _ in range(random.choice((1, 1, 2))):
        name, action = random.choice(names), random.random()
        if action < 0.8:
            members[name] = mutate(random, name, members.get(name, b""))
        elif action < 0.9:
            members.pop(name, None)
        else:
            members[random.choice(("../x", "/x", "a" * 3000, name + "2"))] = members.get(name, b"")
    buffer = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    whole = buffer.getvalue()
    return mutated(random, whole) if random.random() < 0.1 else whole


def dumped(document: Any) -> bytes:
    """Return JSON, including values that only Python allows (NaN, half of a surrogate pair)."""
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _changed_json(random: Random, value: Any) -> Any:
    deeper = isinstance(value, dict | list) and value and random.random() < 0.9
    if not deeper:
        return copy.deepcopy(random.choice(VALUES))
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = random.choice(keys)
    action = random.random()
    if action < 0.05:
        del value[key]
    elif action < 0.1 and isinstance(value, list):
        value.append(value[key])
    elif action < 0.1:
        value[random.choice(("", "x", str(key) + "2"))] = value[key]
    else:
        value[key] = _changed_json(random, value[key])
    return value


def _place(random: Random, data: bytearray) -> int:
    """Choose a position, more often near the start or the end, where important bytes are."""
    near = min(len(data), 1024)
    return random.choice(
        (
            random.randrange(len(data)),
            random.randrange(near),
            len(data) - 1 - random.randrange(near),
        )
    )


def _flip(random: Random, data: bytearray) -> None:
    if data:
        data[_place(random, data)] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray) -> None:
    if data:
        data[_place(random, data)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _set_word(random: Random, data: bytearray) -> None:
    width = random.choice(_WIDTHS)
    if len(data) >= width:
        at = min(_place(random, data), len(data) - width)
        value = random.choice(INTEGERS) % (1 << 8 * width)
        data[at : at + width] = value.to_bytes(width, random.choice(("little", "big")))


def _set_number(random: Random, data: bytearray) -> None:
    numbers = list(_NUMBER.finditer(data, 0, 1 << 16))
    if numbers:
        start, end = random.choice(numbers).span()
        data[start:end] = str(random.choice(INTEGERS)).encode()


def _cut(random: Random, data: bytearray) -> None:
    if data:
        del data[_place(random, data) :]


def _delete(random: Random, data: bytearray) -> None:
    if data:
        at = _place(random, data)
        del data[at : at + random.choice((1, 2, 4, 8, 64))]


def _repeat(random: Random, data: bytearray) -> None:
    if data:
        at = _place(random, data)
        data[at:at] = data[at : at + random.choice((1, 4, 16, 64))] * random.choice((1, 2, 50))


def _insert(random: Random, data: bytearray) -> None:
    at = _place(random, data) if data else 0
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 8)))


def _move(random: Random, data: bytearray) -> None:
    if data:
        source, target = _place(random, data), _place(random, data)
        size = random.choice((1, 4, 8, 32))
        piece = data[source : source + size]
        data[target : target + len(piece)] = piece


_CHANGES = (_flip, _set, _set_word, _set_word, _set_number, _cut, _delete, _repeat, _insert, _move)
