"""Backends are found by name; each says which packages it needs, or why it is unavailable."""

from __future__ import annotations

import re

import pytest

from models.backends.common.backend import Installed
from models.backends.common.refusals import Refusal
from models.backends.common.registry import backend_names, families, find_backend
from models.errors import UsageMistake
from models.runtime import available
from models.runtime.available import read_backend, reference_kernels
from models.store import PROJECT

DOCS = (PROJECT / "docs" / "backends.md").read_text(encoding="utf-8")


def test_backend_names_are_unique():
    names = backend_names()
    assert len(set(names)) == len(names)
    assert [find_backend(name).name for name in names] == names


@pytest.mark.parametrize("kind", families(), ids=lambda kind: kind.family)
def test_the_documentation_names_every_backend_and_mode(kind):
    row = next(line for line in DOCS.splitlines() if line.startswith(f"| `{kind.family}"))
    assert all(f"-{mode}`" in DOCS for mode in kind.modes if mode), kind.modes
    assert len(row.split("|")) == 5
    assert kind.needs
    assert kind.accelerates


def test_rejects_unknown_backend_in_one_message():
    with pytest.raises(UsageMistake, match=r"^--edge-backend: 'litert-npu' is not a backend"):
        read_backend("litert-npu")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("delegate=", "does not name a delegate"),
        ("delegate=lib.so,device", "write delegate=LIBRARY.so,KEY=VALUE"),
        ("delegate=lib.so,runtime=onnx", "is not one of ai_edge_litert, tflite_runtime"),
        ("delegate=lib.so,rest=gpu", "rest='gpu' is not one of builtin, XNNPACK"),
    ],
)
def test_rejects_malformed_delegate_option(name, says):
    with pytest.raises(Refusal, match=re.escape(says)):
        find_backend(name)


def test_delegate_option_is_parsed_into_path_options_and_runtime():
    backend = find_backend("delegate=/opt/libarmnn.so,runtime=tflite_runtime,backends=CpuAcc")
    assert (backend.library, backend.options) == ("/opt/libarmnn.so", {"backends": "CpuAcc"})
    assert (backend.runtime, backend.numpy_below) == ("tflite_runtime", 2)


def installed(**versions: str) -> Installed:
    packages = {name.replace("_", "-"): version for name, version in versions.items()}
    return Installed(packages, python=(3, 11), drivers=())


@pytest.mark.parametrize(
    ("name", "installation", "reason"),
    [
        ("ai_edge_litert", installed(), "ai-edge-litert is not installed"),
        ("litert-gpu", installed(ai_edge_litert="2.3.0", numpy="2.0"), "no Vulkan driver"),
        ("tflite_runtime", installed(tflite_runtime="2.14.0", numpy="2.0"), "numpy below 2"),
        ("litert-cpu", installed(ai_edge_litert="2.3.0"), "needs numpy"),
    ],
)
def test_reason_for_an_unavailable_backend_is_reported(name, installation, reason):
    assert reason in find_backend(name).why_absent(installation)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", None),
        (b"..YNNPACK support was not compiled into this build.", "this build of ai-edge-litert"),
    ],
)
def test_backend_is_unavailable_if_its_build_lacks_ynnpack(content, reason, tmp_path):
    library = tmp_path / "ai_edge_litert" / "libLiteRt.so"
    library.parent.mkdir()
    library.write_bytes(b"ELF" + content)
    packages = {"ai-edge-litert": "2.3.0", "numpy": "2.0"}
    absent_because = find_backend("litert-cpu-ynnpack").why_absent(
        Installed(packages, folders=(str(tmp_path),))
    )
    assert absent_because == (reason and f"{reason} has no YNNPACK")
    assert (
        find_backend("litert-cpu").why_absent(Installed(packages, folders=(str(tmp_path),))) is None
    )


def test_only_tflite_runtime_versions_count_as_tflite_versions():
    assert find_backend("tflite_runtime-builtin").counts_as("2.14.0") == (2, 14, 0)
    assert find_backend("ai_edge_litert").counts_as("2.3.0") == ()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("ai_edge_litert", "ai_edge_litert-reference"),
        ("litert-cpu-builtin", "litert-cpu-reference"),
        ("litert-gpu", "ai_edge_litert-reference"),
        ("tflite_runtime-reference", "tflite_runtime-reference"),
    ],
)
def test_each_backend_is_paired_with_the_reference_kernels_of_its_runtime(name, reference):
    assert reference_kernels(name) == reference


def test_runtime_without_reference_kernels_has_none(monkeypatch):
    class Added:
        family = runtime = "added"

    monkeypatch.setattr(available, "read_backend", lambda _name: Added())
    assert reference_kernels("added") is None
