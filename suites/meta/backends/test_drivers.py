"""Vulkan drivers are found by their manifests; one with a changed library is another driver."""

from __future__ import annotations

import json

from models.runtime.vulkan import driver_manifests, identify_drivers


def driver(folder, library):
    """Write a manifest that names a library; return environment variables that point to it."""
    manifest = folder / "icd.json"
    manifest.write_text(json.dumps({"ICD": {"library_path": library}}), encoding="utf-8")
    return {"VK_DRIVER_FILES": str(manifest)}


def test_environment_variable_overrides_all_driver_manifests(tmp_path):
    environment = driver(tmp_path, "./libgpu.so")
    assert driver_manifests(environment) == (str(tmp_path / "icd.json"),)
    assert driver_manifests({"VK_ICD_FILENAMES": str(tmp_path / "nowhere.json")}) == ()


def test_driver_with_another_library_version_counts_as_another_driver(tmp_path):
    for version in "12":
        (tmp_path / f"libgpu.so.{version}").write_text(version, encoding="utf-8")
    link = tmp_path / "libgpu.so"
    link.symlink_to("libgpu.so.1")
    environment = driver(tmp_path, "./libgpu.so")
    (before,) = identify_drivers(environment)
    assert (before["library"], before["bytes"]) == ("libgpu.so.1", 1)
    link.unlink()
    link.symlink_to("libgpu.so.2")
    assert identify_drivers(environment) != [before]


def test_driver_without_a_library_is_identified_by_its_manifest(tmp_path):
    (driver_found,) = identify_drivers(driver(tmp_path, "libnowhere.so"))
    assert set(driver_found) == {"manifest"}
    (tmp_path / "icd.json").write_text("no JSON", encoding="utf-8")
    assert len(identify_drivers({"VK_DRIVER_FILES": str(tmp_path / "icd.json")})) == 1
