"""Every finding appears in its faulty file, and not in a similar correct one."""

from __future__ import annotations

import re

import pytest

from models.flatbuffers.describing import inspect_file
from models.flatbuffers.findings import findings_of
from models.store import PROJECT
from suites.meta.flatbuffers.finding_files import FILES
from suites.meta.small_classifiers import classifier

FOLDER = PROJECT / "models" / "flatbuffers" / "findings"
_ID = re.compile(r'Finding\(\s*"([a-z0-9-]+)"')


def found(tmp_path, data, claimed=None, name="given.tflite"):
    path = tmp_path / name
    path.write_bytes(data)
    return {finding.id: finding for finding in findings_of(inspect_file(path, claimed))}


@pytest.mark.parametrize("kind", FILES)
def test_finding_appears_only_in_its_faulty_sample_file(tmp_path, kind):
    faulty, clean, claimed = FILES[kind]
    finding = found(tmp_path, faulty(), claimed)[kind]
    assert finding.what.endswith(".")
    assert finding.what[0].isupper() or not finding.what[0].isalpha()
    assert finding.remedy
    assert kind not in found(tmp_path, clean(), claimed)


def test_every_finding_has_a_faulty_and_a_correct_sample_file():
    documented = {
        kind
        for file in FOLDER.glob("*.py")
        for kind in _ID.findall(file.read_text(encoding="utf-8"))
    }
    assert documented == set(FILES)


def test_documentation_names_every_finding_of_inspect():
    page = (PROJECT / "docs" / "inspect.md").read_text(encoding="utf-8")
    _, _, table = page.partition("## Findings")
    assert set(re.findall(r"`([a-z][a-z0-9-]+)`", table)) == set(FILES)


def test_correct_classifier_has_no_finding(tmp_path):
    assert found(tmp_path, classifier()) == {}


def test_findings_are_sorted_with_errors_first(tmp_path):
    path = tmp_path / "several.tflite"
    path.write_bytes(FILES["string-input"][0]())
    severities = [finding.severity for finding in findings_of(inspect_file(path))]
    assert severities == sorted(severities, key=("error", "warning", "note").index)


NAMED = {
    "flex-operator": "FlexErf",
    "flex-placeholder": "FlexPlaceholder",
    "custom-operator": "NGramHash",
    "needs-newer-runtime": "FULLY_CONNECTED v12",
    "half-overflow": "mask_constant",
    "nan-weights": "mask_constant",
    "overflows-half": "mask_constant",
    "weight-zero-point": "w",
    "large-float-weights": "words",
    "unused-input": "mask",
    "metadata-file-missing": "labels.txt",
}


@pytest.mark.parametrize(("kind", "name"), NAMED.items())
def test_finding_names_its_tensors_or_operators(tmp_path, kind, name):
    faulty, _, claimed = FILES[kind]
    finding = found(tmp_path, faulty(), claimed)[kind]
    assert name in finding.where
    assert name.split()[0] in finding.what


def test_finding_about_a_constant_names_the_reading_operator(tmp_path):
    finding = found(tmp_path, FILES["half-overflow"][0]())["half-overflow"]
    assert "which MUL 2 reads" in finding.what


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("model_fp16.tflite", "float16-that-is-not"),
        ("bert-float16-v2.tflite", "float16-that-is-not"),
        ("model_int8.tflite", "integers-that-stayed-float"),
        ("mobilebert.quant.tflite", "integers-that-stayed-float"),
        ("quantized.tflite", "integers-that-stayed-float"),
        ("model.tflite", None),
        ("printed8.tflite", None),
        ("model_fp16_int8.tflite", None),
    ],
)
def test_file_name_that_claims_another_scheme_causes_a_warning(tmp_path, name, kind):
    findings = found(tmp_path, classifier(), name=name)
    assert set(findings) == ({kind} if kind else set())
    assert all(finding.severity == "warning" for finding in findings.values())


def test_file_that_violates_the_requested_scheme_is_an_error(tmp_path):
    findings = found(tmp_path, classifier(), "float16", "model_int8.tflite")
    assert {finding.id: finding.severity for finding in findings.values()} == {
        "float16-that-is-not": "error"
    }


def test_file_that_follows_the_scheme_in_its_name_has_no_finding(tmp_path):
    faulty, clean, _ = FILES["integers-that-stayed-float"]
    assert "integers-that-stayed-float" in found(tmp_path, faulty(), name="a_int8.tflite")
    assert "integers-that-stayed-float" not in found(tmp_path, clean(), name="a_int8.tflite")
