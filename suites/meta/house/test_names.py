"""A name that becomes a file name must not be the name of a Windows device, such as con."""

from __future__ import annotations

import pytest

from models.candidates.declaration import is_candidate_name
from models.candidates.given import candidate_named
from models.devices.profile import FOLDER, load_device
from models.errors import UsageMistake
from models.files.paths import is_name, require_name

RESERVED = [
    "con",
    "Con",
    "PRN",
    "aux",
    "nul.txt",
    "com1",
    "COM9",
    "lpt1.old.json",
    "lpt³",
    "aux .x",
]


@pytest.mark.parametrize("name", RESERVED)
def test_rejects_windows_device_names(name, tmp_path):
    assert not is_name(name)
    assert not is_candidate_name(name)
    with pytest.raises(UsageMistake, match=r"cannot name a file\. .*con, prn, aux, nul") as refused:
        require_name(name, key="subject")
    assert refused.value.key == "subject"
    # The name of a user's device is the name of its file without the suffix.
    profile = tmp_path / f"{name}.toml"
    profile.write_bytes((FOLDER / "host.toml").read_bytes())
    with pytest.raises(UsageMistake, match="cannot name a file"):
        load_device(str(profile))


@pytest.mark.parametrize("name", RESERVED)
def test_rejects_candidate_named_like_a_windows_device(name):
    with pytest.raises(UsageMistake, match=r"--edge-flatbuffer: .*cannot name a file"):
        candidate_named(f"{name}=model.tflite")


@pytest.mark.parametrize("file", ["con", "AUX", "nul.txt", "lpt1.old"])
def test_rejects_flatbuffer_file_named_like_a_windows_device(file):
    with pytest.raises(UsageMistake, match=r"--edge-flatbuffer: .*cannot name a file"):
        candidate_named(f"/models/{file}.tflite")


@pytest.mark.parametrize(
    "name", ["console", "null", "com10", "com", "a.con", "con-1", "naux", "lpt"]
)
def test_accepts_names_that_only_resemble_device_names(name):
    assert is_name(name)
    assert is_candidate_name(name)
