"""Networks converted by litert-torch keep the contract of every scheme.

Tests the three networks whose graphs differ most from BERT's. Needs the dependency group `torch`.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from models.flatbuffers.contract import CONTRACTS, float_breaches, product_breaches, weight_breaches
from models.flatbuffers.reading import read_contents
from models.flatbuffers.runtimes import minimum_runtime, version_key
from models.flatbuffers.schemes import SCHEMES
from models.flatbuffers.signature import LOGITS, NAMES
from models.input_roles import IDS, MASK

TOKENS, VOCABULARY, HEADS = 16, 90, 4
# Each head has as many channels as a text has tokens: axes cannot be told apart by their size.
HIDDEN = HEADS * TOKENS
USUAL = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "intermediate_size": 2 * HIDDEN,
    "num_labels": 3,
}
FAMILIES = {
    "roberta": {"pad_token_id": 1, "type_vocab_size": 1},
    "deberta-v2": {
        "pad_token_id": 0,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": TOKENS // 2,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "modernbert": {"pad_token_id": 0, "local_attention": 8, "global_attn_every_n_layers": 2},
}
# Limits on the mean difference of the logits relative to their standard deviation; random logits
# would give 1.
EIGHT_BITS, FOUR_BITS = 0.3, 0.8
RUN = "litert_torch", "litert_quantizer"
pytestmark = [
    pytest.mark.skipif(
        any(find_spec(package) is None for package in RUN),
        reason="converting and quantizing needs the dependency group 'torch'",
    ),
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),  # libraries warn of each other
]


class Made:
    """The float32 file of a network, with random texts and the logits of the file."""

    def __init__(self, family: str) -> None:
        from models.flatbuffers.observing import Observer  # noqa: PLC0415 - slow to import
        from models.flatbuffers.simplifying import simplify  # noqa: PLC0415 - likewise

        self.raw, padding = converted(family)
        self.plain = simplify(self.raw)
        self.calibration, self.texts = texts(30, padding, seed=1), texts(30, padding, seed=2)
        self.before = Observer(self.raw).answers(self.texts)
        self.exact = Observer(self.plain).answers(self.texts)

    def error(self, flatbuffer: bytes) -> float:
        """Return the mean deviation of a file's logits from float32's, in standard deviations."""
        from models.flatbuffers.observing import Observer  # noqa: PLC0415 - slow to import

        answers = Observer(flatbuffer).answers(self.texts).astype(np.float64)
        (logits,) = contents(flatbuffer).signatures[0].outputs.values()
        if logits.quantization is not None:
            (scale,), (zero,) = logits.quantization.scales, logits.quantization.zero_points
            answers = (answers - zero) * scale
        return float(np.abs(answers - self.exact).mean() / self.exact.std(axis=0).mean())


def converted(family: str) -> tuple[bytes, int]:
    """Return a random network's float32 file, as litert-torch writes it, and its padding id."""
    import litert_torch  # noqa: PLC0415 - only if it is installed
    import torch  # noqa: PLC0415 - likewise
    import transformers  # noqa: PLC0415 - likewise

    class Logits(torch.nn.Module):
        def __init__(self, model) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            output = self.model(input_ids=input_ids, attention_mask=attention_mask)
            return {LOGITS: output.logits}

    torch.manual_seed(3)
    config = transformers.AutoConfig.for_model(family, **USUAL | FAMILIES[family])
    model = transformers.AutoModelForSequenceClassification.from_config(
        config, attn_implementation="eager"
    )
    sample = {NAMES[role]: torch.ones((1, TOKENS), dtype=torch.int32) for role in (IDS, MASK)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted_model = litert_torch.signature(
            "serving_default", Logits(model).eval(), sample_kwargs=sample
        ).convert()
    return converted_model.model_content(), config.pad_token_id


def texts(count: int, padding: int, *, seed: int):
    """Return random texts of random lengths."""
    random = np.random.default_rng(seed)
    samples = []
    for _ in range(count):
        mask = (np.arange(TOKENS) < random.integers(4, TOKENS + 1)).astype(np.int32)[None]
        ids = random.integers(5, VOCABULARY, (1, TOKENS))
        samples.append(
            {NAMES[IDS]: np.where(mask, ids, padding).astype(np.int32), NAMES[MASK]: mask}
        )
    return samples


def contents(flatbuffer: bytes):
    """Return the decoded content of a file."""
    return read_contents(Path("made.tflite"), flatbuffer)


@pytest.fixture(scope="module", params=FAMILIES)
def made(request) -> Made:
    """Return each network in turn, converted once."""
    return Made(request.param)


def test_simplifying_changes_no_logit_and_requires_no_newer_runtime(made):
    assert np.array_equal(made.before, made.exact)
    assert version_key(minimum_runtime(contents(made.plain))) <= version_key("2.14.0")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_quantized_network_is_close_to_float32_and_fulfills_the_contract_of_its_scheme(
    made, scheme
):
    from models.flatbuffers.quantizing import make_variant  # noqa: PLC0415 - slow to import

    variant = make_variant(made.plain, SCHEMES[scheme], made.calibration)
    few_bits = any(rule.weight_bits == 4 for rule in SCHEMES[scheme].rules)
    assert made.error(variant) < (FOUR_BITS if few_bits else EIGHT_BITS)
    contract, report = CONTRACTS[scheme], contents(variant)
    assert not product_breaches(contract, report)
    assert not weight_breaches(contract, report)
    assert not float_breaches(contract, report)
    assert version_key(minimum_runtime(report)) <= version_key(contract.runtime)
