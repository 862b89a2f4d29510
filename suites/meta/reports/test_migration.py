"""A results.json of an earlier version, as written at that time, is read as a current document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from models import former_names
from models.errors import EdgeproofError
from models.files.extensible_tables import as_plain
from models.store import PROJECT
from reports.documents.migration import migrated
from reports.documents.results import (
    SCHEMA_FILE,
    SCHEMA_VERSION,
    read_results,
)
from reports.texts.scoreboard import as_csv, as_text

FORMER = Path(__file__).with_name("former")
VERSIONS = range(1, SCHEMA_VERSION)
LATEST = VERSIONS[-1]


def former(version):
    """Return the path of the document that a commit with this schema version wrote."""
    return FORMER / f"results-{version}.json"


def test_every_old_schema_version_has_a_sample_document():
    assert sorted(FORMER.iterdir()) == [former(version) for version in VERSIONS]
    for version in VERSIONS:
        assert json.loads(former(version).read_text("utf-8"))["schema"] == version


@pytest.mark.parametrize("version", VERSIONS)
def test_migrated_documents_follow_the_current_schema(version):
    document = read_results(former(version))
    jsonschema.validate(as_plain(document), json.loads(SCHEMA_FILE.read_text("utf-8")))


@pytest.mark.parametrize("version", VERSIONS)
def test_migrated_documents_have_unchanged_values_under_current_names(version):
    document = read_results(former(version))
    rates = [
        measurement
        for measurement in document.measurements
        if measurement.metric == "texts_per_second"
    ]
    assert [(rate.value, rate.unit, rate.budget.unit) for rate in rates] == [(400.0, "1/s", "1/s")]
    on_other_backends = [
        measurement
        for measurement in document.measurements
        if measurement.metric == "agreement_backends"
    ]
    assert [(measurement.value, measurement.backend) for measurement in on_other_backends] == [
        (0.999, "tflite_runtime")
    ]
    circumstances = document.circumstances
    assert circumstances.backend == "ai_edge_litert"
    assert circumstances.backends == {"ai_edge_litert": "2.3.0"}
    assert circumstances.absent_backends == {"tensorflow": "not installed"}
    (localized,) = document.run.localizations
    assert localized.held["texts"] == 8
    assert [(flip.row, flip.group) for flip in localized.flips] == [(3, "E1"), (7, "")]
    assert {measurement.guard for measurement in document.measurements} == {None}


@pytest.mark.parametrize("version", VERSIONS)
def test_migrated_tests_without_a_budget_have_the_outcome_measured(version):
    document = read_results(former(version))
    unjudged = {
        measurement.test for measurement in document.measurements if measurement.verdict is None
    }
    judged = {
        measurement.test for measurement in document.measurements if measurement.verdict is not None
    }
    ended = {test.id: test.outcome for test in document.tests}
    assert {ended[test] for test in unjudged - judged} == {"measured"}
    assert "skipped" not in ended.values()


def test_sample_documents_of_all_versions_give_the_same_scoreboard():
    texts = {as_text(read_results(former(version))) for version in VERSIONS}
    tables = {as_csv(read_results(former(version))) for version in VERSIONS}
    assert (len(texts), len(tables)) == (1, 1)


def test_each_run_of_a_merged_document_is_migrated():
    plain = json.loads(former(1).read_text("utf-8"))
    part = {name: plain[name] for name in ("run", "subject", "device", "circumstances")}
    merged_document = plain | {"run": plain["run"] | {"merged": [part]}}
    (merged,) = migrated(merged_document, SCHEMA_VERSION)["run"]["merged"]
    assert merged["circumstances"]["backend"] == "ai_edge_litert"
    assert [flip["row"] for flip in merged["run"]["localizations"][0]["flips"]] == [3, 7]


@pytest.mark.parametrize("version", VERSIONS)
def test_old_scheme_names_are_migrated(version):
    (old, new), *_ = former_names.SCHEMES.items()
    text = former(version).read_text("utf-8").replace("float16", old)
    plain = json.loads(text)
    plain["run"]["extent"]["other_schemes"] = [old]
    plain["run"]["backends"] = [{"candidate": old}]
    part = {name: plain[name] for name in ("run", "subject", "device", "circumstances")}
    document = migrated(plain | {"run": plain["run"] | {"merged": [part]}}, SCHEMA_VERSION)
    for run in (document, *document["run"]["merged"]):
        assert run["subject"]["schemes"] == ["float32", new]
        assert run["run"]["extent"]["other_schemes"] == [new]
        assert [cell["candidate"] for cell in run["run"]["backends"]] == [new]
        assert [localization["scheme"] for localization in run["run"]["localizations"]] == [new]
    measured = {measurement["scheme"] for measurement in document["measurements"]}
    assert measured == {"full_model", "float32", new}


@pytest.mark.parametrize("version", VERSIONS)
def test_reason_and_signal_of_a_backend_are_migrated_to_separate_fields(version):
    plain = json.loads(former(version).read_text("utf-8"))
    reasons = ["was killed by SIGSEGV", "fail: 33 %, was killed by", "", None]
    plain["run"]["backends"] = [
        {"candidate": "float32"} | ({} if reason is None else {"why": reason}) for reason in reasons
    ]
    cells = migrated(plain, SCHEMA_VERSION)["run"]["backends"]
    assert [(cell["why"], cell["signal"]) for cell in cells] == [
        ("was killed by SIGSEGV", "SIGSEGV"),
        ("33 %, was killed by", ""),
        ("", ""),
        ("", ""),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_old_paths_of_limit_files_are_migrated(version):
    plain = json.loads(former(version).read_text("utf-8"))
    plain["circumstances"]["budgets"] = "fixtures/budgets/embedded.toml"
    document = migrated(plain, SCHEMA_VERSION)
    files = {
        measurement["budget"]["source"].partition(": ")[0]
        for measurement in document["measurements"]
        if measurement["budget"] is not None
    }
    assert files - {"the corpus"} == {"models/verdicts/limits/budgets/embedded.toml"}
    assert document["circumstances"]["budgets"] == "models/verdicts/limits/budgets/embedded.toml"
    for path in former_names.LIMITS.values():
        assert (PROJECT / path).exists(), path


def test_migration_does_not_change_its_argument():
    before = json.loads(former(1).read_text("utf-8"))
    migrated(before, SCHEMA_VERSION)
    assert before == json.loads(former(1).read_text("utf-8"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", ["measurements", "tests", "circumstances", "run"])
@pytest.mark.parametrize("broken", [None, 3, "x", [3]])
def test_broken_document_of_an_old_version_is_reported_in_one_message(
    version, key, broken, tmp_path
):
    document = json.loads(former(version).read_text("utf-8")) | {key: broken}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(EdgeproofError) as caught:
        read_results(path)
    assert str(caught.value).startswith(str(path))


def test_migrate_command_writes_a_document_of_the_current_version(tmp_path):
    new = tmp_path / "new.json"
    command = [sys.executable, "-m", "reports.migrate", str(former(1)), "--out", str(new)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(new.read_text("utf-8"))["schema"] == SCHEMA_VERSION
    assert read_results(new) == read_results(former(1))
