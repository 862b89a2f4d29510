"""Judge several boards with one command, each in its own run."""
