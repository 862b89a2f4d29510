"""The composite action at the root is run, step by step, in a user's own folder."""

from __future__ import annotations

import json
import re
import shutil
import tomllib

import pytest

from fixtures.session.options import OPTIONS
from models.store import PROJECT
from suites.meta.docs.blocks import blocks

yaml = pytest.importorskip("yaml", reason="the shared environment has PyYAML")
EXAMPLE = PROJECT / "docs" / "example"
EXPRESSION = re.compile(r"\$\{\{ *(\w+)\.(\w+) *\}\}")
FILES = {
    "flatbuffer": "sentiment.tflite",
    "corpus": "reviews.csv",
    "labels": "negative,positive",
    "tokenizer": "vocab.txt",
}


@pytest.fixture
def action():
    """Return the content of action.yml."""
    return yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))


def run(action, checkout, inputs_given):
    """Run the steps with these inputs in the copied docs/example; return the last step's result."""
    inputs = {
        name: inputs_given.get(name, declared["default"])
        for name, declared in action["inputs"].items()
    }
    values = {"inputs": inputs, "github": {"action_path": str(checkout.root)}}

    def filled(text):
        return EXPRESSION.sub(lambda match: values[match[1]][match[2]], text)

    done = None
    for step in (
        candidate_step for candidate_step in action["runs"]["steps"] if "run" in candidate_step
    ):
        assert not EXPRESSION.search(step["run"]), "a shell would read what the user gives"
        variables = {name: filled(text) for name, text in step.get("env", {}).items()}
        command = f"cd {checkout.root / 'docs' / 'example'} && {step['run']}"
        done = checkout.run(command, **variables)
    return done


@pytest.mark.parametrize(
    ("given", "subject", "judged"),
    [
        (FILES, "sentiment", {"sentiment"}),
        ({"subject": "mine.toml"}, "reviews", {"float32", "rounded"}),
    ],
    ids=["files", "TOML"],
)
def test_action_judges_files_of_the_user(action, checkout, given, subject, judged):
    done = run(action, checkout, given)
    assert done.code == 0, done.output
    results = checkout.root / "docs" / "example" / action["outputs"]["results"]["value"]
    document = json.loads((results / "results.json").read_text(encoding="utf-8"))
    shutil.rmtree(results)
    assert document["subject"]["name"] == subject
    assert judged <= {measurement["scheme"] for measurement in document["measurements"]}


def test_action_fails_with_the_message_about_a_missing_file(action, checkout):
    done = run(action, checkout, FILES | {"flatbuffer": "missing.tflite"})
    assert done.code == 4, done.output
    assert "missing.tflite" in done.output


def test_every_input_of_the_action_is_an_option_of_edgeproof(action):
    variables = {option.variable for option in OPTIONS}
    (step,) = (
        candidate_step for candidate_step in action["runs"]["steps"] if "env" in candidate_step
    )
    assert set(step["env"]) - {"EDGEPROOF_CHECKOUT"} <= variables
    assert {f"EDGEPROOF_{name.upper()}" for name in action["inputs"]} <= variables


def test_documentation_uses_only_existing_inputs_of_the_action(action):
    *_, workflow = blocks(PROJECT / "docs" / "my-ci.md", "yaml")
    (step,) = yaml.safe_load(workflow)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    minor = project["version"].rpartition(".")[0]
    assert step["uses"] == f"OWNER/edgeproof@v{minor}"
    assert set(step["with"]) <= set(action["inputs"])
