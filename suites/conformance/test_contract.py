"""Check that the FlatBuffer keeps the contract of its scheme."""

from __future__ import annotations

import pytest

from fixtures.session.endings import does_not_apply
from models.flatbuffers import contract
from models.flatbuffers.runtimes import minimum_runtime, version_key
from models.runtime.available import read_backend
from models.verdicts.estimates import exact


@pytest.mark.needs("edgeproof's own conversion")
def test_converter_accepts_the_network(conversion):
    """The converter makes a file of this network under the scheme."""
    assert conversion is None


@pytest.mark.needs("a contract")
def test_dense_weights_are_stored_as_the_scheme_says(variant):
    """Every dense layer's weights have the dtype of the scheme, and scales by channel or block."""
    assert contract.weight_breaches(variant.contract, variant.report) == []


@pytest.mark.needs("quantized weights")
def test_weights_have_no_zero_point(variant):
    """The zero points of dense weights are 0, as the TFLite specification demands."""
    assert contract.zero_point_breaches(variant.report) == []


@pytest.mark.needs("a contract")
def test_products_compute_as_the_scheme_says(variant):
    """Dense layers and attention products compute in the number format of the scheme."""
    assert contract.product_breaches(variant.contract, variant.report) == []


@pytest.mark.needs("integer products")
def test_only_allowed_operators_compute_on_floats(variant):
    """If products are integer, only operators allowed by the scheme compute on floats."""
    assert contract.float_breaches(variant.contract, variant.report) == []


@pytest.mark.measures("integer_mac_share")
@pytest.mark.needs("a file")
def test_multiply_accumulates_are_integer(variant, judge):
    """At least the budgeted share of the multiply-accumulates has integer operands."""
    judge("integer_mac_share", exact(variant.report.integer_mac_share), of=variant)


@pytest.mark.measures("delegated_share")
@pytest.mark.needs("a runner")
def test_xnnpack_takes_the_operators(variant, load, judge):
    """The runtime's XNNPACK, with its fast kernels, runs the budgeted share of the operators."""
    runner = load(variant)
    if not read_backend(runner.info.backend).has_accelerator(runner.info.bits):
        does_not_apply(
            f"{runner.info.backend} has no accelerator on a {runner.info.bits}-bit system"
        )
    delegation = runner.loaded[variant.scheme].delegation
    if delegation is None:
        does_not_apply("this runtime does not report which operators it delegates")
    share = exact(delegation.delegated / delegation.nodes, n=delegation.nodes)
    judge("delegated_share", share, of=variant)


@pytest.mark.needs("a contract")
def test_needs_no_newer_runtime_than_promised(variant):
    """The TFLite runtime that the file needs is not newer than scheme and converter allow."""
    needed = minimum_runtime(variant.report)
    promised = contract.promised_runtime(variant.contract, variant.fed.card.source)
    assert version_key(needed) <= version_key(promised), needed
