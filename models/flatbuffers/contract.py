"""Check a file against the contract of its scheme (`contracts.toml`)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models.files.toml_tables import Table, read_table
from models.flatbuffers.arithmetic import arithmetic, multiply_accumulates
from models.flatbuffers.runtimes import version_key
from models.flatbuffers.schemes import SCHEMES
from models.flatbuffers.structure import Arithmetic  # noqa: TC001 - msgspec resolves annotations at run time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.flatbuffers.structure import FlatBufferReport, Operator, Tensor

_TABLE = Path(__file__).with_name("contracts.toml")
DENSE = "FULLY_CONNECTED"
# Axis of the channels in a dense layer's weights [outputs, inputs]: each output is a channel.
OUTPUTS = 0
# TensorFlow's converter keeps weights with fewer elements in float, for example the last layer of a
# classifier with three labels.
SMALL = 1024
FLOAT = "float32, scales by none"

Scales = Literal["none", "tensor", "channel", "block"]


class Contract(Table, frozen=True, kw_only=True):
    """The properties that a scheme's name promises; `contracts.toml` explains the keys."""

    scheme: str
    products: tuple[Arithmetic, ...]
    dense_weights: str
    runtime: str
    scales: Scales = "none"
    floats: tuple[str, ...] = ()

    @property
    def integer_products(self) -> bool:
        """Return whether every product computes on integers alone."""
        return self.products == ("integer",)


class _Contracts(Table, frozen=True, kw_only=True):
    contracts: tuple[Contract, ...]
    converters: dict[str, str]

    def __post_init__(self) -> None:
        if {contract.scheme for contract in self.contracts} != set(SCHEMES):
            raise ValueError("there has to be one contract for each scheme of schemes.toml")


_READ = read_table(_TABLE, _Contracts)
CONTRACTS = {contract.scheme: contract for contract in _READ.contracts}


def promised_runtime(contract: Contract, converter: str | None) -> str:
    """Return the newest TFLite runtime that a file may need.

    Args:
        contract: the contract of the file's scheme.
        converter: the converter that wrote the original float32 file; None if unknown.
    """
    own = _READ.converters.get(converter or "", contract.runtime)
    return max(own, contract.runtime, key=version_key)


def product_breaches(contract: Contract, report: FlatBufferReport) -> list[str]:
    """Return a description of each product with an arithmetic that the contract does not allow."""
    products = (product for product in report.operators if multiply_accumulates(product))
    return [
        f"{operator.name} {operator.outputs[0].name} computes in {arithmetic(operator)}"
        for operator in products
        if arithmetic(operator) not in _allowed(contract, operator)
    ]


def _allowed(contract: Contract, operator: Operator) -> tuple[Arithmetic, ...]:
    """Return the kinds of arithmetic that the contract allows for an operator with products.

    Products with stored weights of `SMALL` or more elements may only use the contract's first
    arithmetic.
    """
    weights = _second(operator)
    if weights is None or math.prod(weights.shape) < SMALL or not weights.constant_bytes:
        return contract.products
    return contract.products[:1]


def weight_breaches(contract: Contract, report: FlatBufferReport) -> list[str]:
    """Return a description of each dense layer whose weights break the contract.

    Their dtype or the granularity of their scales is not the one that the contract requires.
    """
    expected = f"{contract.dense_weights}, scales by {contract.scales}"
    described = ((weights, _described(weights)) for weights in _dense_weights(report))
    return [
        f"{weights.name}: {says}, not {expected}"
        for weights, says in described
        if says != expected and not (says == FLOAT and math.prod(weights.shape) < SMALL)
    ]


def zero_point_breaches(report: FlatBufferReport) -> list[str]:
    """Return the names of dense weights with a zero point other than 0."""
    return [
        weights.name
        for weights in _dense_weights(report)
        if weights.quantization and any(weights.quantization.zero_points)
    ]


def float_breaches(contract: Contract, report: FlatBufferReport) -> list[str]:
    """Return the kinds of operators that compute on floats although the contract forbids it."""
    if not contract.integer_products:
        return []
    floats = {
        operator.name
        for operator in report.operators
        if arithmetic(operator) in {"float", "hybrid"}
    }
    return sorted(floats - set(contract.floats))


def _dense_weights(report: FlatBufferReport) -> Iterator[Tensor]:
    """Yield the weights of dense layers as the file stores them, before a DEQUANTIZE."""
    unpacked = {
        (unpacking.subgraph, unpacking.outputs[0].index): unpacking
        for unpacking in report.operators
        if unpacking.name == "DEQUANTIZE"
    }
    for operator in report.operators:
        weights = _second(operator) if operator.name == DENSE else None
        if weights is not None and (operator.subgraph, weights.index) in unpacked:
            weights = unpacked[operator.subgraph, weights.index].inputs[0]
        if weights is not None and weights.constant_bytes:
            yield weights


def _second(operator: Operator) -> Tensor | None:
    return operator.inputs[1] if len(operator.inputs) > 1 else None


def _described(weights: Tensor) -> str:
    quantization = weights.quantization
    scales: str = "none"
    if quantization is not None and quantization.scales:
        scales = "tensor"
    if quantization is not None and quantization.per_channel:
        scales = "channel" if quantization.axis == OUTPUTS else f"axis {quantization.axis}"
    if quantization is not None and quantization.block:
        scales = "block"
    return f"{weights.dtype}, scales by {scales}"
