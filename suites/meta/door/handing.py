"""Read given files through a run's options, without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.session.handing import provider_of
from fixtures.session.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.session.providers import Provider


def provider_by(options: Mapping[str, str | tuple[str, ...]]) -> Provider:
    """Resolve options as a run does, and read the files that they name."""
    values = {option.name: option.default for option in OPTIONS}
    for option in OPTIONS:
        if option.name in options:
            value = options[option.name]
            texts = (value,) if isinstance(value, str) else value
            read = tuple(option.value_of(text, None, option.switch) for text in texts)
            values[option.name] = read if option.several else read[0]
    return provider_of(values)
