"""The miniature and its clean run, shared with the gates' room."""

from suites.meta.gates.sharing import clean_run, miniature, shared_folder

__all__ = ["clean_run", "miniature", "shared_folder"]
