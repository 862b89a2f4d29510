"""Fine-tuning resumes bit for bit, and its options have their documented effect."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from models.errors import EdgeproofError
from models.training.history import Epoch, is_complete
from models.training.resume import STATE, Resume
from suites.meta.scripts import printed_by, run_script

SCRIPT = Path(__file__).with_name("training_check.py")


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """Return the result of fine-tuning that was killed in its third epoch and resumed."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    folder = tmp_path_factory.mktemp("killed")
    died = run_script(SCRIPT, "killed", folder)
    assert died.returncode == -signal.SIGKILL, died.stderr[-3000:]
    return json.loads(printed_by(SCRIPT, "resumed", folder))


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """Return the results of training without options, in parts, in bfloat16, and with a teacher."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    return json.loads(printed_by(SCRIPT, "options", tmp_path_factory.mktemp("options")))


@pytest.fixture(scope="module")
def overtaught(tmp_path_factory):
    """Return the result of training on random labels that keeps the best epoch."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    return json.loads(printed_by(SCRIPT, "overtaught", tmp_path_factory.mktemp("overtaught")))


@pytest.fixture(scope="module")
def averaged(tmp_path_factory):
    """Return how far the weights moved with different momenta of their average."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    return json.loads(printed_by(SCRIPT, "averaged", tmp_path_factory.mktemp("averaged")))


def test_killed_fine_tuning_resumes_after_its_last_completed_epoch(resumed):
    assert resumed["before"] == 2
    assert resumed["epochs"] == [3, 4]


def test_resumed_fine_tuning_writes_the_same_bytes_as_an_uninterrupted_one(resumed):
    assert resumed["resumed"] == resumed["whole"]


def test_resume_state_has_the_size_of_a_training_checkpoint(resumed):
    assert 3.0 < resumed["bytes"] / resumed["weights_bytes"] < 3.5


@pytest.mark.parametrize("parts", ["parts_2", "parts_5"])
def test_accumulated_gradients_train_like_a_whole_batch(parts, options):
    assert options["difference"][parts] < 1e-2 * options["scale"]


def test_parts_of_an_accumulated_batch_are_weighted_by_their_size(options):
    assert options["parts"]["smallest"] < 12
    assert options["parts"]["difference"] < 1e-12


def test_bfloat16_training_gives_similar_float32_weights(options):
    assert 0.0 < options["difference"]["bfloat16"] < 0.2 * options["scale"]
    assert options["dtypes"] == ["float32"]


def test_distillation_loss_equals_the_formula(options):
    assert options["loss"]["found"] == pytest.approx(options["loss"]["expected"], rel=1e-5)


def test_distillation_weight_decides_how_far_the_student_follows_the_teacher(options):
    """The teacher always predicts a wrong label, so a student that follows is never right."""
    assert options["accuracy"]["0.01"] > 0.9
    assert options["accuracy"]["1.0"] < 0.1


@pytest.mark.parametrize("kind", ["labels", "teacher"])
def test_validation_loss_equals_the_formula(kind, options):
    found, expected = options["validation"][kind], options["validation"][f"{kind}_by_formula"]
    assert found == pytest.approx([expected, expected] if kind == "labels" else expected, rel=1e-6)


def test_overfitted_model_keeps_the_epoch_with_the_smallest_validation_loss(overtaught):
    losses = overtaught["losses"]
    assert overtaught["loss_of_kept"] == pytest.approx(min(losses), rel=1e-5)
    assert losses[-1] > min(losses)


def test_training_ends_after_the_given_number_of_epochs_without_improvement(overtaught):
    losses = overtaught["losses"]
    assert len(losses) - 1 - losses.index(min(losses)) == overtaught["patience"]


def test_resumed_training_keeps_the_best_epoch_of_the_interrupted_one(overtaught):
    assert overtaught["resumed"] == overtaught["whole"]


def test_average_of_weights_follows_its_momentum(averaged):
    assert averaged["last"] < 1e-6
    assert 0.0 < averaged["first"] < 0.3 * averaged["whole_epoch"]


@pytest.mark.parametrize(
    ("losses", "epochs", "patience", "complete"),
    [
        ([], 3, 1, False),
        ([2.0], 1, 0, True),
        ([2.0, 3.0], 3, 0, False),
        ([2.0, 3.0], 3, 1, True),
        ([2.0, 2.0], 3, 1, True),
        ([2.0, 1.0], 3, 1, False),
        ([1.0, 3.0, 2.0], 9, 2, True),
        ([1.0, 3.0, 0.5], 9, 2, False),
    ],
)
def test_training_is_complete_if_no_epochs_or_no_patience_are_left(
    losses, epochs, patience, complete
):
    history = [Epoch(number, 0.0, 0.0, loss) for number, loss in enumerate(losses, 1)]
    assert is_complete(history, epochs, patience) == complete


def test_error_on_a_damaged_resume_state_names_file_and_remedy(tmp_path):
    (tmp_path / STATE).write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(EdgeproofError, match="Delete this file") as caught:
        Resume(tmp_path).epochs_done()
    assert caught.value.file == str(tmp_path / STATE)


def test_discarding_the_resume_state_removes_its_folder(tmp_path):
    folder = tmp_path / "key.resume"
    folder.mkdir()
    np.savez(folder / STATE, history=np.array("[]"))
    assert Resume(folder).epochs_done() == 0
    Resume(folder).forget()
    assert not folder.exists()
