"""Fine-tune with the Trainer of `transformers`, seeded and resumable. Imports PyTorch."""

from __future__ import annotations

import math
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch.utils.data import Dataset

from models.errors import EdgeproofError
from models.huggingface.network import first_line
from models.training.history import Epoch, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from models.corpus.tokenize import Encoded
    from models.huggingface.network import Network
    from models.subjects import TrainingTable

_LABELS = "labels"
# File that the Trainer writes last in a checkpoint, after weights and optimizer.
_LAST_WRITTEN = "trainer_state.json"
_AFRESH = "Delete this file: the fine-tuning then starts from its first epoch"


def fine_tune(
    network: Network,
    table: TrainingTable,
    splits: Mapping[str, Encoded],
    report: Callable[[Step], None],
    folder: Path,
) -> tuple[Epoch, ...]:
    """Fine-tune a network on `splits["train"]`, on a GPU if PyTorch finds one.

    Args:
        network: the network, which is changed, and is on the CPU in evaluation mode afterwards.
        table: the hyper-parameters.
        splits: the splits by name, at least `train` and `validation`.
        report: called after every batch.
        folder: folder of the saved state after each epoch, from which an interrupted run resumes.

    Returns:
        Loss and validation accuracy of each epoch, including those of an interrupted run.

    Raises:
        EdgeproofError: the loss is not finite, or the saved state of an earlier run is damaged.
    """
    reporter = _Reporter(report, table, len(splits["train"].labels))
    trainer = _Trainer(
        reporter,
        model=network.model,
        args=_arguments(table, len(splits["train"].labels), folder),
        train_dataset=_Rows(network, splits["train"]),
        eval_dataset=_Rows(network, splits["validation"]),
        compute_metrics=_accuracy,
        callbacks=[reporter],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    finished = finished_epochs(folder)
    try:
        trainer.train(resume_from_checkpoint=str(finished[-1]) if finished else None)
    except (OSError, ValueError, KeyError, RuntimeError, EOFError, UnpicklingError) as error:
        if not finished:
            raise
        raise EdgeproofError(
            f"the saved state of an interrupted fine-tuning cannot be read ({first_line(error)})",
            file=finished[-1],
            remedy=_AFRESH,
        ) from None
    network.model.to("cpu").eval()
    return _history(trainer.state.log_history)


def finished_epochs(folder: Path) -> list[Path]:
    """Return the stored state of each finished epoch of an earlier run, oldest first."""
    folders = [path.parent for path in folder.glob(f"checkpoint-*/{_LAST_WRITTEN}")]
    return sorted(folders, key=lambda path: int(path.name.rpartition("-")[2]))


def _arguments(table: TrainingTable, texts: int, folder: Path) -> Any:
    updates = math.ceil(texts / table.batch) * table.epochs
    return transformers.TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=table.epochs,
        per_device_train_batch_size=max(1, table.batch // table.accumulation),
        gradient_accumulation_steps=table.accumulation,
        learning_rate=table.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=max(1, round(table.warmup * updates)),
        weight_decay=table.weight_decay,
        max_grad_norm=table.clip_norm,
        bf16=table.precision == "mixed_bfloat16",
        seed=table.seed,
        data_seed=table.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


class _Rows(Dataset):  # type: ignore[misc] # the group `dev` has no PyTorch
    """The rows of a split as a dataset for the Trainer."""

    def __init__(self, network: Network, split: Encoded) -> None:
        self._columns = network.inputs(split, slice(None))
        self._columns[_LABELS] = torch.from_numpy(split.labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self._columns[_LABELS])

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {name: column[index] for name, column in self._columns.items()}


class _Trainer(transformers.Trainer):  # type: ignore[misc] # the group `dev` has no PyTorch
    """A Trainer that reports the loss of each part of a batch."""

    def __init__(self, reporter: _Reporter, **options: Any) -> None:
        super().__init__(**options)
        self._reporter = reporter

    def training_step(self, *arguments: Any, **options: Any) -> Any:
        """Train on a part of a batch; return its loss."""
        loss = super().training_step(*arguments, **options)
        self._reporter.add(float(loss))
        return loss


class _Reporter(transformers.TrainerCallback):  # type: ignore[misc] # the group `dev` has no PyTorch
    """Reports progress after every update, and stops training if the loss is not finite.

    An update's loss is the sum of the losses of its parts, because the Trainer divides each of
    these by the number of parts.
    """

    def __init__(self, report: Callable[[Step], None], table: TrainingTable, texts: int) -> None:
        self._report, self._table, self._texts = report, table, texts
        self._updates = math.ceil(texts / table.batch)
        self._sum = 0.0

    def add(self, loss: float) -> None:
        """Add the loss of a part of an update.

        Raises:
            EdgeproofError: the loss is not finite.
        """
        if not math.isfinite(loss):
            raise _blown_up(loss)
        self._sum += loss

    def on_epoch_begin(self, _args: Any, _state: Any, _control: Any, **_: Any) -> None:
        """Reset the sum of losses when an epoch begins."""
        self._sum = 0.0

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Report the progress after one update."""
        updates_done = (state.global_step - 1) % self._updates + 1
        epoch = (state.global_step - 1) // self._updates + 1
        texts = min(updates_done * self._table.batch, self._texts)
        loss = self._sum / updates_done
        self._report(Step(epoch, self._table.epochs, updates_done, self._updates, texts, loss))


def _accuracy(evaluation: Any) -> dict[str, float]:
    return {
        "accuracy": float((evaluation.predictions.argmax(axis=1) == evaluation.label_ids).mean())
    }


def _history(logged: list[dict[str, Any]]) -> tuple[Epoch, ...]:
    losses = [line["loss"] for line in logged if "loss" in line]
    validated = [line for line in logged if "eval_accuracy" in line]
    return tuple(
        Epoch(number, loss, line["eval_accuracy"], line["eval_loss"])
        for number, (loss, line) in enumerate(zip(losses, validated, strict=True), 1)
    )


def _blown_up(loss: float) -> EdgeproofError:
    return EdgeproofError(
        f"the loss became {loss}",
        key="training.learning_rate",
        remedy="Lower the learning rate, or lengthen the warm-up",
    )
