"""Check which backends answer a FlatBuffer correctly: some load it, but answer wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.session.endings import does_not_apply, fails
from models.verdicts.estimates import exact

pytestmark = pytest.mark.needs("a runner", "another backend")


def test_backend_loads_the_file(on_backend):
    """A backend loads the file; it may refuse only a file that needs a newer runtime."""
    refused = on_backend.refused
    if refused:
        needed = on_backend.needed
        if not on_backend.must_refuse:
            fails(f"{refused} (although the file needs only {needed})")
        # The report counts reasons by their first line.
        does_not_apply(f"refused, as expected: the file needs {needed}\n{refused}")


def test_backend_answers_every_text(on_backend):
    """A backend that has loaded the file answers every text without a crash, hang or refusal."""
    assert len(on_backend.logits) == on_backend.count


def test_backend_gives_finite_answers(on_backend):
    """No answer contains NaN or infinity."""
    finite = np.isfinite(on_backend.logits)
    if not finite.all():
        broken = np.count_nonzero(~finite)
        fails(f"{broken} of {finite.size} logits are NaN or infinite")


def test_backend_gives_different_answers_to_different_texts(on_backend):
    """Not all texts get the same logits, unless they do on the judged backend."""
    if not np.ptp(on_backend.expected, axis=0).any():
        does_not_apply("the judged backend gives every text the same logits")
    if not np.ptp(on_backend.logits, axis=0).any():
        fails(f"every text gets {on_backend.logits[0]}")


@pytest.mark.measures("agreement_backends")
def test_backend_gives_the_labels_of_the_judged_one(on_backend, judge):
    """A backend gives the labels that the judged backend gives."""
    judge.alike(
        "agreement_backends",
        on_backend.alike,
        on_backend.looks,
        of=on_backend.variant,
        backend=on_backend.backend.name,
    )


@pytest.mark.measures("backend_deviation")
def test_backend_gives_the_logits_of_the_judged_one(on_backend, allowed_deviation, judge):
    """No logit differs from the judged backend's by more than the scheme allows."""
    variant = on_backend.variant
    differences = np.abs(on_backend.finite - on_backend.expected)
    share = differences.max() / allowed_deviation(on_backend)
    measured = exact(float(share), n=len(differences))
    judge("backend_deviation", measured, of=variant, backend=on_backend.backend.name)


def test_backend_repeats_its_answers(on_backend):
    """The same texts get the same logits again, bit for bit, in the same process."""
    first, again = on_backend.repeated
    assert first.tobytes() == again.tobytes()


@pytest.mark.needs("a required backend")
def test_fresh_process_of_the_backend_repeats_its_answers(on_backend, few_on_backend):
    """A new process gives the same logits, bit for bit."""
    answers = few_on_backend(on_backend)
    assert np.array_equal(answers, on_backend.logits[: len(answers)])


@pytest.mark.needs("a required backend")
def test_number_of_threads_changes_no_label_on_the_backend(
    on_backend, few_on_backend, other_threads
):
    """With one thread or with several, the backend gives the same labels."""
    answers = few_on_backend(on_backend, threads=other_threads)
    labels = on_backend.variant.scores(answers).labels
    usual = on_backend.variant.scores(on_backend.logits[: len(answers)]).labels
    assert np.array_equal(labels, usual), f"some labels change if threads = {other_threads}"


@pytest.mark.measures("delegated_share")
def test_accelerator_takes_the_operators(on_backend, judge):
    """XNNPACK in the backend runs at least the budgeted share of the operators."""
    delegated, accelerator = on_backend.loaded.taken, on_backend.backend.accelerator
    if delegated is None or not accelerator:
        does_not_apply("the backend has no accelerator that reports which operators it runs")
    if accelerator != "XNNPACK":
        does_not_apply(
            "the budget applies to XNNPACK only; the matrix shows the share of other accelerators"
        )
    if on_backend.backend.release:
        does_not_apply(
            "the budget applies to LiteRT only; the matrix shows the share of an older TFLite"
        )
    share = exact(delegated.delegated / delegated.nodes, n=delegated.nodes)
    variant = on_backend.variant
    judge(
        "delegated_share", share, of=variant, backend=on_backend.backend.name, left=delegated.left
    )
