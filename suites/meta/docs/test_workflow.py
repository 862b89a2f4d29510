"""The workflow of docs/my-ci.md is run, step by step, on the miniature subject."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from models.store import PROJECT
from suites.meta.docs.blocks import blocks

yaml = pytest.importorskip("yaml", reason="the shared environment has PyYAML")
PAGE = PROJECT / "docs" / "my-ci.md"


def jobs(text):
    (job,) = yaml.safe_load(text)["jobs"].values()
    return job


def test_ci_runs_the_first_two_commands_of_the_readme():
    first, *_ = blocks(PROJECT / "README.md", "sh")
    commands = [line.partition("  #")[0].strip() for line in first.splitlines()]
    environments = [command.rpartition("tox -e ")[2] for command in commands]
    assert environments == ["host", "meta"]
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(re.search(rf"-m tox -e {name}( -- --complete)?\n", script) for name in environments)
    assert script.index("tox -e host") < script.index("tox -e meta")


def test_documented_workflow_succeeds_step_by_step(checkout, miniature, tmp_path):
    text, *_ = blocks(PAGE, "yaml")
    job, variables = jobs(text), yaml.safe_load(text)["env"]
    assert set(variables) == {"EDGEPROOF_SUBJECT", "EDGEPROOF_CORPUS"}
    # The miniature's files replace the reader's. GitHub's variables request annotations and a
    # summary.
    given = {
        "EDGEPROOF_SUBJECT": str(miniature.subject),
        "EDGEPROOF_CORPUS": str(miniature.corpus),
        "EDGEPROOF_BUDGETS": str(miniature.budgets),
        "EDGEPROOF_CACHE_DIR": str(miniature.store),
        # The clean run covers the gates of the other schemes.
        "EDGEPROOF_SCHEMES": "float32,dynamic_wi8_afp32",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    out = checkout.root / "reports" / "out"
    shutil.rmtree(out, ignore_errors=True)
    outputs = []
    for step in job["steps"]:
        if "run" not in step:
            continue
        done = checkout.run(step["run"], **given)
        assert done.code == 0, done.output
        outputs.append(done.output)
    assert len(outputs) == 3
    assert (out / "html" / "index.html").is_file()
    document = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert document["subject"]["name"] == "mini"
    csv = (out / "scoreboard.csv").read_text(encoding="utf-8")
    assert csv.startswith("subject,device,scheme,backend,megabytes,")
    assert "## edgeproof: " in (tmp_path / "summary.md").read_text(encoding="utf-8")
    junit = (out / "junit.xml").read_text(encoding="utf-8")
    for name in ("device", "subject", "commit"):
        assert f'<property name="{name}"' in junit
