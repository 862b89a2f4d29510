"""A gate that cannot fail, or cannot pass, does not apply, and is counted with a reason."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.answering.perturbing import CHANGES, changed_input, filled_padding, several
from fixtures.judging.trivial_classifiers import TrivialClassifiers
from fixtures.selecting.applying import MARKER, NEEDS, Asked
from fixtures.session.endings import DoesNotApply
from fixtures.timing.circumstances import UNWATCHED, Watches
from models.devices.profile import load_device
from models.errors import TooFew
from models.flatbuffers.contract import CONTRACTS, float_breaches, product_breaches
from models.flatbuffers.inspect import inspect
from models.flatbuffers.schemes import SCHEMES
from models.input_roles import IDS, MASK, ROLES, SEGMENTS
from models.store import PROJECT
from models.targets.qemu import EMULATED_CLOCK
from models.verdicts import estimates
from suites.meta.gates.planting import Fault, in_arrays

BEHAVIOR = "suites/conformance/test_behavior.py::"


def variant_of(**inputs):
    """Return a variant with these inputs."""
    return SimpleNamespace(
        inputs=lambda rows: {name: values[rows] for name, values in inputs.items()}
    )


def texts(rows, *, tokens=8, words=5, segments=0):
    """Return encoded texts of this many words, the last ones in the second segment."""
    mask = np.zeros((rows, tokens), np.int32)
    mask[:, :words] = 1
    ids = np.arange(rows * tokens, dtype=np.int32).reshape(rows, tokens) * mask
    types = np.zeros_like(mask)
    types[:, words - segments : words] = 1
    return {IDS: ids, MASK: mask, SEGMENTS: types}


def change(role, inputs):
    few = np.arange(len(inputs[IDS]))
    return changed_input.__wrapped__(few)(variant_of(**inputs), role)


def test_input_gate_can_change_inputs_of_every_role():
    assert set(CHANGES) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rows", [1, 4])
def test_changing_an_input_alters_every_row_of_the_input_and_no_other_input(role, rows):
    inputs = texts(rows, segments=2)
    changed = change(role, inputs)
    for name, array in inputs.items():
        differs = (changed[name] != array).any(axis=1)
        assert differs.all() if name == role else not differs.any()
    assert changed[role].dtype == np.int32


@pytest.mark.parametrize(
    ("role", "inputs", "message"),
    [
        (SEGMENTS, texts(4), "does not alter the segments input of any text"),
        (MASK, texts(4, words=1), "does not alter the mask input of any text"),
        (IDS, texts(1, tokens=1, words=1), "does not alter the ids input of any text"),
        (MASK, {IDS: texts(4)[IDS]}, "the file has no mask input"),
    ],
)
def test_input_gate_does_not_apply_to_a_constant_input(role, inputs, message):
    with pytest.raises(DoesNotApply, match=message):
        change(role, inputs)


def test_padding_gate_does_not_apply_without_padding():
    fill = filled_padding.__wrapped__(np.arange(4))
    filled = fill(variant_of(**texts(4)), 3)
    assert (filled[IDS] != texts(4)[IDS]).any()
    with pytest.raises(DoesNotApply, match="no padding to change"):
        fill(variant_of(**texts(4, words=8)), 3)
    with pytest.raises(DoesNotApply, match="no mask input"):
        fill(variant_of(**{IDS: texts(4)[IDS]}), 3)


def test_order_gate_does_not_apply_to_one_text():
    assert len(several.__wrapped__(np.arange(2))) == 2
    with pytest.raises(TooFew, match="1 text is too few: this measurement needs at least 2"):
        several.__wrapped__(np.arange(1))


def classifiers_of(gold, share):
    """Return trivial classifiers with one answer to all texts, correct for a share of them."""
    measures = dict.fromkeys(("accuracy", "balanced_accuracy", "macro_f1", "f_rs"), share)

    def best(metric):
        groups_given = (["e"] * len(gold),) if metric == "f_rs" else ()
        return getattr(estimates, metric)(gold, gold, *groups_given)

    return TrivialClassifiers({"always_A": measures}, best)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "macro_f1"])
def test_gate_does_not_apply_if_a_trivial_classifier_is_perfect(metric):
    alike, mixed = np.zeros(50, np.int64), np.arange(50) % 2
    with pytest.raises(DoesNotApply, match=r"always_A reaches 100\.0 % .* \(n = 50\)"):
        classifiers_of(alike, 1.0).highest(metric)
    limit = classifiers_of(mixed, 0.5).highest(metric)
    assert limit.value == 0.5
    assert limit.source.startswith("answers without a model: ")


def test_gate_does_not_apply_if_texts_are_too_few_to_beat_a_trivial_classifier():
    """Three correct answers out of three do not prove an accuracy above two thirds."""
    with pytest.raises(DoesNotApply, match="even perfect answers"):
        classifiers_of(np.arange(3) % 2, 0.67).highest("accuracy")


def test_ranking_gate_does_not_apply_if_all_gold_labels_are_equal():
    with pytest.raises(DoesNotApply, match="reaches the same f_rs as perfect answers"):
        classifiers_of(np.zeros(50, np.int64), 1.0).below("f_rs")
    assert classifiers_of(np.arange(50) % 2, 0.0).below("f_rs") == {"always_A": 0.0}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_gates_that_cannot_fail_for_a_scheme_are_skipped(scheme):
    subject = SimpleNamespace(schemes={scheme: scheme}, taught=True)
    case = Asked(SimpleNamespace(subject=subject), scheme, None)
    lacks = {need: NEEDS[need](case) is not None for need in (
        "calibration", "integer products", "quantized weights"
    )}  # fmt: skip
    assert lacks == {
        "calibration": not scheme.startswith("static"),
        "integer products": not scheme.startswith("static"),
        "quantized weights": scheme in {"float32", "float16"},
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_float32_file_violates_the_contracts_of_quantized_schemes(scheme, miniature):
    """A float32 file must violate each contract, by its products or by its float operators."""
    contract, report = CONTRACTS[scheme], inspect(miniature.flatbuffer("float32"))
    assert bool(product_breaches(contract, report)) == (contract.products[0] != "float")
    assert bool(float_breaches(contract, report)) == contract.integer_products


@pytest.mark.parametrize("name", NEEDS)
def test_every_unmet_requirement_of_a_gate_has_a_reason(name):
    untimed = SimpleNamespace(
        name="host",
        untimed=EMULATED_CLOCK,
        runs_programs=True,
        here=True,
        emulates=False,
        why_absent=lambda name: f"{name} is not installed",
    )
    recording = SimpleNamespace(ids=None, logits=None, seconds=None, held=())
    answered = SimpleNamespace(recording=recording, expected=None, meaning=None)
    subject = SimpleNamespace(
        reference=None,
        taught=False,
        by_pytorch=False,
        grouped=False,
        ordered=False,
        has_files=False,
        schemes={},
        on_device=frozenset(),
        roles={"float32": (IDS,)},
        lengths={},
    )
    settings = SimpleNamespace(
        target=untimed,
        bundle=None,
        required_backends=frozenset(),
        subject=subject,
        asks_few=True,
        budgets=SimpleNamespace(goal=dict.fromkeys(("float32",)).get),
        provider=SimpleNamespace(reference_answers=None, answered=answered),
    )
    reason = NEEDS[name](Asked(settings, "float32", "a_backend"))
    assert reason
    assert "\n" not in reason


def test_every_declared_requirement_is_used_by_a_gate():
    source = "".join(
        file.read_text(encoding="utf-8") for file in (PROJECT / "suites").glob("*/test_*.py")
    )
    needed = {
        name
        for names in re.findall(rf"pytest\.mark\.{MARKER}\((.*?)\)", source)
        for name in re.findall(r'"(.*?)"', names)
    }
    assert needed == set(NEEDS)


def test_time_measured_without_sensors_is_invalid():
    """Renaming a timing fixture must not silently disable the sensor readings."""
    target = SimpleNamespace(
        start_watch=lambda _: None, device=load_device("host"), untimed=None, runners=1
    )
    watches = Watches(target, None)
    assert watches.invalid_because(["stream", "judge"], "float32") == UNWATCHED
    watches._kept["stream", "float32"] = [SimpleNamespace(invalid_because=lambda: None)]
    assert watches.invalid_because(["stream", "judge"], "float32") is None
    assert watches.invalid_because(["stream_of_texts", "judge"], "float32") == UNWATCHED
    assert watches.invalid_because(["stream"], "float16") == UNWATCHED


def test_segments_gate_is_skipped_if_no_text_has_a_second_part(run_with):
    """Without second parts of texts, segments cannot change the output of a correct file."""
    one_segment = in_arrays("corpus", "encoded.npz", f"test_{SEGMENTS}", np.zeros_like)
    outcome = run_with(Fault(gate=BEHAVIOR + "test_every_input_matters", plant=one_segment))
    assert outcome.code == 0, outcome.output
    ended = {name.partition("[")[2]: ended for name, (ended, _) in outcome.tests.items()}
    assert ended == {
        "host-float32-ids]": "passed",
        "host-float32-mask]": "passed",
        "host-float32-segments]": "skipped",
    }
    extent = outcome.document().run.extent
    (group,) = [
        reason_group for reason_group in extent.not_applicable if "segments" in reason_group.reason
    ]
    assert group.count == 1
    assert "does not apply" in outcome.output
