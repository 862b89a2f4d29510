"""Fetch checkpoints from the Hugging Face hub into its local cache, or explain the failure."""

from __future__ import annotations

from pathlib import Path

from models.errors import UsageMistake


def fetch(hub_id: str, patterns: list[str], *, key: str, offline: bool) -> Path:
    """Return the local folder of a repository on the hub, and fetch missing files.

    Args:
        hub_id: `owner/name`.
        patterns: patterns of the names of the files to fetch.
        key: the option or key that named the repository, for messages.
        offline: whether only the cache may be used.

    Raises:
        UsageMistake: the id does not exist, its owner has to grant access, or the files cannot
            be fetched; the message says which.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, rarely needed
    from huggingface_hub.errors import (  # noqa: PLC0415 - slow to import, rarely needed
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        folder = snapshot_download(hub_id, allow_patterns=patterns, local_files_only=offline)
    except GatedRepoError:
        raise UsageMistake(
            f"{hub_id!r} is gated: its owner must grant access first",
            key=key,
            remedy=f"Accept the conditions at huggingface.co/{hub_id}, and set HF_TOKEN",
        ) from None
    except RepositoryNotFoundError:
        raise UsageMistake(
            f"the hub has no checkpoint {hub_id!r}, or it is private",
            key=key,
            remedy="Check the id; set HF_TOKEN if the checkpoint is private, or give a "
            "local folder",
        ) from None
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError) as error:
        raise _unreachable(hub_id, key, error, offline=offline) from None
    except (OSError, ValueError) as error:
        raise _unreachable(hub_id, key, error, offline=offline) from None
    return Path(folder)


def _unreachable(hub_id: str, key: str, error: Exception, *, offline: bool) -> UsageMistake:
    first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
    if offline:
        return UsageMistake(
            f"{hub_id!r} is not in the local cache, and --edge-offline forbids downloading it",
            key=key,
            remedy="Run once without --edge-offline, or give a local folder",
        )
    return UsageMistake(
        f"{hub_id!r} is not in the local cache and cannot be downloaded ({first_line})",
        key=key,
        remedy="Check the id and the network, or give a local folder",
    )
