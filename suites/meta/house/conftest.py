"""Provide the fixtures of the miniature subject and its clean run, as the tests of gates do."""

from suites.meta.gates.sharing import clean_run, miniature, shared_folder

__all__ = ["clean_run", "miniature", "shared_folder"]
