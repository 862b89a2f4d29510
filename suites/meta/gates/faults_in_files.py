"""Define faults in built artefacts: FlatBuffers, predictions, texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from models.artefact_names import REFUSED, VARIANT_CARD
from models.corpus.artefact import TEXTS, load_corpus
from models.corpus.texts import hash_texts
from models.verdicts.trivial_classifiers import group_majority
from suites.meta.gates import edits
from suites.meta.gates.planting import Fault, file_of, in_arrays, in_flatbuffer, in_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from suites.meta.gates.miniature import Miniature

DROP = "suites/accuracy/test_accuracy_drop.py::"
FLOOR = "suites/accuracy/test_accuracy_floor.py::"
REPUTATION = "suites/accuracy/test_reputation.py::"
AGREEMENT = "suites/agreement/test_agreement.py::"
BEHAVIOR = "suites/conformance/test_behavior.py::"
CONTRACT = "suites/conformance/test_contract.py::"
FILE = "suites/conformance/test_file.py::"
BACKENDS = "suites/backends/test_backends.py::"
SIZE = "suites/size/test_size.py::"
GOAL = "suites/goal/test_goal.py::"
TEXT = "suites/latency/test_throughput.py::"
DYNAMIC, STATIC, INTEGER = "dynamic_wi8_afp32", "static_wi8_ai8_dense", "static_wi8_ai8_integer"


def _shuffled(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.random.default_rng(3).permutation(array)


def _test_texts(mini: Miniature) -> list[str]:
    return hash_texts(load_corpus(mini.stored("corpus")).splits["test"])


def _calibrated_on_test_texts(mini: Miniature) -> None:
    """Calibrate on a set that contains a test text."""
    member = mini.artefact("corpus") / TEXTS
    rows = [json.loads(line) for line in member.read_text(encoding="utf-8").splitlines()]
    source = next(row for row in rows if row["split"] == "test")
    calibration_row = next(row for row in rows if row["split"] == "calibration")
    calibration_row |= {name: source[name] for name in source if name not in {"text_id", "split"}}
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    mini.rewrite(member, text.encode())
    splits = load_corpus(mini.stored("corpus")).splits
    hashes = hash_texts(splits["calibration"])
    in_json(STATIC, "variant.json", "calibration", lambda _: hashes)(mini)


def _majority_of_each_group(mini: Miniature) -> None:
    """Answer every test text with the majority label of its group."""
    splits = load_corpus(mini.stored("corpus")).splits
    train, test = splits["train"], splits["test"]
    labels = np.array([row.label for row in train])
    groups = [row.group_id for row in train]
    answers = group_majority(labels, groups, [row.group_id for row in test])
    in_arrays("full", "logits.npz", "test", lambda logits: np.eye(logits.shape[1])[answers])(mini)


def _refused(scheme: str) -> Callable[[Miniature], None]:
    """Return a change that marks a scheme as refused by its converter."""

    def plant(mini: Miniature) -> None:
        card = mini.flatbuffer(scheme).with_name(VARIANT_CARD)
        content = json.loads(card.read_text(encoding="utf-8"))
        mini.rewrite(card, json.dumps(content | {REFUSED: "no such kernel"}).encode())

    return plant


DATA = {
    "gold labels of other texts": Fault(
        gate=FLOOR + "test_variant_beats_the_majority",
        only="-accuracy",
        plant=in_arrays("corpus", "encoded.npz", "test_labels", _shuffled),
    ),
    "ranges found on test texts": Fault(
        gate=FILE + "test_calibration_texts_are_not_test_texts",
        only=STATIC,
        schemes=("float32", STATIC),
        plant=in_json(STATIC, "variant.json", "calibration", _test_texts),
    ),
    "test texts among those of calibration": Fault(
        gate=FILE + "test_calibration_texts_are_not_test_texts",
        only=STATIC,
        says="assert not",
        schemes=("float32", STATIC),
        plant=_calibrated_on_test_texts,
    ),
    "a tokenizer on the device that cleans in another way": Fault(
        gate=TEXT + "test_text_and_its_ids_get_one_label",
        plant=in_json("corpus", "tokenizer.json", "normalizer", lambda _: None),
    ),
}

TRAINING = {
    "a full model that guesses": Fault(
        gate=FLOOR + "test_full_model_has_learned",
        says="fail: accuracy of full_model",
        plant=in_arrays("full", "logits.npz", "test", _shuffled),
    ),
    "a full model that always says the same": Fault(
        gate=FLOOR + "test_full_model_beats_the_majority",
        plant=in_arrays("full", "logits.npz", "test", lambda logits: logits * 0 + [1.0, 0.0, 0.0]),
    ),
    "a full model that knows the groups and no text": Fault(
        gate=REPUTATION + "test_full_model_beats_the_majority_group_by_group",
        says="official_accuracy of full_model",
        plant=_majority_of_each_group,
    ),
    "a full model that orders texts at random": Fault(
        gate=REPUTATION + "test_full_model_orders_texts_as_gold_does",
        says="fail: f_rs of full_model",
        plant=in_arrays("full", "logits.npz", "test", _shuffled),
    ),
}

CONVERSION = {
    "a scheme that its converter refuses": Fault(
        gate=CONTRACT + "test_converter_accepts_the_network",
        only=DYNAMIC,
        says="no such kernel",
        schemes=("float32", DYNAMIC),
        plant=_refused(DYNAMIC),
    ),
    "a file made of other weights than the full model's": Fault(
        gate=DROP + "test_drop_from_the_full_model_is_within_budget",
        says="fail: accuracy_drop of float32",
        plant=in_flatbuffer("float32", edits.permuted_classes),
    ),
    "a polarity that is never answered": Fault(
        gate=DROP + "test_drop_of_the_rarer_labels_is_within_budget",
        says="of float32",
        plant=in_flatbuffer("float32", edits.one_class),
    ),
    "inputs that the signature swaps": Fault(
        gate=DROP + "test_drop_from_the_full_model_is_within_budget",
        says="input 1 'token_type_ids' int32 [1, 32] is segments by name and ids by name",
        plant=in_flatbuffer("float32", edits.swapped_inputs),
    ),
    "weights that are not numbers": Fault(
        gate=DROP + "test_drop_from_the_full_model_is_within_budget",
        says="NaN",
        plant=in_flatbuffer("float32", edits.nan_weights),
    ),
    "classes that quantization permutes": Fault(
        gate=DROP + "test_drop_from_float32_is_within_budget",
        says=f"fail: accuracy_drop_float32 of {DYNAMIC}",
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.permuted_classes),
    ),
    "a variant that always says the same": Fault(
        gate=FLOOR + "test_variant_beats_the_majority",
        plant=in_flatbuffer("float32", edits.one_class),
    ),
    "a variant that is right about no group": Fault(
        gate=REPUTATION + "test_variant_beats_the_majority_group_by_group",
        says="fail: official_accuracy of float32",
        plant=in_flatbuffer("float32", edits.permuted_classes),
    ),
    "a variant that orders no texts": Fault(
        gate=REPUTATION + "test_variant_orders_texts_as_gold_does",
        says="fail: f_rs of float32",
        plant=in_flatbuffer("float32", edits.one_class),
    ),
    "labels that the full model does not give": Fault(
        gate=AGREEMENT + "test_labels_agree_with_the_full_model",
        says="fail: agreement_full of float32",
        plant=in_flatbuffer("float32", edits.permuted_classes),
    ),
    "an order of texts that conversion loses": Fault(
        gate=REPUTATION + "test_f_rs_drop_is_within_budget",
        says="fail: f_rs_drop of float32",
        plant=in_flatbuffer("float32", edits.one_class),
    ),
    "a layer's scale eight times too large": Fault(
        gate=AGREEMENT + "test_labels_agree_with_float32",
        says=f"fail: agreement of {DYNAMIC}",
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.eightfold_scale),
    ),
    "probabilities that are flat where the labels stay": Fault(
        gate=AGREEMENT + "test_probabilities_stay_close_to_float32",
        says=f"fail: total_variation of {DYNAMIC}",
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.flat_probabilities),
    ),
    "a mask of a thousand million": Fault(
        gate=AGREEMENT + "test_probabilities_stay_close_to_float32",
        says=f"fail: total_variation of {INTEGER}",
        schemes=("float32", INTEGER),
        plant=in_flatbuffer(INTEGER, edits.deep_mask),
    ),
    "attention that reads the padding": Fault(
        gate=BEHAVIOR + "test_padding_changes_no_label",
        plant=in_flatbuffer("float32", edits.turned_mask),
    ),
    "segments without influence": Fault(
        gate=BEHAVIOR + "test_every_input_matters",
        only="segments",
        says="changing the segments input changes no answer",
        plant=in_flatbuffer("float32", edits.segments_without_influence),
    ),
    "a mask without influence": Fault(
        gate=BEHAVIOR + "test_every_input_matters",
        only="mask",
        says="changing the mask input changes no answer",
        plant=in_flatbuffer("float32", edits.mask_without_influence),
    ),
    "token ids without influence": Fault(
        gate=BEHAVIOR + "test_every_input_matters",
        only="-ids",
        says="changing the ids input changes no answer",
        plant=in_flatbuffer("float32", edits.ids_without_influence),
    ),
    "a file of another schema": Fault(
        gate=FILE + "test_file_has_the_identifier_and_schema_of_tflite",
        plant=in_flatbuffer("float32", edits.other_schema),
    ),
    "an output of another name": Fault(
        gate=FILE + "test_signature_names_every_input_and_the_output",
        says="scores",
        plant=in_flatbuffer("float32", edits.renamed_output),
    ),
    "a file without signature": Fault(
        gate=FILE + "test_signature_names_every_input_and_the_output",
        plant=in_flatbuffer("float32", edits.lost_signature),
    ),
    "a custom operator": Fault(
        gate=FILE + "test_file_contains_only_builtin_operators",
        says="OperatorOfOurOwn",
        plant=in_flatbuffer("float32", edits.custom_operator),
    ),
    "a float32 file under an int8 name": Fault(
        gate=FILE + "test_weights_are_stored_as_the_scheme_says",
        says=f"fail: quantized_weight_share of {DYNAMIC}",
        only=DYNAMIC,
        schemes=("float32", DYNAMIC),
        plant=file_of("float32", under=DYNAMIC),
    ),
    "operators that compute on floats under an integer name": Fault(
        gate=FILE + "test_operators_compute_as_the_scheme_says",
        says=f"fail: quantized_operator_share of {INTEGER}",
        only=INTEGER,
        schemes=("float32", INTEGER),
        plant=file_of("float32", under=INTEGER),
    ),
    "float weights in the dense layers of an int8 name": Fault(
        gate=CONTRACT + "test_dense_weights_are_stored_as_the_scheme_says",
        says="float32, scales by none, not int8, scales by channel",
        only=DYNAMIC,
        schemes=("float32", DYNAMIC),
        plant=file_of("float32", under=DYNAMIC),
    ),
    "one scale where each channel must have its own": Fault(
        gate=CONTRACT + "test_dense_weights_are_stored_as_the_scheme_says",
        says="int8, scales by tensor, not int8, scales by channel",
        only=DYNAMIC,
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.one_scale_per_tensor),
    ),
    "a weight's zero point off by one": Fault(
        gate=CONTRACT + "test_weights_have_no_zero_point",
        only=DYNAMIC,
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.zero_point_off_by_one),
    ),
    "products on floats under a static name": Fault(
        gate=CONTRACT + "test_products_compute_as_the_scheme_says",
        says="computes in float",
        only=STATIC,
        schemes=("float32", STATIC),
        plant=file_of("float32", under=STATIC),
    ),
    "products on floats under a dynamic name": Fault(
        gate=CONTRACT + "test_products_compute_as_the_scheme_says",
        says="computes in float",
        only=DYNAMIC,
        schemes=("float32", DYNAMIC),
        plant=file_of("float32", under=DYNAMIC),
    ),
    "float operators beyond those that a static name allows": Fault(
        gate=CONTRACT + "test_only_allowed_operators_compute_on_floats",
        says="BATCH_MATMU",
        only=STATIC,
        schemes=("float32", STATIC),
        plant=file_of("float32", under=STATIC),
    ),
    "multiply-accumulates on floats under a static name": Fault(
        gate=CONTRACT + "test_multiply_accumulates_are_integer",
        says=f"fail: integer_mac_share of {STATIC}",
        only=STATIC,
        schemes=("float32", STATIC),
        plant=file_of(DYNAMIC, under=STATIC),
    ),
    "float operators in a file that is to be integer": Fault(
        gate=CONTRACT + "test_only_allowed_operators_compute_on_floats",
        says="SOFTMAX",
        only=INTEGER,
        schemes=("float32", INTEGER),
        plant=file_of("float32", under=INTEGER),
    ),
    "a file that needs a newer runtime than its name promises": Fault(
        gate=CONTRACT + "test_needs_no_newer_runtime_than_promised",
        only="float32",
        schemes=("float32",),
        plant=file_of(DYNAMIC, under="float32"),
    ),
    "an operator that no known runtime has": Fault(
        gate=FILE + "test_minimum_runtime_is_known",
        says="FULLY_CONNECTED v99",
        plant=in_flatbuffer("float32", edits.with_versions(99)),
    ),
    "an operator that declares too old a version": Fault(
        gate=FILE + "test_runtime_needed_is_declared",
        says="FULLY_CONNECTED",
        only=DYNAMIC,
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.with_versions(1)),
    ),
    "a file that an old runtime takes and answers wrongly": Fault(
        gate=BACKENDS + "test_backend_gives_the_labels_of_the_judged_one",
        says=f"fail: agreement_backends of {DYNAMIC}",
        only=f"{DYNAMIC}-tflite_runtime",
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.with_versions(9)),
        needs="tflite_runtime",
    ),
    "a file with two megabytes of nothing": Fault(
        gate=SIZE + "test_file_is_within_budget",
        says="fail: flatbuffer_bytes of float32",
        plant=in_flatbuffer("float32", edits.padded(2_000_000)),
    ),
    "a file that has grown, and is still small enough": Fault(
        gate=SIZE + "test_file_is_within_budget",
        says="regression: flatbuffer_bytes of float32",
        plant=in_flatbuffer("float32", edits.padded(300_000)),
    ),
    "a file that is larger than any ratio allows": Fault(
        gate=SIZE + "test_ratios_are_within_budget",
        says="fail: size_ratio_",
        plant=in_flatbuffer("float32", edits.padded(26_000_000)),
    ),
    "a quantized file that is as large as its reference": Fault(
        gate=SIZE + "test_ratio_to_the_reference_is_within_budget",
        only=DYNAMIC,
        says=f"fail: size_ratio_reference of {DYNAMIC}",
        schemes=("float32", DYNAMIC),
        plant=file_of("float32", under=DYNAMIC),
    ),
    "two megabytes of nothing in a file that is right and fast": Fault(
        gate=GOAL + "test_bytes_drop_and_speed_keep_the_goal",
        says=f"{DYNAMIC} against its goal on three axes: bytes fail, drop pass, speed pass",
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.padded(2_000_000)),
    ),
    "classes that are permuted in a file that is small and fast": Fault(
        gate=GOAL + "test_bytes_drop_and_speed_keep_the_goal",
        says=f"{DYNAMIC} against its goal on three axes: bytes pass, drop fail, speed pass",
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.permuted_classes),
    ),
    "a file without weights": Fault(
        gate=SIZE + "test_every_weight_of_the_model_is_in_the_file",
        plant=in_flatbuffer("float32", edits.lost_weights),
    ),
}

FAULTS = {**DATA, **TRAINING, **CONVERSION}
