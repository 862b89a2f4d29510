"""Check properties of the FlatBuffer that follow from the file alone."""

from __future__ import annotations

import pytest

from models.flatbuffers.lengths import tokens_of
from models.flatbuffers.runtimes import runtime_needs, unknown_operators
from models.flatbuffers.signature import NAMES
from models.input_roles import ROLES
from models.verdicts.estimates import exact


@pytest.mark.needs("a file")
def test_file_has_the_identifier_and_schema_of_tflite(variant):
    """The file is a TFLite FlatBuffer of schema version 3."""
    assert (variant.report.identifier, variant.report.schema_version) == ("TFL3", 3)


@pytest.mark.needs("edgeproof's own conversion")
def test_signature_names_every_input_and_the_output(variant, corpus, settings):
    """For each length S, one signature takes named inputs of shape [1, S] and returns logits."""
    logits = "int8" if variant.grammar.integer_output else "float32"
    names = [NAMES[role] for role in settings.subject.roles.get(variant.scheme, ROLES)]
    signatures = {
        tokens_of(signature_of_file): signature_of_file
        for signature_of_file in variant.report.signatures
    }
    assert len(signatures) == len(variant.report.signatures)
    assert max(signatures) == corpus.test.ids.shape[1]
    for tokens, signature in signatures.items():
        inputs = {name: (tensor.dtype, tensor.shape) for name, tensor in signature.inputs.items()}
        outputs = {name: (tensor.dtype, tensor.shape) for name, tensor in signature.outputs.items()}
        assert inputs == dict.fromkeys(names, ("int32", (1, tokens)))
        assert outputs == {"logits": (logits, (1, len(corpus.labelled.labels)))}


@pytest.mark.needs("a file")
def test_file_contains_only_builtin_operators(variant):
    """The file has no custom and no TensorFlow operator, which need more than the runtime."""
    assert [
        operator.name for operator in variant.report.operators if operator.custom or operator.flex
    ] == []


@pytest.mark.measures("quantized_weight_share")
@pytest.mark.needs("a file")
def test_weights_are_stored_as_the_scheme_says(variant, judge):
    """At least the budgeted share of the weight bytes is quantized."""
    judge("quantized_weight_share", exact(variant.report.quantized_weight_share), of=variant)


@pytest.mark.measures("quantized_operator_share")
@pytest.mark.needs("a file")
def test_operators_compute_as_the_scheme_says(variant, judge):
    """At least the budgeted share of the operators computes on integers."""
    judge("quantized_operator_share", exact(variant.report.quantized_operator_share), of=variant)


@pytest.mark.needs("a file")
def test_minimum_runtime_is_known(variant):
    """For every operator, the first runtime that supports it is known."""
    assert unknown_operators(variant.report) == ()


@pytest.mark.needs("a file")
def test_runtime_needed_is_declared(variant):
    """No operator declares too old a version for its operands, so old runtimes refuse the file."""
    understated = [need for need in runtime_needs(variant.report.operators) if need.understated]
    assert understated == []


@pytest.mark.needs("calibration")
def test_calibration_texts_are_not_test_texts(variant, calibration_hashes, test_hashes):
    """No calibration text of a static scheme is a test text."""
    assert set(variant.calibration) == calibration_hashes
    assert not calibration_hashes & test_hashes
