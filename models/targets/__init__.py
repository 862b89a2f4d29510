"""Targets: where a backend runs. Each module beside this file is one kind, with its URL scheme."""
