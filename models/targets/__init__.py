"""Define targets, where backends run: each module beside this file is a kind with a URL scheme."""
