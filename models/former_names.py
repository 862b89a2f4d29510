"""Map names of earlier versions to their current names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

METRICS = {
    "tweets_per_second": "texts_per_second",
    "agreement_runtimes": "agreement_backends",
}
# Built-in recipes of litert-quantizer have the former names, but quantize every operator.
SCHEMES = {
    "static_wi8_ai8": "static_wi8_ai8_dense",
    "static_wi8_ai16": "static_wi8_ai16_dense",
}
# Folders and files of limits in versions 1 to 3 of results.json.
LIMITS = {
    "fixtures/budgets/": "models/verdicts/limits/budgets/",
    "fixtures/guards/": "models/verdicts/limits/guards/",
    "fixtures/soundness.toml": "models/verdicts/limits/soundness.toml",
    "fixtures/emulated_budgets.toml": "models/verdicts/limits/emulated_budgets.toml",
    "fixtures/devices/": "models/devices/profiles/",
    "fixtures/emulated/": "models/devices/emulated/",
}
UNITS = {"tweets/s": "texts/s"}
# Keys of a measurement in versions 1 and 2 of results.json and of a baseline.
MEASURED = {"runtime": "backend"}
# Key in version 1 of a baseline, for the hash of the test texts.
TAKEN = {"tweets": "texts"}
# Options without their prefix; environment variables and ini keys derive from them.
OPTIONS = {"tweets": "texts", "runtime": "backend"}
TESTS = {
    "test_ratio_is_within_budget": "test_ratios_are_within_budget",
    "test_drop_of_the_rarer_polarities_is_within_budget": (
        "test_drop_of_the_rarer_labels_is_within_budget"
    ),
    "test_variant_beats_the_majority_entity_by_entity": (
        "test_variant_beats_the_majority_group_by_group"
    ),
    "test_full_model_beats_the_majority_entity_by_entity": (
        "test_full_model_beats_the_majority_group_by_group"
    ),
    "test_variant_orders_tweets_as_gold_does": "test_variant_orders_texts_as_gold_does",
    "test_full_model_orders_tweets_as_gold_does": "test_full_model_orders_texts_as_gold_does",
    "test_order_of_tweets_changes_nothing": "test_order_of_texts_changes_nothing",
    "test_calibration_tweets_are_not_test_tweets": "test_calibration_texts_are_not_test_texts",
    "test_other_tweets_take_as_long_as_repeated_ones": (
        "test_other_texts_take_as_long_as_repeated_ones"
    ),
    "test_tweets_per_second_are_within_budget": "test_texts_per_second_are_within_budget",
    "test_text_and_encoded_tweet_get_one_label": "test_text_and_its_ids_get_one_label",
    "test_converter_makes_the_scheme": "test_converter_accepts_the_network",
    "test_a_fresh_process_repeats_them": "test_fresh_process_repeats_the_answers",
    "test_fresh_process_of_the_backend_repeats_them": (
        "test_fresh_process_of_the_backend_repeats_its_answers"
    ),
    "test_identifier_and_schema": "test_file_has_the_identifier_and_schema_of_tflite",
    "test_only_builtin_operators": "test_file_contains_only_builtin_operators",
    "test_operators_stand_on_proven_kernels": "test_operators_have_proven_kernels",
    "test_drop_of_the_order_is_within_budget": "test_f_rs_drop_is_within_budget",
}


def remedy_for(name: str, names: Mapping[str, str], otherwise: str) -> str:
    """Return the remedy for an unknown name: write the new name, if the name is a former one.

    Args:
        name: the name that the user wrote.
        names: current names by former names, one of the tables above.
        otherwise: the remedy if the name is not a former name.
    """
    return f"Its name is now {names[name]}: write the new name" if name in names else otherwise
