"""A TOML file given to the wrong option is recognized."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.candidates.declaration import read_candidates
from models.devices.profile import load_device
from models.errors import UsageMistake
from models.files.toml_tables import ROOT
from models.subjects import load_subject
from models.verdicts.budgets import load_budgets

# An example, because the list of known failures in the repository can be empty.
KNOWN_FAILURES = """
[[failures]]
subject = "embedded"
test = "suites/size/test_size.py::test_x"
reason = "an example"
link = "docs/gates.md"
expires = 2099-12-31
"""
# An example of each kind of file, and the option that accepts it.
FILES = {
    "candidates": ("docs/example/mine.toml", "--edge-subject"),
    "subject": ("models/subjects/airline.toml", "--edge-subject"),
    "known failures": ("known_failures.toml", "--edge-known-failures"),
    "device": ("models/devices/profiles/jetson.toml", "--edge-device"),
}
READERS = {
    "candidates": lambda file: read_candidates(Path(file)),
    "subject": load_subject,
    "device": load_device,
    "budgets": lambda file: load_budgets(file, schemes=("float32",), classes=3),
}
WRONG = [(reader, kind) for reader in READERS for kind in FILES if reader != kind]


@pytest.mark.parametrize(("reader", "kind"), WRONG)
def test_error_on_a_file_given_to_the_wrong_option_names_the_right_option(reader, kind, tmp_path):
    (tmp_path / "known_failures.toml").write_text(KNOWN_FAILURES)
    file, option = FILES[kind]
    folder = tmp_path if kind == "known failures" else ROOT
    with pytest.raises(UsageMistake) as caught:
        READERS[reader](str(folder / file))
    message = str(caught.value)
    assert "it is not the kind of file that is needed here" in message
    assert option in message
    assert file in message
