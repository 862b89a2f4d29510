"""Where a run's variants answer: what is asked for by name is there, or is a usage error."""

from __future__ import annotations

import dataclasses
import re
import shutil

import pytest

from models.backends.common.finding import find_backend
from models.devices import finding_places
from models.devices.finding_places import find_place
from models.devices.places import EMULATED_CLOCK, EmulatedPlace, LocalPlace
from models.devices.profile import FOLDER, HOST
from models.devices.recognition import recognize
from models.errors import UsageMistake

HERE = recognize().device
ELSEWHERE = "rpi3" if HERE != "rpi3" else "rpi4"


def test_default_place_is_this_machine():
    place = find_place()
    assert isinstance(place, LocalPlace)
    assert place.name == HERE
    assert place.untimed is None
    assert place.facts()["emulated"] is False


def test_this_machine_can_be_requested_by_name():
    assert find_place(device=HERE).name == HERE


def test_rejects_absent_device_and_names_the_one_found():
    with pytest.raises(UsageMistake) as refused:
        find_place(device=ELSEWHERE)
    said = str(refused.value)
    assert said.startswith(f"{ELSEWHERE} was asked for, but this machine is {HERE}")
    assert f"--edge-emulate {ELSEWHERE}" in said
    assert "--edge-target ssh://" in said


def test_rejects_users_profile_that_does_not_match_this_machine(tmp_path):
    own = tmp_path / "mine.toml"
    shutil.copy(FOLDER / f"{ELSEWHERE}.toml", own)
    with pytest.raises(UsageMistake, match="mine was asked for"):
        find_place(device=str(own))


def test_profile_without_recognition_gives_this_machine_its_budgets(tmp_path):
    own = tmp_path / "ci.toml"
    shutil.copy(FOLDER / f"{HOST}.toml", own)
    if HERE == HOST:
        assert find_place(device=str(own)).name == "ci"


def test_an_emulated_board_is_never_taken_for_a_real_one():
    place = find_place(emulate="rpi3")
    assert isinstance(place, EmulatedPlace)
    assert (place.name, place.core) == ("rpi3-emulated", "cortex-a53")
    assert place.untimed == EMULATED_CLOCK
    assert place.facts()["emulated"] is True
    assert [name for name in place.backends() if not find_backend(name).mode] == [
        "ai_edge_litert",
        "tflite_runtime",
        "litert-cpu",
    ]
    assert place.why_absent("litert-gpu") == "there is no Vulkan driver"


def test_only_one_runtime_supports_32_bit_systems():
    place = find_place(emulate="rpi3:armv7")
    assert place.name == "rpi3-emulated-armv7"
    assert {find_backend(name).runtime for name in place.backends()} == {"tflite_runtime"}
    assert place.absent()["ai_edge_litert"] == "it has no wheel for armv7"


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"emulate": "rpi9"}, "'rpi9' is no board that can be emulated"),
        ({"emulate": HOST}, "'host' is no board that can be emulated"),
        ({"emulate": "rpi4:armv7"}, "rpi4 cannot be emulated as armv7"),
        ({"emulate": "rpi4", "device": "rpi3"}, "rpi3 was asked for, but rpi4 is to be emulated"),
        ({"emulate": "rpi4", "target": "ssh://rpi4"}, "either emulated or reached"),
        ({"target": "http://rpi4"}, "no address of a board"),
    ],
)
def test_rejects_contradicting_options(wish, says):
    with pytest.raises(UsageMistake, match=says):
        find_place(**wish)


def test_users_profile_overrides_the_shipped_one_of_its_name(tmp_path, monkeypatch):
    own = tmp_path / f"{ELSEWHERE}.toml"
    text = (FOLDER / f"{ELSEWHERE}.toml").read_text(encoding="utf-8")
    own.write_text(re.sub("(?m)^description = .*$", 'description = "my own"', text), "utf-8")
    known = []

    def found(devices):
        known.extend(devices)
        return dataclasses.replace(recognize(), device=ELSEWHERE)

    monkeypatch.setattr(finding_places, "recognize", found)
    place = find_place(device=str(own))
    assert place.device.table.description == "my own"
    assert [device.name for device in known].count(ELSEWHERE) == 1


@pytest.mark.parametrize("name", ["..", "a\nb", ".hidden", "a "])
def test_profile_may_share_its_name_with_a_folder(name, tmp_path):
    own = tmp_path / f"{name}.toml"
    shutil.copy(FOLDER / "host.toml", own)
    with pytest.raises(UsageMistake, match="cannot name a file"):
        find_place(device=str(own))


@pytest.mark.parametrize("name", ["nope", "host", "nope:aarch64", "", ":", "../rpi4", "rpi9.tom"])
def test_error_on_emulation_names_the_emulation_option(name):
    with pytest.raises(UsageMistake) as refused:
        find_place(emulate=name)
    assert refused.value.key == "--edge-emulate"
    assert "--edge-device" not in str(refused.value)
    # Each of the names that the remedy gives helps.
    named = refused.value.remedy.removeprefix("Give one of ").partition(", or ")[0].split(", ")
    assert named
    for one in named:
        assert find_place(emulate=one).name == f"{one}-emulated"


def test_rejects_profile_with_a_core_that_cannot_be_emulated(tmp_path):
    text = (FOLDER / "rpi4.toml").read_text("utf-8").replace('"cortex-a72"', '"../../../tmp,x=y"')
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    with pytest.raises(UsageMistake, match=r"mine\.toml: emulation\.aarch64\.core: .*cortex-a53"):
        find_place(emulate=str(tmp_path / "mine.toml"))
