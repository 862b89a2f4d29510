"""Devices are recognized from recorded copies of their /proc and /sys files."""

from __future__ import annotations

import pytest

from models.devices.profile import HOST, device_names
from models.devices.recognition import recognize

BOARDS = [name for name in device_names() if name != HOST]
MODEL = "/proc/device-tree/model"


@pytest.mark.parametrize("name", BOARDS)
def test_board_is_recognized_by_its_device_tree(tree, name):
    recognized = recognize(tree(name), machine="aarch64")
    assert recognized.device == name
    assert recognized.model is not None
    assert recognized.model in recognized.describe()


@pytest.mark.parametrize(
    ("model", "machine", "expected"),
    [
        ("Raspberry Pi 3 Model B Rev 1.2", "armv7l", "rpi3"),
        ("Raspberry Pi 3 Model A Plus Rev 1.0", "aarch64", "rpi3"),
        ("Raspberry Pi Compute Module 3 Plus Rev 1.0", "aarch64", "rpi3"),
        ("Raspberry Pi 2 Model B Rev 1.1", "armv7l", HOST),
        ("Raspberry Pi Zero 2 W Rev 1.0", "aarch64", HOST),
        ("Raspberry Pi 4 Model B Rev 1.5", "armv7l", "rpi4"),
        ("Raspberry Pi 400 Rev 1.0", "aarch64", "rpi4"),
        ("Raspberry Pi Compute Module 5 Rev 1.0", "aarch64", "rpi5"),
        ("Raspberry Pi 5 Model B Rev 1.0", "x86_64", HOST),
        ("NVIDIA Jetson Nano Developer Kit", "aarch64", "jetson"),
        ("NVIDIA Jetson Xavier NX Developer Kit", "aarch64", HOST),
        ("NVIDIA Orin Nano Developer Kit", "aarch64", "jetson_orin"),
        ("NVIDIA Jetson AGX Orin Developer Kit", "aarch64", "jetson_orin"),
        ("A board that no profile names", "aarch64", HOST),
    ],
)
def test_board_models_of_one_family_are_distinguished(tree, model, machine, expected):
    root = tree("host", {MODEL: f"{model}\0"})
    assert recognize(root, machine=machine).device == expected


def test_board_without_a_device_tree_is_recognized_by_its_release_file(tree):
    recognized = recognize(tree("jetson", {MODEL: None}), machine="aarch64")
    assert recognized.device == "jetson"
    assert "/etc/nv_tegra_release says '# R32" in recognized.describe()


def test_generic_release_file_identifies_no_board(tree):
    assert recognize(tree("jetson_orin", {MODEL: None}), machine="aarch64").device == HOST


def test_unknown_machine_is_treated_as_the_host(tree):
    recognized = recognize(tree("host"), machine="x86_64")
    assert recognized.device == HOST
    assert recognized.describe() == "host: x86_64, no device tree was found"


def test_this_machine_is_recognized():
    assert recognize().device in device_names()
