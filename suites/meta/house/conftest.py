"""Provide the miniature and its clean run, which the tests of gates also use."""

from suites.meta.gates.sharing import clean_run, miniature, shared_folder

__all__ = ["clean_run", "miniature", "shared_folder"]
