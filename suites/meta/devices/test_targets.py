"""A requested target is found, or the run ends in a usage error."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

import models.targets
from models.backends.common.registry import find_backend
from models.devices.profile import FOLDER, HOST
from models.devices.recognition import recognize
from models.errors import UsageMistake
from models.targets import local
from models.targets.common.registry import find_target, forms, kinds
from models.targets.qemu import EMULATED_CLOCK, EmulatedTarget

HERE = recognize().device
ELSEWHERE = "rpi3" if HERE != "rpi3" else "rpi4"


def test_default_target_is_this_machine():
    target = find_target()
    assert target.here
    assert target.name == HERE
    assert target.untimed is None
    assert target.facts()["emulated"] is False


def test_this_machine_can_be_requested_by_name():
    assert find_target(device=HERE).name == HERE


def test_error_on_an_absent_device_names_the_device_found():
    with pytest.raises(UsageMistake) as refused:
        find_target(device=ELSEWHERE)
    message = str(refused.value)
    assert message.startswith(f"{ELSEWHERE} was requested, but this machine is {HERE}")
    assert f"--edge-emulate {ELSEWHERE}" in message
    assert "--edge-target ssh://" in message


def test_rejects_users_profile_that_does_not_match_this_machine(tmp_path):
    own = tmp_path / "mine.toml"
    shutil.copy(FOLDER / f"{ELSEWHERE}.toml", own)
    with pytest.raises(UsageMistake, match="mine was requested"):
        find_target(device=str(own))


def test_users_profile_without_recognition_rules_applies_to_this_machine(tmp_path):
    own = tmp_path / "ci.toml"
    shutil.copy(FOLDER / f"{HOST}.toml", own)
    if HERE == HOST:
        assert find_target(device=str(own)).name == "ci"


def test_emulated_board_is_reported_as_emulated_and_untimed():
    target = find_target(emulate="rpi3")
    assert isinstance(target, EmulatedTarget)
    assert (target.name, target.core) == ("rpi3-emulated", "cortex-a53")
    assert target.untimed == EMULATED_CLOCK
    assert target.facts()["emulated"] is True
    assert [name for name in target.backends() if not find_backend(name).mode] == [
        "ai_edge_litert",
        "tflite_runtime",
        "litert-cpu",
    ]
    assert target.why_absent("litert-gpu") == "no Vulkan driver is installed"


def test_only_one_runtime_supports_32_bit_systems():
    target = find_target(emulate="rpi3:armv7")
    assert target.name == "rpi3-emulated-armv7"
    assert {find_backend(name).runtime for name in target.backends()} == {"tflite_runtime"}
    assert target.absent()["ai_edge_litert"] == "the backend has no wheel for armv7"


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"emulate": "rpi9"}, "'rpi9' is not one of the boards that can be emulated"),
        ({"emulate": HOST}, "'host' is not one of the boards that can be emulated"),
        ({"emulate": "rpi4:armv7"}, "rpi4 cannot be emulated as armv7"),
        (
            {"emulate": "rpi4", "device": "rpi3"},
            "--edge-device requests rpi3, but rpi4 is to be emulated",
        ),
        ({"emulate": "rpi4", "target": "ssh://rpi4"}, "cannot be both emulated and remote"),
        ({"target": "http://rpi4"}, "not a target's URL"),
    ],
)
def test_rejects_contradicting_target_options(wish, says):
    with pytest.raises(UsageMistake, match=says):
        find_target(**wish)


def test_users_profile_overrides_the_shipped_profile_with_its_name(tmp_path, monkeypatch):
    own = tmp_path / f"{ELSEWHERE}.toml"
    text = (FOLDER / f"{ELSEWHERE}.toml").read_text(encoding="utf-8")
    own.write_text(re.sub("(?m)^description = .*$", 'description = "my own"', text), "utf-8")
    profiles = []

    def found(devices):
        profiles.extend(devices)
        return dataclasses.replace(recognize(), device=ELSEWHERE)

    monkeypatch.setattr(local, "recognize", found)
    target = find_target(device=str(own))
    assert target.device.table.description == "my own"
    assert [device.name for device in profiles].count(ELSEWHERE) == 1


@pytest.mark.parametrize("name", ["..", "a\nb", ".hidden", "a "])
def test_rejects_profile_whose_name_cannot_name_a_file(name, tmp_path):
    own = tmp_path / f"{name}.toml"
    shutil.copy(FOLDER / "host.toml", own)
    with pytest.raises(UsageMistake, match="cannot name a file"):
        find_target(device=str(own))


@pytest.mark.parametrize("name", ["nope", "host", "nope:aarch64", "", ":", "../rpi4", "rpi9.tom"])
def test_error_on_emulation_names_the_emulation_option(name):
    with pytest.raises(UsageMistake) as refused:
        find_target(emulate=name)
    assert refused.value.key == "--edge-emulate"
    assert "--edge-device" not in str(refused.value)
    # Every name in the remedy must work.
    names = refused.value.remedy.removeprefix("Give one of ").partition(", or ")[0].split(", ")
    assert names
    for name_of_board in names:
        assert find_target(emulate=name_of_board).name == f"{name_of_board}-emulated"


def test_rejects_profile_with_a_core_that_cannot_be_emulated(tmp_path):
    text = (FOLDER / "rpi4.toml").read_text("utf-8").replace('"cortex-a72"', '"../../../tmp,x=y"')
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    with pytest.raises(UsageMistake, match=r"mine\.toml: emulation\.aarch64\.core: .*cortex-a53"):
        find_target(emulate=str(tmp_path / "mine.toml"))


def test_emulate_option_and_qemu_url_select_the_same_board():
    assert find_target(emulate="rpi3:armv7") == find_target(target="qemu://rpi3?arch=armv7")
    assert find_target(emulate="rpi3") == find_target(target="QEMU:rpi3")


def test_each_kind_of_target_is_registered_under_its_url_scheme():
    modules = {file.stem for file in Path(models.targets.__file__).parent.glob("[!_]*.py")}
    assert {kind.__module__.rpartition(".")[2] for kind in kinds().values()} == modules
    assert {"local", "ssh", "qemu", "recorded"} <= kinds().keys()
    for scheme, kind in kinds().items():
        assert kind.form.startswith(f"{scheme}:")
        assert kind.form in forms()


@pytest.mark.parametrize(
    ("url", "capabilities"),
    [
        ("local:", {"runs_programs": True, "here": True, "emulates": False, "few_texts": False}),
        ("qemu://rpi4", {"here": False, "emulates": True, "few_texts": True}),
        ("recorded:answers.csv", {"runs_programs": False, "here": False, "few_texts": False}),
    ],
)
def test_each_target_url_gives_the_documented_capabilities(url, capabilities):
    target = find_target(target=url)
    assert {name: getattr(target, name) for name in capabilities} == capabilities


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("local:there", "'local:there' contains more than the name of this machine"),
        ("gpu:0", "'gpu:0' contains more than the name of this machine"),
        ("qemu://rpi4?core=a72", "contains parameters other than an architecture"),
        ("qemu://rpi4?arch=", "contains parameters other than an architecture"),
        ("rpi4", f"'rpi4' is not a target's URL. Write one of {forms()}"),
    ],
)
def test_rejects_invalid_target_url(url, says):
    with pytest.raises(UsageMistake) as refused:
        find_target(target=url)
    assert refused.value.key == "--edge-target"
    assert says in str(refused.value)
