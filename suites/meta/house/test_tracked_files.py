"""The repository works on every machine: no private paths or registries."""

from __future__ import annotations

import re

import pytest

from suites.meta.house.tracked import tracked_texts

# Folders of one particular machine, unlike /tmp, /proc or /usr.
OF_ONE_MACHINE = re.compile(r"""(?<![\w.$}*-])/(?:root|work|mnt|Users|home/\w)[/\w]*""")
# No file may name a package index: users choose their own, and tools use the public one by default.
REGISTRY = re.compile(r"index[-_]url|find[-_]links|trusted[-_]host|registry\s*=", re.IGNORECASE)
RESOLVED = re.compile(r'"resolved": "(?!https://registry\.npmjs\.org/)')


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    """Return the text of every tracked file, by path."""
    texts = tracked_texts()
    del texts["suites/meta/house/test_tracked_files.py"]
    return texts


@pytest.mark.parametrize(
    "pattern", [OF_ONE_MACHINE, REGISTRY, RESOLVED], ids=["path", "index", "npm"]
)
def test_tracked_files_contain_no_private_path_or_registry(pattern, tracked):
    machines = {
        name: pattern.findall(text) for name, text in tracked.items() if pattern.search(text)
    }
    assert machines == {}


def test_tracked_files_are_smaller_than_300_kilobytes(tracked):
    """Data and weights are generated or provided by the user, never committed."""
    large = {name: len(text) for name, text in tracked.items() if len(text) > 300_000}
    assert large == {}
