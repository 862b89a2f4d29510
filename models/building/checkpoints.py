"""Choose the published checkpoint of each model: the subject's own, or one that the user gives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.json_documents import parse_json
from models.files.paths import id_or_folder
from models.networks.config import config_path, read_config
from models.networks.published import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from models.subjects import Subject

_BY_ROLE = re.compile(r"(full|small)=")
_HOW_TO_GIVE = "Give a folder or a hub id, or one for each model: full=FOLDER,small=FOLDER"


def choose_checkpoints(subject: Subject, option: str | None) -> dict[str, str]:
    """Return the folder or hub id of each model that starts from a checkpoint, by role.

    Args:
        subject: the subject. A model with `pretrained = true` needs a checkpoint from the user; a
            folder or id in place of `true` is a default.
        option: the user's option: one checkpoint, or `full=ONE,small=ANOTHER`.

    Raises:
        UsageMistake: a checkpoint is missing, superfluous, or could be for either model.
    """
    starts = {role: table.start for role, table in subject.models().items() if table.start}
    given = _by_role(option, starts, subject.name) if option else {}
    for role in given.keys() - starts.keys():
        raise UsageMistake(
            f"subject {subject.name!r} trains its {role} model from scratch and would ignore "
            f"{given[role]!r}",
            key=KEY,
            remedy=f"Remove this checkpoint, or choose a subject with {role}.pretrained",
        )
    start = starts | given
    for role, checkpoint in start.items():
        if checkpoint is True:
            raise UsageMistake(
                f"subject {subject.name!r} needs a published checkpoint for its {role} model, but "
                "none was given",
                key=KEY,
                remedy=_HOW_TO_GIVE,
            )
    return {role: str(checkpoint) for role, checkpoint in start.items()}


def make_folders_absolute(option: str, *, folder: Path | None = None, key: str = KEY) -> str:
    """Make the folders in the user's option absolute, for processes that start elsewhere.

    Hub ids stay as they are.

    Args:
        option: one checkpoint, or `full=ONE,small=ANOTHER`.
        folder: the folder from which relative paths start; None for the current folder.
        key: the option or key that held it, for messages.

    Raises:
        UsageMistake: a checkpoint is empty, or a role is given twice.
    """
    roles = [("", option)] if not _BY_ROLE.match(option) else _parts(option)
    for role, checkpoint in roles:
        if not checkpoint.strip() or [name for name, _ in roles].count(role) > 1:
            raise UsageMistake(
                _role_problem(option, role, checkpoint), key=key, remedy=_HOW_TO_GIVE
            )
    resolved = [
        (role, id_or_folder(checkpoint, folder=folder, key=key)) for role, checkpoint in roles
    ]
    return ",".join(f"{role}={checkpoint}" if role else checkpoint for role, checkpoint in resolved)


def _role_problem(option: str, role: str, checkpoint: str) -> str:
    if checkpoint.strip():
        return f"{option!r} gives the {role} model twice"
    model = f" for the {role} model" if role else ""
    return f"{option!r} contains no checkpoint{model}"


def _parts(option: str) -> list[tuple[str, str]]:
    """Return the role and the checkpoint of each part of "full=ONE,small=ANOTHER"."""
    parts = (part.partition("=") for part in re.split(r",(?=(?:full|small)=)", option))
    return [(role, checkpoint) for role, _, checkpoint in parts]


def _by_role(option: str, starts: Mapping[str, bool | str], subject: str) -> dict[str, str]:
    if _BY_ROLE.match(option):
        return dict(_parts(option))
    if not starts:
        raise UsageMistake(
            f"subject {subject!r} trains from scratch and would ignore {option!r}",
            key=KEY,
            remedy="Remove the option, or choose a subject with full.pretrained",
        )
    waiting = [role for role, checkpoint in starts.items() if checkpoint is True]
    if not waiting and len(starts) > 1:
        raise UsageMistake(
            f"{option!r} could be the full or the small model of subject {subject!r}",
            key=KEY,
            remedy="Write which model the checkpoint is for: full=FOLDER, small=FOLDER, "
            "or both, separated by a comma",
        )
    return dict.fromkeys(waiting or starts, option)


def require_fit(subject: Subject, checkpoints: Mapping[str, Path]) -> None:
    """Check the configs of checkpoints against the subject, without reading weights or texts.

    Raises:
        UsageMistake: a config is not BERT's or MobileBERT's, its network has fewer positions than a
            text may have tokens, or it is smaller than the model that is to be cut out of it; the
            message names file and key.
    """
    configs = {role: read_config(folder) for role, folder in checkpoints.items()}
    for role, config in configs.items():
        if config.max_position_embeddings < subject.max_tokens:
            raise UsageMistake(
                f"is {config.max_position_embeddings}, which is less than "
                f"tokenizer.max_tokens, {subject.max_tokens}",
                file=config_path(checkpoints[role]),
                key="max_position_embeddings",
                remedy="Lower tokenizer.max_tokens, or give a checkpoint with enough positions",
            )
    if subject.shrunk is None or "full" not in configs:
        return
    full = configs["full"]
    try:
        subject.shrunk.require_fit(
            layers=full.num_hidden_layers,
            heads=full.num_attention_heads,
            intermediate=full.intermediate_size,
            embedding=full.embedding_size or full.hidden_size,
            pieces=full.vocab_size,
        )
    except ValueError as mistake:
        raise UsageMistake(
            f"does not fit the checkpoint {checkpoints['full']}: {mistake}",
            key=f"subject {subject.name!r}",
            remedy="Correct this key of the subject, or give a larger checkpoint",
        ) from None


def require_one_vocabulary(checkpoints: dict[str, Path]) -> None:
    """Check that all checkpoints have the same vocabulary, because the corpus is encoded once.

    Raises:
        UsageMistake: the vocabularies differ, or one cannot be read; the message names the folder.
    """
    folders = list(checkpoints.values())
    for folder in folders[1:]:
        if folder != folders[0] and _pieces(folder) != _pieces(folders[0]):
            raise UsageMistake(
                f"its vocabulary differs from that of {folders[0]}",
                file=folder,
                key=KEY,
                remedy="Give checkpoints of one vocabulary, both uncased for example",
            )


def _pieces(folder: Path) -> dict[str, int]:
    """Return the id of each word piece, from tokenizer.json or vocab.txt."""
    document, vocabulary_file = folder / "tokenizer.json", folder / "vocab.txt"
    try:
        if document.is_file():
            vocabulary = parse_json(document.read_text(encoding="utf-8"))["model"]["vocab"]
            return dict(vocabulary)
        pieces = vocabulary_file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageMistake(
            f"the vocabulary cannot be read ({error})",
            file=document if document.is_file() else vocabulary_file,
            key=KEY,
            remedy="Give the complete folder of a published checkpoint",
        ) from None
    return {piece: number for number, piece in enumerate(pieces)}
