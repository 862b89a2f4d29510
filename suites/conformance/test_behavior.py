"""Check that the FlatBuffer's answers do not depend on repetition, other texts or padding."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from fixtures.session.examples import PROFILE
from models.input_roles import ROLES

SEEDS = st.integers(0, 2**32 - 1)
REPEAT = hypothesis.settings(
    hypothesis.settings.get_profile(PROFILE),
    deadline=None,
    derandomize=True,
    # No shrinking, because a smaller seed is not a simpler example.
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    # The fixtures' runner keeps no state between examples.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.needs("a runner")
def test_answers_are_repeated_bit_for_bit(variant, answered_twice):
    """The same texts get the same logits again, in the same process."""
    first, again = answered_twice(variant)
    assert np.array_equal(first.rows, again.rows)
    assert first.logits.tobytes() == again.logits.tobytes()


@pytest.mark.needs("a runner")
def test_fresh_process_repeats_the_answers(variant, fresh_logits, few):
    """A new runner process gives the stored logits of the accuracy run, bit for bit."""
    assert np.array_equal(fresh_logits(variant), variant.logits_of(few))


@pytest.mark.needs("a runner")
def test_number_of_threads_changes_nothing(variant, logits_with_threads, other_threads, few):
    """With one thread or with several, the logits are bit for bit the same."""
    answers = logits_with_threads(variant, other_threads)
    usual = variant.logits_of(few)
    assert np.array_equal(answers, usual), f"some logits change if threads = {other_threads}"


@REPEAT
@given(seed=SEEDS)
@pytest.mark.needs("a runner")
def test_order_of_texts_changes_nothing(variant, answered_shuffled, tries, seed):
    """A text's logits do not depend on which texts were answered before it."""
    if tries.over():
        return
    rows, answers = answered_shuffled(variant, seed)
    assert np.array_equal(answers, variant.logits_of(rows))


@pytest.mark.needs("a runner", "several inputs")
def test_order_of_inputs_changes_nothing(variant, logits_of_turned_inputs, few):
    """Inputs are bound by name: passed in another order, they lead to the same logits."""
    assert np.array_equal(logits_of_turned_inputs(variant), variant.logits_of(few))


@pytest.mark.needs("a runner", "a mask")
@REPEAT
@given(seed=SEEDS)
def test_padding_changes_no_label(variant, logits_for, filled_padding, few, tries, seed):  # noqa: PLR0913, PLR0917 - pytest passes each fixture as an argument
    """Other ids in the padding change no label; ids beside the text stay, as trigrams read them."""
    if tries.over():
        return
    answers = logits_for(variant, filled_padding(variant, seed))
    assert np.array_equal(variant.scores(answers).labels, variant.labels_of(few))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.needs("a runner")
def test_every_input_matters(role, variant, matters):
    """Changing any one input changes the logits, so conversion neither lost nor mixed up inputs."""
    assert matters(variant, role), f"changing the {role} input changes no answer"
