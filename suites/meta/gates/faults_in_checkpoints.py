"""Define faults of a float32 file converted from PyTorch: its answers differ from PyTorch's."""

from __future__ import annotations

from suites.meta.gates.planting import Fault

PARITY = "suites/conformance/test_parity.py::"

FAULTS = {
    "a converted checkpoint that turns labels around": Fault(
        gate=PARITY + "test_float32_file_gives_the_labels_of_pytorch",
        says="fail: pytorch_labels of float32",
        runner="turned around",
    ),
    "a converted checkpoint whose logits are a little off": Fault(
        gate=PARITY + "test_float32_file_gives_the_logits_of_pytorch",
        says="fail: pytorch_logits of float32",
        runner="a little off",
    ),
    "a converted checkpoint that is surer than PyTorch": Fault(
        gate=PARITY + "test_float32_file_gives_the_probabilities_of_pytorch",
        says="fail: pytorch_divergence of float32",
        runner="too sure",
    ),
}
