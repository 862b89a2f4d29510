"""Define faults in edgeproof's source: a replaced line, and the test that must detect it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CodeFault:
    """A fault in a module, with the test that must fail.

    Attributes:
        room: kind of code, for the table: statistics, budgets, ...
        file: path of the module from the checkout's root.
        replacements: new text by old text.
        gate: id of the test; it is run with all parameters, and must fail with at least one.
    """

    room: str
    file: str
    replacements: dict[str, str]
    gate: str


_VERDICTS = "suites/meta/verdicts/"
_RACED_AGAIN = (
    _VERDICTS
    + "test_comparison.py::test_failed_races_are_repeated_and_inconclusive_races_lengthened"
)

FAULTS = {
    "an interval of a proportion that is too narrow": CodeFault(
        room="statistics",
        file="models/verdicts/intervals.py",
        replacements={
            "betaincinv(successes, failures + 1, tail)": "betaincinv(successes, failures + 1, 0.3)"
        },
        gate=_VERDICTS
        + "test_coverage.py::test_interval_of_a_proportion_covers_the_true_proportion",
    ),
    "a paired interval that ignores the correlation of the shares": CodeFault(
        room="statistics",
        file="models/verdicts/intervals.py",
        replacements={"+ 2.0 * correlation * first * second": "- 2.0 * first * second"},
        gate=_VERDICTS + "test_coverage.py::test_interval_of_an_accuracy_drop_covers_the_true_drop",
    ),
    "a McNemar test of one side": CodeFault(
        room="statistics",
        file="models/verdicts/intervals.py",
        replacements={"min(1.0, 2.0 * float(bdtr": "min(1.0, 1.0 * float(bdtr"},
        gate=_VERDICTS
        + "test_intervals.py::test_mcnemar_p_value_is_that_of_the_exact_binomial_test",
    ),
    "a drop whose two models are drawn apart": CodeFault(
        room="statistics",
        file="models/verdicts/resampling.py",
        replacements={
            "statistic(tables.sum(axis=-1)) - statistic(tables.sum(axis=-2))": "statistic("
            "tables.sum(axis=-1)) - statistic(tables[::-1].sum(axis=-2))"
        },
        gate=_VERDICTS
        + "test_resampling.py::test_drop_between_similar_models_has_a_narrow_interval",
    ),
    "a verdict on the value alone": CodeFault(
        room="statistics",
        file="models/verdicts/judge.py",
        replacements={
            "budget.keeps(estimate.low), budget.keeps(estimate.high)": "("
            "budget.keeps(estimate.value),) * 2"
        },
        gate=_VERDICTS + "test_judge.py::test_verdict_depends_on_the_whole_interval",
    ),
    "a noise floor of zero": CodeFault(
        room="statistics",
        file="models/verdicts/comparison.py",
        replacements={"max(high, 1.0 / low) - 1.0": "0.0"},
        gate=_VERDICTS
        + "test_comparison.py::test_noise_floor_is_the_largest_deviation_of_a_model_from_itself",
    ),
    "a suspicion that is not checked again": CodeFault(
        room="statistics",
        file="models/verdicts/comparison.py",
        replacements={"len(races) < RACES": "False"},
        gate=_RACED_AGAIN,
    ),
    "an undecided race without a longer one": CodeFault(
        room="statistics",
        file="models/verdicts/comparison.py",
        replacements={"length *= GROWTH": "length *= 1"},
        gate=_RACED_AGAIN,
    ),
    "a warm-up that is never cut": CodeFault(
        room="statistics",
        file="models/verdicts/single_stream.py",
        replacements={
            "return BATCH * int(np.argmin(errors[: len(medians) // 3]))": "return 0",
        },
        gate=_VERDICTS + "test_single_stream.py::test_warm_up_ends_where_the_latency_is_stationary",
    ),
    "a millisecond that is taken for a second": CodeFault(
        room="budgets",
        file="models/verdicts/quantities.py",
        replacements={
            '"ms": Spelling(Unit.SECONDS, Decimal("0.001"))': '"ms": Spelling('
            "Unit.SECONDS, Decimal(1))"
        },
        gate=_VERDICTS + "test_quantities.py::test_quantity_with_a_unit_is_parsed_to_its_base_unit",
    ),
    "a budget that guessing keeps": CodeFault(
        room="budgets",
        file="models/verdicts/budgets.py",
        replacements={"if metric.has_chance and value < 1.0 / self.classes:": "if False:"},
        gate=_VERDICTS
        + "test_budgets.py::test_rejects_accuracy_limit_below_chance_for_the_number_of_labels",
    ),
    "a budget of an unknown scheme": CodeFault(
        room="budgets",
        file="models/verdicts/budgets.py",
        replacements={"if scheme not in self.schemes:": "if False:"},
        gate=_VERDICTS + "test_budgets.py::test_error_in_a_budget_names_file_and_key",
    ),
    "a regression that is called an improvement": CodeFault(
        room="baselines",
        file="models/verdicts/baselines.py",
        replacements={'worse = up if metric.better == "lower" else down': "worse = down"},
        gate=_VERDICTS
        + "test_baselines.py::test_change_from_the_baseline_is_reported_only_beyond_the_interval",
    ),
    "a baseline of another subject": CodeFault(
        room="baselines",
        file="models/verdicts/baselines.py",
        replacements={"    if identity != (SCHEMA, subject, device, scheme):": "    if False:"},
        gate=_VERDICTS
        + "test_baselines.py::test_rejects_baseline_of_another_subject_device_or_scheme",
    ),
    "latencies of two machines that are compared": CodeFault(
        room="baselines",
        file="models/verdicts/baselines.py",
        replacements={"before.machine != now.machine": "False"},
        gate=_VERDICTS
        + "test_baselines.py::test_baseline_from_another_machine_or_other_texts_is_not_compared",
    ),
    "a report that holds text for a number": CodeFault(
        room="reports",
        file="reports/documents/results.py",
        replacements={"allow_nan=False": "allow_nan=True"},
        gate="suites/meta/reports/test_results.py::test_nan_and_infinity_are_never_written",
    ),
    "a message with an unchecked length": CodeFault(
        room="transport",
        file="models/runner/framing.py",
        replacements={"if length > largest_header:": "if False:"},
        gate="suites/meta/runtime/test_framing.py::test_wrong_length_in_a_header_is_an_error_and_allocates_no_memory",
    ),
    "an artefact without a check of its bytes": CodeFault(
        room="store",
        file="models/artefact.py",
        replacements={"if digest != self.members.get(name):": "if False:"},
        gate="suites/meta/house/test_store.py::test_error_about_a_damaged_artefact_names_file_and_remedy",
    ),
    "a stored file that is parsed before its hash is checked": CodeFault(
        room="store",
        file="models/artefact.py",
        replacements={
            "if hashlib.sha256(data).hexdigest() != self.members.get(name):": "if False:"
        },
        gate="suites/meta/house/test_kept.py::test_file_changed_after_an_artefact_was_opened_is_detected",
    ),
    "an archive without a limit on its expansion": CodeFault(
        room="store",
        file="models/files/archives.py",
        replacements={"info.file_size > most": "False"},
        gate="suites/meta/house/test_archives.py::test_invalid_archive_is_reported_in_one_message",
    ),
    "splits that separate near-duplicates": CodeFault(
        room="data",
        file="models/corpus/groups.py",
        replacements={"root(first_item.setdefault(key, at)), root(at)": "root(at), root(at)"},
        gate="suites/meta/corpus/test_groups.py::"
        "test_items_are_grouped_exactly_if_connected_by_a_chain_of_common_keys",
    ),
}
