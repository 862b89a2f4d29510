"""Judge several boards in one go, each in its own run."""
